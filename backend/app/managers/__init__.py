"""Stateful facades: time, data, execution, and the system that wires them."""
