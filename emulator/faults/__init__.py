"""Injects faults into the services of the local cloud."""
