"""Wires everything; the only place that chooses Feed and Broker."""
