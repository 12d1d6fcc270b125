"""Why the practice venue refuses an order or other terms, in words."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from app.core.errors import AppError, did_you_mean
from app.core.money import from_units, to_units
from app.core.orders import (
    GTC,
    IOC,
    KINDS,
    LIMIT,
    STOP,
    STOP_LIMIT,
    TIFS,
    TRAILING_STOP,
    Order,
    Terms,
)
from app.core.venue import VenueOrder
from app.integrations.practice.wire import MALFORMED, REFUSED
from app.services.auctions import AUCTIONS

_LONGEST_CLIENT_ID = 64
_MOST_UNITS = 1 << 62


class Refusal(AppError):
    """The venue says no; `code` is one of `wire.STATUS`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Sizes(NamedTuple):
    """An instrument's sizes, in units."""

    tick_units: int
    lot_units: int
    multiplier_units: int
    currency: str


def check_order(asked: VenueOrder, sizes: Sizes, *, by_hand: bool) -> None:
    """Refuse an order that cannot be worked."""
    name = asked.client_id
    if not by_hand and not (0 < len(name) <= _LONGEST_CLIENT_ID and name.isprintable()):
        raise Refusal(MALFORMED, f"A client id has 1 to {_LONGEST_CLIENT_ID} printable letters.")
    _check_word("kind", asked.kind, KINDS)
    _check_word("tif", asked.tif, TIFS)
    if asked.kind in AUCTIONS and asked.tif in (GTC, IOC):
        raise Refusal(REFUSED, f"A {asked.kind} order is for one auction; its tif is day.")
    check_terms(asked.kind, asked.terms, sizes)


def check_terms(kind: str, terms: Terms, sizes: Sizes) -> None:
    """Refuse a quantity or prices that an order of this kind cannot have."""
    units = terms.units
    if units == 0 or units % sizes.lot_units or abs(units) > _MOST_UNITS:
        lot = from_units(sizes.lot_units)
        raise Refusal(REFUSED, f"The quantity {from_units(units)} is not a multiple of {lot}.")
    _check_price("limit", terms.limit, kind in (LIMIT, STOP_LIMIT), kind, sizes)
    if kind != TRAILING_STOP:
        _check_price("stop", terms.stop, kind in (STOP, STOP_LIMIT), kind, sizes)
    _check_trail(kind, terms)


def check_change(order: Order, terms: Terms, sizes: Sizes) -> None:
    """Refuse terms that this order cannot have any more."""
    check_terms(order.kind, terms, sizes)
    if (terms.units > 0) != (order.units > 0):
        raise Refusal(REFUSED, "An amendment cannot change the side of an order.")
    if abs(terms.units) <= abs(order.filled_units):
        filled = from_units(abs(order.filled_units))
        raise Refusal(REFUSED, f"{filled} have filled already; a smaller order is a cancel.")


def check_amounts(amounts: Mapping[str, int]) -> None:
    """Refuse amounts that books cannot hold."""
    for name, units in amounts.items():
        if abs(units) > _MOST_UNITS:
            raise Refusal(REFUSED, f"{units} units of {name} are too many.")


def _check_word(name: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        hint = did_you_mean(word, known)
        raise Refusal(REFUSED, f"The {name} '{word}' is none of {', '.join(known)}.{hint}")


def _check_price(name: str, price: float | None, needed: bool, kind: str, sizes: Sizes) -> None:
    if (price is not None) != needed:
        raise Refusal(REFUSED, f"A {kind} order has {'a' if needed else 'no'} {name}.")
    if price is None:
        return
    if not 0.0 < price < 1e12 or to_units(price) % sizes.tick_units:
        tick = from_units(sizes.tick_units)
        raise Refusal(REFUSED, f"The {name} {price} is not a price on the tick of {tick}.")


def _check_trail(kind: str, terms: Terms) -> None:
    given = [trail for trail in (terms.trail, terms.trail_percent) if trail is not None]
    if len(given) != (kind == TRAILING_STOP):
        needed = "either trail or trail_percent" if kind == TRAILING_STOP else "no trail"
        raise Refusal(REFUSED, f"A {kind} order has {needed}.")
    for distance in given:
        if not 0 < Decimal(repr(distance)) < 10**12:
            raise Refusal(REFUSED, f"The distance {distance} of a trailing stop is not above 0.")
    if terms.trail_percent is not None and terms.trail_percent >= 100:
        raise Refusal(REFUSED, f"A trail of {terms.trail_percent} % leaves no price.")
