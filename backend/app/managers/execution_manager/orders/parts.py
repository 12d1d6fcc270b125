"""What of each live order is at the venue: a part of it, as large as its entry has brought so far.

An order that depends on no entry has one part, all of it. Of one that does, the part grows by
amendment; where a part has filled and more is brought later, that goes out as another part, under
a number of its own: those of order 17 are 17, 1000000017, 2000000017. Nothing is asked of a part
before what was asked last has been answered.
"""

from typing import Final

import msgspec
from msgspec.structs import replace

from app.core.order_events import Place
from app.core.orders import LIMIT, MARKET, STOP_LIMIT, Order, Terms

APART: Final = 1_000_000_000  # are the numbers of an order's parts; no run has so many orders


class Part(msgspec.Struct):
    """So much of an order as the venue works; a part that has filled is over."""

    number: int  # the order's own, for its first part
    terms: Terms  # in force at the venue
    filled_units: int = 0
    asked: Terms | None = None  # what the venue has not answered yet;
    goal: Terms | None = None  # and what the order itself becomes by that, if anything
    refused: Terms | None = None  # not asked for a second time
    is_aside: bool = False  # it was asked to end, and the order waits on

    @property
    def is_over(self) -> bool:
        """Whether nothing of it can fill any more: all has, and it is not about to grow."""
        most = self.terms.units if self.asked is None or self.is_aside else self.asked.units
        return abs(self.filled_units) >= max(abs(self.terms.units), abs(most))

    def ask(self, terms: Terms, goal: Terms | None) -> None:
        """An amendment leaves; or a cancel, where no more than has filled is to be left."""
        self.asked, self.goal = terms, goal
        self.is_aside = abs(terms.units) <= abs(self.filled_units)

    def _answer(self) -> tuple[Terms | None, Terms | None]:
        asked, goal = self.asked, self.goal
        self.asked, self.goal, self.is_aside = None, None, False
        return asked, goal

    def refuse(self) -> Terms | None:
        """What was asked will not be: its goal."""
        asked, goal = self._answer()
        self.refused = self.refused if asked is None else asked
        return goal

    def _comes_late(self, terms: Terms, order: Order) -> bool:
        """Whether a size was refused, and is there after all: of an order that is to be more than
        this part, it is only how much of it works.
        """
        more = abs(order.units - order.filled_units) > abs(self.terms.units - self.filled_units)
        return more and self.refused is not None and terms.units == self.refused.units

    def take(self, terms: Terms, order: Order) -> Terms:
        """These are in force at the venue: what the order itself is by them."""
        units = order.units
        if self.asked is not None and terms.units == self.asked.units:
            units = units if self.goal is None else self.goal.units
        elif terms.units != self.terms.units and not self._comes_late(terms, order):
            # the venue's word counts
            units = order.filled_units - self.filled_units + terms.units
        if terms == self.asked:
            self._answer()
        self.terms, self.refused = terms, None
        return replace(terms_of(order) if order.triggered else terms, units=units)


def place_of(order: Order, part: Part, opens: bool) -> Place:
    """A part's placement; a stop that was reached is none any more, and takes out alone."""
    kind = order.kind
    if order.triggered:
        kind = LIMIT if kind == STOP_LIMIT else MARKET
    only_reduces = order.reduce_only or order.triggered
    return Place(part.number, order.symbol_index, kind, order.tif, part.terms, only_reduces, opens)


def terms_there(order: Order, terms: Terms) -> Terms:
    """An order's terms as the venue is asked for them."""
    return Terms(terms.units, terms.limit, None, None, None) if order.triggered else terms


def order_of(number: int) -> int:
    """Whose part a number is."""
    return number % APART


def terms_of(order: Order) -> Terms:
    """The terms an order has now."""
    return Terms(order.units, order.limit, order.stop, order.trail, order.trail_percent)
