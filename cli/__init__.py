"""`ota-modules`, the command line. Never deployed."""
