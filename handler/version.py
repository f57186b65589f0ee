"""The function's version, for its log and its descriptions."""

VERSION = "1.0.0"
"""As in pyproject.toml; `make package` adds a digest of the sources, as in `1.0.0+3f2a91c0d5e7`."""
