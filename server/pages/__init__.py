"""What a browser is shown: the schema to read, and in development GraphiQL."""
