"""What is traded: tick, lot, multiplier, currency; and the corporate actions on it."""

import datetime as dt
from decimal import Decimal

import msgspec


class Instrument(msgspec.Struct, frozen=True):
    """One (market, symbol) with the sizes its orders must respect."""

    market: str
    symbol: str
    tick: Decimal = Decimal("0.01")
    lot: Decimal = Decimal(1)
    multiplier: Decimal = Decimal(1)
    currency: str = "USD"
    least_value: Decimal | None = None  # that an entry has to be worth, in its currency


class CorporateAction(msgspec.Struct, frozen=True):
    """A split (new shares for one old) or a cash dividend (a share), by ex-date."""

    symbol: str
    ex_date: dt.date
    kind: str  # "split" or "dividend"
    value: Decimal  # the ratio, or the amount per share


class Adjustment(msgspec.Struct, frozen=True):
    """All actions of one symbol that take effect at one session, ready to apply.

    `price_factor` is what earlier prices are multiplied by, `volume_factor` earlier volumes;
    `split_ratio` and `dividend` are what a held position gets (splits before dividends).
    """

    symbol: str
    session_date: dt.date
    split_ratio: Decimal
    dividend: Decimal
    price_factor: float
    volume_factor: float
