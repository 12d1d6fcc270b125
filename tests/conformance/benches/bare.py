"""A bench whose adapter lacks all that can be declared: the refusals that stand in for cases."""

from collections.abc import Mapping
from typing import ClassVar

from app.core.orders import GTC, LIMIT, MARKET, Terms
from app.core.venue import Abilities, Venue, VenueOrder, VenueRefused, VenueReport
from app.integrations.abilities import check_amendment, check_order
from app.integrations.practice.adapter import PracticeAdapter
from tests.conformance.benches.practice import InProcessBench


class BareBench(InProcessBench):
    """A spot venue of few words, on the practice venue's desk."""

    name = "bare"
    lacks: ClassVar[Mapping[str, str]] = InProcessBench.lacks
    abilities = Abilities(
        kinds=frozenset({MARKET, LIMIT}),
        tifs=frozenset({GTC}),
        amends=False,
        reduces_only=False,
        goes_short=False,
        exits_twice=False,
    )  # and what it remembers, the desk below does

    def open(self) -> Venue:
        practice: PracticeAdapter = super().open()  # type: ignore[assignment]
        return _Bare(practice._transport, practice._start_stream)


class _Bare(PracticeAdapter):
    abilities = BareBench.abilities

    def place(self, order: VenueOrder) -> VenueReport:
        check_order(self.abilities, order)
        if order.terms.units < 0:
            self._check_held(order)
        return super().place(order)

    def amend(self, client_id: str, terms: Terms, symbol: str = "") -> VenueReport:
        check_amendment(self.abilities)
        return super().amend(client_id, terms)

    def _check_held(self, order: VenueOrder) -> None:
        """As a spot venue does: what orders are to sell is not there for others."""
        promised = sum(one.units for one in self.open_orders() if one.units < 0)
        if self.positions().get(order.symbol, 0) + promised + order.terms.units < 0:
            raise VenueRefused("So much is not held.")
