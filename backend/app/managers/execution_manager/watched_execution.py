"""An ExecutionManager that somebody watches: what is proposed, and what each limit says to it."""

from typing import Any, NamedTuple, Protocol

import msgspec

from app.core.orders import REJECTED, Order, Terms
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.limits.seen import Known, Seen
from app.services.risk.catalogue import Limit
from app.services.risk.facts import Ask, Portfolio
from app.services.risk.sizes import MOST_UNITS
from app.services.risk.verdict import Verdict


class Heard(NamedTuple):
    """One limit that an order was held against, and what it said; None where it approved.

    `room_units` is how much it lets through at most, had more been asked for; None: any size.
    `figure` is what it looked at where that is no size.
    """

    scope: str
    limit: Limit
    verdict: Verdict | None
    room_units: int | None
    figure: str


class OrderWitness(Protocol):
    """Is told of each order and amendment before it is weighed, and when that is done."""

    def proposes(self, order: Order, terms: Terms | None, now_ns: int) -> None:
        """An order is about to be weighed, or with `terms` an amendment of one."""
        ...

    def decided(self, order: Order, heard: list[Heard], reason: str, *, has_limits: bool) -> None:
        """It was weighed; a `reason` refuses it. `has_limits`: some hold, be they asked or not."""
        ...


class WatchedExecution(ExecutionManager):
    """Decides as any other; only a run that is told again has one."""

    def __init__(self, witness: OrderWitness, **parts: Any) -> None:
        super().__init__(**parts)
        self._witness = witness
        self._heard: list[Heard] = []

    def value_by(self, prices: Known) -> None:
        self._known = prices
        self._checks.on_verdict = self._hear
        super().value_by(prices)

    def submit(self, order: Order, now_ns: int) -> None:
        self._begin(order, None, now_ns)
        super().submit(order, now_ns)
        self._tell(order, order.reason if order.state == REJECTED else "")

    def withdraw(self, order: Order, now_ns: int) -> None:
        self._begin(order, None, now_ns)
        super().withdraw(order, now_ns)
        self._tell(order, order.reason)

    def amend(self, order: Order, terms: Terms, now_ns: int) -> bool:
        self._begin(order, terms, now_ns)
        is_done = super().amend(order, terms, now_ns)
        self._tell(order, "" if is_done else order.reason)
        return is_done

    def weigh(self, order: Order, now_ns: int) -> tuple[str, list[Heard], bool]:
        """Why an order would be refused now, or ""; what limits say, and whether any hold for it.

        It may be smaller then. Nothing of it stays: it was never given.
        """
        self._checks.reduces_too(order, self.aim_units)  # as `submit` sees it
        before, self._heard = self._heard, []
        reason = self._checks.weigh(order, now_ns)
        heard, self._heard = self._heard, before
        return reason, heard, self._checks.has_limits(order)

    def _begin(self, order: Order, terms: Terms | None, now_ns: int) -> None:
        self._heard = []
        self._witness.proposes(order, terms, now_ns)

    def _tell(self, order: Order, reason: str) -> None:
        has_limits = self._checks.has_limits(order)
        self._witness.decided(order, self._heard, reason, has_limits=has_limits)

    def _hear(
        self, ask: Ask, scope: str, portfolio: Portfolio, limit: Limit, verdict: Verdict | None
    ) -> None:
        seen = Seen(self._known, self._known.mark)
        seen.asked = ask
        most = verdict
        if most is None and ask.units:  # rules are pure: asking once more changes nothing
            added = MOST_UNITS if ask.units > 0 else -MOST_UNITS
            whole = ask.whole_units - ask.units + added
            larger = msgspec.structs.replace(ask, units=added, whole_units=whole)
            most = limit.check(larger, portfolio, seen, limit.most)
        room_units = None if most is None else most.units
        figure = ""
        if verdict is None and limit.figure is not None:
            figure = limit.figure(ask, portfolio, seen)
        self._heard.append(Heard(scope, limit, verdict, room_units, figure))
