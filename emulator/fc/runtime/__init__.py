"""The code that runs inside an instance, on the standard library alone."""
