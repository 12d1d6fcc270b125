"""A run's record: its folder, its rows, and what it came to."""
