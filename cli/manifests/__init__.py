"""Which requests files want, and what they would change."""
