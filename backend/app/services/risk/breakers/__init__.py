"""What takes an account out of trading: one a file, found by their names."""
