"""Fundamental types: bars, messages, orders, instruments, config, errors and the seams."""
