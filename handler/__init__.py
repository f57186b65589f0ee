"""The function: takes module-creation requests, creates the modules, publishes one outcome for each."""
