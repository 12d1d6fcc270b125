"""The gate where fees are taken in coins: what the account holds, and what of it can be closed."""

import pytest
from msgspec.structs import replace
from tests.gate_desk import RUN, START_NS, Desk, name, place

from app.core.order_events import Ended, Filled, GateActed, GateGave, Place
from app.core.orders import CANCELED, GTC, MARKET, Terms
from app.core.venue import Execution, VenueReport
from app.managers.execution_manager.gate.calls import PlaceCall
from app.managers.execution_manager.gate.gate_book import GateBook

BTC, LOT = "BTC/USDT", 1_000
BUY, FEE = 123_000, 123


def book(before: dict[str, int] | None = None) -> GateBook:
    symbols, lots = [BTC, "BNB/USDT"], [LOT, LOT]
    return GateBook(RUN, symbols, since_ns=START_NS, positions=before, lot_units=lots)


def bought(client_id: str, units: int = BUY, fee: int = FEE, coin: str = "BTC") -> Execution:
    return Execution(
        execution_id=f"e-{client_id}", client_id=client_id, venue_id="v1", symbol=BTC, units=units,
        price=60_000.0, fee_units=fee, at_ns=START_NS, fee_currency=coin,
    )  # fmt: skip


def report(client_id: str, units: int, state: str = "FILLED") -> VenueReport:
    return VenueReport(
        client_id=client_id, venue_id="v1", symbol=BTC, state=state, units=units,
        filled_units=units if state == "FILLED" else 0, kind=MARKET, at_ns=START_NS,
    )  # fmt: skip


def holding(**fields: object) -> Desk:
    """A desk that has bought, and paid for it in coins."""
    desk = Desk(book())
    desk.send(place(1, kind=MARKET))
    desk.answer(PlaceCall, report(name(), BUY, "ACCEPTED"))
    desk.stream(bought(name(), **fields), report(name(), BUY))  # type: ignore[arg-type]
    return desk


def test_a_fee_in_coins_is_told_and_makes_the_account_s_position_smaller() -> None:
    desk = holding()
    told = next(event for event in desk.events if isinstance(event, Filled))
    assert (told.units, told.fee_units, told.fee_currency) == (BUY, FEE, "BTC")
    assert desk.book.status().positions == {BTC: BUY - FEE}
    again = book()
    again.recall(place(1, kind=MARKET))
    again.recall(told)
    assert again.status().positions == {BTC: BUY - FEE}


def test_a_position_that_the_venue_tells_without_the_fee_agrees() -> None:
    desk = holding()
    desk.positions = {BTC: BUY - FEE}
    desk.wait(120)
    assert desk.book.status().halted == {}
    desk.positions = {BTC: BUY}
    desk.wait(120)
    assert list(desk.book.status().halted) == [BTC]


def test_a_fee_in_the_coins_of_another_symbol_is_taken_from_that() -> None:
    desk = holding(coin="BNB", fee=5_000)
    assert desk.book.tracker.held_units(1) == -5_000
    assert desk.book.status().positions == {BTC: BUY}, "the run is not short of it"


def test_the_fee_of_an_order_that_is_left_alone_is_taken_from_what_is_beside() -> None:
    desk = Desk(book())
    desk.stream(bought("web_somebody_else_bought_it", 1_000_000, 1_000))
    assert desk.book.tracker.held_units(0) == 1_000_000 - 1_000
    assert desk.book.status().positions == {}
    desk.kill("flatten")
    desk.wait(1)
    assert desk.calls(PlaceCall) == 0


def test_an_order_s_end_says_how_much_of_it_has_filled_where_that_is_still_to_be_told() -> None:
    desk = Desk(book())
    desk.send(place(1))
    desk.answer(PlaceCall, report(name(), BUY, "ACCEPTED"))
    ended = replace(report(name(), BUY, "CANCELED"), filled_units=BUY - LOT)
    desk.stream(ended)
    assert desk.events[-1] == Ended(1, CANCELED, "", BUY - LOT)


def test_flattening_closes_whole_lots_once_and_less_than_a_lot_is_flat() -> None:
    desk = holding()
    desk.kill("flatten")
    desk.wait(1)
    call = desk.answer(PlaceCall, report(f"{name()[:-2]}-g1", -(BUY - LOT), "ACCEPTED"))
    assert call.order.terms.units == -(BUY - LOT)
    own = call.order.client_id
    desk.stream(bought(own, -(BUY - LOT), 7_000, ""), report(own, -(BUY - LOT)))
    desk.wait(600)
    assert desk.calls(PlaceCall) == 0
    assert [one for one in desk.events if isinstance(one, GateGave)] == [
        GateGave(0, 1, -(BUY - LOT))
    ]
    acted = [one.what for one in desk.events if isinstance(one, GateActed)]
    assert acted == ["latched", "flattening", "flattened"]
    status = desk.book.status()
    assert (status.positions, status.halted) == ({}, {})
    assert desk.book.tracker.net[0] == LOT - FEE


