"""Coins: what a symbol such as `BTC/USDT` trades, and a venue may take its fees in."""

from collections.abc import Sequence


def coin_of(symbol: str) -> str:
    """What is held of a symbol; "" where it is no pair."""
    coin, slash, _ = symbol.partition("/")
    return coin if slash else ""


def paid_from(symbols: Sequence[str], symbol: int, currency: str) -> int | None:
    """The symbol whose coins paid the fee of a fill of `symbol`; None where no symbol's did."""
    if not currency:
        return None
    if coin_of(symbols[symbol]) == currency:
        return symbol
    return next((at for at, name in enumerate(symbols) if coin_of(name) == currency), None)


def whole_lots(units: int, lot_units: int) -> int:
    """The part of a holding that can be sold, or bought back: whole lots of it."""
    lots = abs(units) // lot_units * lot_units
    return lots if units > 0 else -lots
