"""Binance spot: REST by python-binance, its streams by websockets."""
