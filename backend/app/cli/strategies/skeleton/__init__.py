"""What `strategies new` writes, kept as code that is checked like any other code."""