@pytest.mark.parametrize("before", [LOT - FEE, 50 * LOT])
def test_flattening_leaves_alone_what_was_there_before_the_run(before: int) -> None:
    """Also where that and what a fee has left over are a lot together."""
    desk = Desk(book({BTC: before}))
    desk.send(place(1, kind=MARKET))
    desk.answer(PlaceCall, report(name(), BUY, "ACCEPTED"))
    desk.stream(bought(name()), report(name(), BUY))
    desk.positions = {BTC: before + BUY - FEE}
    desk.kill("flatten")
    desk.wait(1)
    call = desk.answer(PlaceCall, report(f"{name()[:-2]}-g1", -(BUY - LOT), "ACCEPTED"))
    assert call.order.terms.units == -(BUY - LOT)
    own = call.order.client_id
    desk.positions = {BTC: before + LOT - FEE}
    desk.stream(bought(own, -(BUY - LOT), 7_000, ""), report(own, -(BUY - LOT)))
    desk.wait(600)
    assert desk.calls(PlaceCall) == 0
    assert desk.events[-1] == GateActed("flattened", "a test")
    assert (desk.book.status().positions, desk.book.status().halted) == ({}, {})


def test_a_fee_that_was_paid_with_what_was_there_before_is_not_bought_back() -> None:
    desk = Desk(book({"BNB/USDT": 3 * LOT}))
    desk.send(place(1, kind=MARKET))
    desk.answer(PlaceCall, report(name(), BUY, "ACCEPTED"))
    desk.stream(bought(name(), fee=2 * LOT, coin="BNB"), report(name(), BUY))
    assert desk.book.tracker.held_units(1) == LOT
    assert desk.book.status().positions == {BTC: BUY}
    desk.kill("flatten")
    desk.wait(1)
    assert [one.order.symbol for one in desk.waiting if isinstance(one, PlaceCall)] == [BTC]


def by_hand(units: int) -> Execution:
    """Somebody buys coins that fees are paid in, at the venue's page."""
    told = bought("web_somebody", units, 0, "")
    return replace(told, symbol="BNB/USDT", venue_id="v9", execution_id="e9")


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_fee_that_was_paid_with_what_somebody_bought_meanwhile_is_not_bought_back(
    is_restarted: bool,
) -> None:
    desk = Desk(book())
    desk.stream(by_hand(5 * LOT))
    desk.send(place(1, kind=MARKET))
    desk.answer(PlaceCall, report(name(), BUY, "ACCEPTED"))
    desk.stream(bought(name(), fee=2 * LOT, coin="BNB"), report(name(), BUY))
    if is_restarted:
        again = book()
        for item in (place(1, kind=MARKET), *desk.events):
            again.recall(item)
        desk = Desk(again)
        desk.stream(by_hand(5 * LOT))
    desk.positions = {BTC: BUY, "BNB/USDT": 3 * LOT}
    desk.wait(120)
    assert (desk.book.status().positions, desk.book.status().halted) == ({BTC: BUY}, {})
    desk.kill("flatten")
    desk.wait(1)
    assert [one.order.symbol for one in desk.waiting if isinstance(one, PlaceCall)] == [BTC]


def test_coins_of_fees_that_came_by_no_order_halt_their_symbol_alone() -> None:
    desk = holding(coin="BNB", fee=LOT)
    desk.positions = {BTC: BUY, "BNB/USDT": 9 * LOT}
    desk.wait(120)
    assert list(desk.book.status().halted) == ["BNB/USDT"]


def test_coins_of_fees_that_the_run_does_not_trade_do_not_matter() -> None:
    desk = Desk(GateBook(RUN, [BTC], since_ns=START_NS, lot_units=[LOT]))
    desk.send(place(1, kind=MARKET))
    desk.answer(PlaceCall, report(name(), BUY, "ACCEPTED"))
    desk.stream(bought(name(), fee=LOT, coin="BNB"), report(name(), BUY), by_hand(5 * LOT))
    desk.positions = {BTC: BUY, "BNB/USDT": 4 * LOT}
    desk.wait(120)
    assert (desk.book.status().positions, desk.book.status().halted) == ({BTC: BUY}, {})


def test_less_than_a_lot_is_no_position_that_an_exit_has_lost() -> None:
    desk = holding(units=LOT)  # and 877 of it are left
    terms = Terms(-LOT, None, 50_000.0, None, None)
    desk.send(Place(2, 0, "stop", GTC, terms, True, False))
    desk.answer(PlaceCall, report(name(2), -LOT, "ACCEPTED"))
    desk.stream(report(name(2), -LOT, "CANCELED"))
    assert desk.book.tracker.net[0] == LOT - FEE
    assert desk.alarms == []
