"""What `make package` and `make infra` run: builds what is deployed, and is not deployed itself."""
