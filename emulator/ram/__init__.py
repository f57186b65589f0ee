"""Who calls, with which keys, and what they may."""
