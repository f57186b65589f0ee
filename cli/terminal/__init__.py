"""What the user sees, and Ctrl-C."""
