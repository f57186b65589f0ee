"""One sending, from where it stands to its end."""
