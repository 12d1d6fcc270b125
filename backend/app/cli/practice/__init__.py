"""`practice`: a venue of our own in a process of its own."""
