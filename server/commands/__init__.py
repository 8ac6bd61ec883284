"""What an operator can do, a module for each command. A module is imported when its command is called for."""
