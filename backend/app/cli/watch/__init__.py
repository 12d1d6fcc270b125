"""A session as it goes on: what `data session` and `watch` show, and how commands follow it."""
