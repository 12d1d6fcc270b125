"""`data`: bars, instruments, corporate actions, and the sources they come from."""
