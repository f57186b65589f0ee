"""What the user can type: a command in a file, or those that belong together."""
