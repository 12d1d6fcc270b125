"""What the number of a limit or a breaker is: money, a share, a time or a count. For people."""

from typing import Final

_MONEY: Final = ("_value", "_loss")  # how names end
_ENDINGS: Final = {
    "_percent": "%",
    "_bps": "basis points",
    "_seconds": "seconds",
    "_minutes": "minutes",
    "_quantity": "of a symbol",
}
_OTHERS: Final = {
    "allow_short": "",
    "restricted": "",
    "max_leverage": "times equity",
    "max_open_positions": "positions",
    "max_open_orders": "orders",
    "max_orders_per_second": "entries a second",
    "max_orders_per_minute": "entries a minute",
    "max_orders_per_day": "entries a session",
    "rejects_per_minute": "refusals a minute",
    "broker_errors": "orders in turn",
}


def unit_of(name: str, currency: str) -> str:
    """Of a rule or a breaker, also `daily_loss of account file`; "" where it has no number."""
    name = name.partition(" of ")[0]
    if name.endswith(_MONEY):
        return currency
    found = next((unit for ending, unit in _ENDINGS.items() if name.endswith(ending)), None)
    return _OTHERS[name] if found is None else found
