"""SMQ over HTTP."""
