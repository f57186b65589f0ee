"""The Simple Message Queue service."""
