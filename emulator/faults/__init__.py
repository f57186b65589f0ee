"""Faults: what can go wrong, when it does, and how."""
