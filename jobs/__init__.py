"""What nobody waits for: imports and mail, carried out from rows."""
