"""The IoT Platform API."""
