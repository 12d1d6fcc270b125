"""What a live run's journal says of it: its header, its inputs, its saved states."""
