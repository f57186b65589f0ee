"""Access keys, signatures and policies (RAM)."""
