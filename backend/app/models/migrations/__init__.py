"""The database's history, step by step; `init-db` runs what is missing."""
