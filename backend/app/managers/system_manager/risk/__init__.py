"""What is remembered of an account's risk, from run to run."""
