"""Which hooks strategies have, when they are called, and what becomes of one that fails."""
