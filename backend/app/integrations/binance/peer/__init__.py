"""A Binance of our own: its wire format on the practice venue's matching."""
