"""The ways to a cloud: whose it is, and how its services are called."""
