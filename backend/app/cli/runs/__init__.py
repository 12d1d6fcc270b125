"""`runs`, `why` and `verify`: what ran before, and how it came about."""
