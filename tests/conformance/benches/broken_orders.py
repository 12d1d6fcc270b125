"""Adapters that get orders, terms, refusals or the account wrong."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from app.core.money import UNITS
from app.core.orders import LIMIT, STOP, Terms
from app.core.venue import (
    Abilities,
    Sizes,
    VenueError,
    VenueOrder,
    VenueRefused,
    VenueReport,
    VenueTime,
    VenueUnclear,
)
from app.integrations.practice.adapter import PracticeAdapter
from tests.conformance.benches.broken import fails


def _changed(order: VenueOrder, **fields: Any) -> VenueOrder:
    return msgspec.structs.replace(order, **fields)


@fails(1)
class OurOwnClock(PracticeAdapter):
    def time(self) -> VenueTime:
        return VenueTime(1_700_000_000 * 10**9)


@fails(8)
class NoStop(PracticeAdapter):
    def place(self, order: VenueOrder) -> VenueReport:
        if order.kind == "stop_limit":
            order = _changed(
                order, kind=LIMIT, terms=msgspec.structs.replace(order.terms, stop=None)
            )
        return super().place(order)


@fails(9)
class DeclaresWhatItHas(PracticeAdapter):
    """Says that it has no trailing stops, and takes them."""

    abilities = Abilities(kinds=Abilities().kinds - {"trailing_stop"})


@fails(12)
class RoundsToLots(PracticeAdapter):
    def place(self, order: VenueOrder) -> VenueReport:
        terms = msgspec.structs.replace(order.terms, units=order.terms.units // UNITS * UNITS)
        return super().place(_changed(order, terms=terms))


@fails(13)
class RoundsToTicks(PracticeAdapter):
    def place(self, order: VenueOrder) -> VenueReport:
        limit = order.terms.limit and round(order.terms.limit, 2)
        terms = msgspec.structs.replace(order.terms, limit=limit)
        return super().place(_changed(order, terms=terms))


@fails(83)
class TellsAnotherTick(PracticeAdapter):
    def sizes(self, symbol: str) -> Sizes | None:
        return Sizes(Decimal("0.05"), Decimal(1))


@fails(84)
class RefusesPassedStopsWithoutAWord(PracticeAdapter):
    """As any order that it does not take: nobody could tell that it was reached."""

    def place(self, order: VenueOrder) -> VenueReport:
        if order.kind == STOP and order.terms.units < 0 and (order.terms.stop or 0.0) > 101.0:
            raise VenueRefused("It would trigger at once.")
        return super().place(order)


@fails(16)
class ShortIds(PracticeAdapter):
    def place(self, order: VenueOrder) -> VenueReport:
        return super().place(_changed(order, client_id=order.client_id[:16]))


@fails(19)
class NothingToCancel(PracticeAdapter):
    def cancel(self, client_id: str, symbol: str = "") -> VenueReport:
        found = self.order(client_id)
        return super().cancel(client_id) if found else _ended(client_id)


def _ended(client_id: str) -> VenueReport:
    return VenueReport(
        client_id=client_id, venue_id="", symbol="", state="CANCELED", units=0, filled_units=0,
        kind="market", at_ns=0,
    )  # fmt: skip


@fails(21)
class TakesSilenceForNo(PracticeAdapter):
    def place(self, order: VenueOrder) -> VenueReport:
        try:
            return super().place(order)
        except VenueUnclear as error:
            raise VenueRefused(str(error)) from error


@fails(23)
class TriesAgain(PracticeAdapter):
    def place(self, order: VenueOrder) -> VenueReport:
        try:
            return super().place(order)
        except VenueUnclear:
            return super().place(order)


@fails(29)
class NoAnswerIsNone(PracticeAdapter):
    def order(self, client_id: str, symbol: str = "") -> VenueReport | None:
        try:
            return super().order(client_id)
        except VenueUnclear:
            return None


@fails(29)
class NoAnswerIsEmpty(PracticeAdapter):
    def positions(self) -> dict[str, int]:
        try:
            return super().positions()
        except VenueUnclear:
            return {}


@fails(30)
class RawError(PracticeAdapter):
    def cash(self) -> dict[str, int]:
        try:
            return super().cash()
        except VenueRefused as error:
            raise KeyError("balances") from error


@fails(31)
class RawGarbage(PracticeAdapter):
    def time(self) -> VenueTime:
        try:
            return super().time()
        except VenueUnclear as error:
            raise ValueError("no JSON") from error


@fails(35)
class WholeOrNothing(PracticeAdapter):
    def order(self, client_id: str, symbol: str = "") -> VenueReport | None:
        report = super().order(client_id)
        if report is None or report.state != "PARTIAL":
            return report
        return msgspec.structs.replace(report, state="ACCEPTED", filled_units=0)


@fails(38)
class CashInFloats(PracticeAdapter):
    def cash(self) -> dict[str, int]:
        return {name: round(units / 1e9) * 10**9 for name, units in super().cash().items()}


@fails(39)
class ForgetsReduceOnly(PracticeAdapter):
    def place(self, order: VenueOrder) -> VenueReport:
        return super().place(_changed(order, reduce_only=False))


@fails(40)
class ForgetsAtOnce(PracticeAdapter):
    def place(self, order: VenueOrder) -> VenueReport:
        return super().place(_changed(order, tif="day"))


@fails(41)
class AllAreGtc(PracticeAdapter):
    def place(self, order: VenueOrder) -> VenueReport:
        return super().place(_changed(order, tif="gtc"))


@fails(42)
class AllAreDay(PracticeAdapter):
    def place(self, order: VenueOrder) -> VenueReport:
        return super().place(_changed(order, tif="day"))


@fails(44)
class AmendsByAnother(PracticeAdapter):
    """Cancels, and places another under another id."""

    def amend(self, client_id: str, terms: Terms, symbol: str = "") -> VenueReport:
        old = super().cancel(client_id)
        return super().place(
            VenueOrder(
                client_id=f"{client_id}-2", symbol=old.symbol, kind=old.kind, tif="day", terms=terms
            )
        )


@fails(46)
class AmendsTheRest(PracticeAdapter):
    def amend(self, client_id: str, terms: Terms, symbol: str = "") -> VenueReport:
        found = self.order(client_id)
        filled = found.filled_units if found else 0
        return super().amend(client_id, msgspec.structs.replace(terms, units=terms.units + filled))


@fails(51)
class CancelsWhatHasFilled(PracticeAdapter):
    def cancel(self, client_id: str, symbol: str = "") -> VenueReport:
        try:
            return super().cancel(client_id)
        except VenueRefused:
            return _ended(client_id)


@fails(53)
class OursAlone(PracticeAdapter):
    def open_orders(self) -> Sequence[VenueReport]:
        return [one for one in super().open_orders() if one.client_id]


@fails(4, 24, 27, 34, 35, 40, 41, 47, 50, 51, 54, 64, 66, 68)
class AllStillWork(PracticeAdapter):
    def order(self, client_id: str, symbol: str = "") -> VenueReport | None:
        found = super().order(client_id)
        return found and msgspec.structs.replace(found, state="ACCEPTED", filled_units=0)


@fails(5, 20, 36, 38, 49, 52, 53)
class HoldsNothing(PracticeAdapter):
    def positions(self) -> dict[str, int]:
        super().positions()
        return {}


@fails(2, 37, 39)
class HoldsForEver(PracticeAdapter):
    def positions(self) -> dict[str, int]:
        return {"AAA": UNITS} | super().positions()


@fails(6, 16, 17, 21, 30, 43, 53)
class NothingIsOpen(PracticeAdapter):
    def open_orders(self) -> Sequence[VenueReport]:
        super().open_orders()
        return []


@fails(12, 13, 14, 15, 17, 18, 23, 25)
class AlwaysTakesOrders(PracticeAdapter):
    def place(self, order: VenueOrder) -> VenueReport:
        try:
            return super().place(order)
        except VenueError:
            return _ended(order.client_id)


@fails(4, 6, 21, 22, 25, 27, 33, 48, 50)
class OrdersGoNowhere(PracticeAdapter):
    def place(self, order: VenueOrder) -> VenueReport:
        return _ended(order.client_id)


@fails(32, 33)
class LimitsAreRaw(PracticeAdapter):
    def place(self, order: VenueOrder) -> VenueReport:
        try:
            return super().place(order)
        except VenueError as error:
            raise ValueError("429") from error


@fails(26, 29)
class AlwaysFindsIt(PracticeAdapter):
    def order(self, client_id: str, symbol: str = "") -> VenueReport | None:
        try:
            return super().order(client_id) or _ended(client_id)
        except VenueError:
            return _ended(client_id)


@fails(28, 44, 45, 46, 47)
class AmendsNothing(PracticeAdapter):
    def amend(self, client_id: str, terms: Terms, symbol: str = "") -> VenueReport:
        found = self.order(client_id)
        assert found is not None
        return found


@fails(48, 49, 50, 51)
class CancelsNothing(PracticeAdapter):
    def cancel(self, client_id: str, symbol: str = "") -> VenueReport:
        return _ended(client_id)


@fails(54)
class ExpectsItsOwn(PracticeAdapter):
    def order(self, client_id: str, symbol: str = "") -> VenueReport | None:
        found = super().order(client_id)
        return None if found and found.state == "CANCELED" else found
