"""`doctor`: looks at all a run depends on, one small check after another, each on its own."""
