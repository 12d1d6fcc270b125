"""Bars at rest, instruments, corporate actions, and the replay feed."""
