"""EventBridge's event streams."""
