"""The cloud on one machine: IoT Platform, SMQ, Function Compute and EventBridge streams, on loopback. Never deployed."""
