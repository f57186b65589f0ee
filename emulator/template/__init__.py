"""Reads template.yml, and makes in the local cloud what it declares."""
