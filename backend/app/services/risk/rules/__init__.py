"""One rule a file, by the name of its limit: `check` approves with None, or gives its verdict."""
