"""The command line: words in, tables or JSON out; no trading logic."""
