"""What a config and its strategies ask for, and whether a run can have it."""
