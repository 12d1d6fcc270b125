"""Orders and fills as people see them: exact decimals instead of units."""

from decimal import Decimal

import msgspec


class OrderData(msgspec.Struct, frozen=True):
    """One order that works."""

    order_id: int
    symbol: str
    kind: str
    side: str
    quantity: Decimal
    filled: Decimal
    state: str
    limit: float | None
    stop: float | None
    created_ns: int


class FillData(msgspec.Struct, frozen=True):
    """One fill; its quantity is signed."""

    fill_id: int
    order_id: int
    symbol: str
    quantity: Decimal
    price: float
    fee: Decimal
    at_ns: int
