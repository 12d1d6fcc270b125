"""A venue of our own: orders, matching on stored bars, its own time, books and faults."""
