"""What the user can type, one command a file."""
