"""What mails say: texts in files, made into mails as they are sent and as they are shown."""
