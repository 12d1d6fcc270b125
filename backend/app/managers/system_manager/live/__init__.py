"""A live run between its venue and its journal, from its opening to its end."""
