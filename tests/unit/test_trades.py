"""Round trips: what they count and bring is what the ledger booked, to the last unit."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.core.money import UNITS
from app.managers.execution_manager.books.ledger import Ledger, Position
from app.services.trades import Action, Fill, Trade, booked, trades_of


def fill(number: int, units: int, price: float, fee: int = 0, strategy: int = 0) -> Fill:
    return Fill(number, number, strategy, 0, units, price, fee, number * 10)


moves = st.lists(
    st.tuples(
        st.integers(-300, 300).filter(bool).map(lambda n: n * UNITS // 3),
        st.floats(0.01, 5_000.0).map(lambda price: round(price, 3)),
        st.integers(0, 5 * UNITS),
    ),
    min_size=1,
    max_size=12,
)


@given(moves, st.sampled_from([UNITS, 50 * UNITS, UNITS // 10]))
def test_trades_add_up_to_the_ledger_exactly(
    given_moves: list[tuple[int, float, int]], multiplier: int
) -> None:
    ledger, position = Ledger(0), Position("X", multiplier)
    fills = []
    for number, (units, price, fee) in enumerate(given_moves, 1):
        ledger.fill(position, units, price, fee)
        fills.append(fill(number, units, price, fee))
    found = trades_of(fills, (), [multiplier])
    assert sum(one.realised_units for one in found) == position.realised_units
    assert sum(one.fee_units for one in found) == position.fee_units
    assert sum(not one.is_open for one in found) == position.trades
    assert sum(one.held_units for one in found) == position.units
    assert sum(one.cost_units for one in found) == position.cost_units
    assert [one.entry_ns for one in found] == sorted(one.entry_ns for one in found)
    assert sum(one.is_open for one in found) <= 1


@given(moves, st.sampled_from(["2", "0.5", "3", "1"]), st.sampled_from(["0", "0.37"]))
def test_splits_and_dividends_between_fills_are_booked_as_the_ledger_books_them(
    given_moves: list[tuple[int, float, int]], ratio: str, dividend: str
) -> None:
    ledger, position = Ledger(0), Position("X", UNITS)
    half = len(given_moves) // 2
    fills = [fill(number, *move) for number, move in enumerate(given_moves, 1)]
    for place, one in enumerate(fills):
        if place == half:
            ledger.split(position, Decimal(ratio))
            if position.units:
                ledger.dividend(position, Decimal(dividend))
        ledger.fill(position, one.units, one.price, one.fee_units)
    action = Action(fills[half].instant_ns - 1, 0, Decimal(ratio), Decimal(dividend))
    found = trades_of(fills, [action], [UNITS])
    assert sum(one.realised_units for one in found) == position.realised_units
    assert sum(one.income_units for one in found) == position.income_units
    assert sum(one.held_units for one in found) == position.units


@given(
    moves, st.sampled_from(["1.5", "0.1", "3.5", "0.0003"]), st.sampled_from([UNITS, 10 * UNITS])
)
def test_what_a_split_leaves_of_a_lot_is_paid_out_of_a_trade_as_of_the_ledger(
    given_moves: list[tuple[int, float, int]], ratio: str, lot: int
) -> None:
    ledger, position = Ledger(0), Position("X", UNITS)
    half, price = len(given_moves) // 2, 7.31
    fills = [fill(number, *move) for number, move in enumerate(given_moves, 1)]
    for place, one in enumerate(fills):
        if place == half:
            ledger.split(position, Decimal(ratio))
            part = abs(position.units) % lot
            if part:
                ledger.fill(position, -part if position.units > 0 else part, price)
        ledger.fill(position, one.units, one.price, one.fee_units)
    action = Action(fills[half].instant_ns - 1, 0, Decimal(ratio), Decimal(0), lot, price)
    book = booked(fills, [action], [UNITS])
    found = book.trades
    assert sum(one.realised_units for one in found) == position.realised_units
    assert sum(one.held_units for one in found) == position.units
    assert sum(one.cost_units for one in found) == position.cost_units
    assert sum(not one.is_open for one in found) == position.trades
    assert sum(one.fills for one in found) >= len(fills), "a payment is no fill"
    assert sum(stake.cost_units for stake in book.stakes) == abs(position.cost_units)
    assert sum(stake.positions for stake in book.stakes) == bool(position.units)


def test_fills_as_one_session_ends_and_the_next_begins_come_before_its_split() -> None:
    """As round the clock: what is sold then is none of the new shares."""
    split, bought = Action(20, 0, Decimal(2), Decimal("0.5")), fill(1, 10 * UNITS, 5.0)
    (sold,) = trades_of([bought, fill(2, -10 * UNITS, 6.0)], [split], [UNITS])
    (held,) = trades_of([bought, fill(2, 4 * UNITS, 6.0)], [split], [UNITS])
    assert (sold.is_open, sold.realised_units, sold.income_units) == (False, 10 * UNITS, 0)
    assert (held.held_units, held.income_units) == (28 * UNITS, 14 * UNITS)


def test_a_fill_through_flat_ends_one_trade_and_begins_the_next() -> None:
    first, second = trades_of(
        [fill(1, 10 * UNITS, 5.0, 100), fill(2, -30 * UNITS, 6.0, 300)], (), [UNITS]
    )
    assert (first.side, first.is_open, first.realised_units) == (1, False, 10 * UNITS)
    assert (first.exit_order_id, first.exit_ns, first.fee_units) == (2, 20, 200)
    assert (second.side, second.is_open, second.entry_units) == (-1, True, 20 * UNITS)
    assert (second.entry_order_id, second.fee_units) == (2, 200)


def test_strategies_have_trades_of_their_own() -> None:
    fills = [fill(1, UNITS, 5.0), fill(2, -UNITS, 6.0, strategy=1), fill(3, -UNITS, 7.0)]
    found: list[Trade] = trades_of(fills, (), [UNITS])
    assert [(one.strategy, one.side, one.is_open) for one in found] == [
        (0, 1, False),
        (1, -1, True),
    ]
    assert found[0].profit_units == 2 * UNITS


def test_a_fill_that_went_into_its_fee_is_no_trade() -> None:
    fills = [fill(1, 0, 5.0, 7), fill(2, UNITS, 5.0), fill(3, 0, 5.0, 9), fill(4, -UNITS, 5.0)]
    (found,) = trades_of([*fills, fill(5, 0, 5.0, 20)], (), [UNITS])
    assert (found.side, found.fills, found.is_open, found.fee_units) == (1, 2, False, 29)


def test_what_is_held_changes_as_its_cost_does() -> None:
    book = booked(
        [fill(1, 10 * UNITS, 5.0), fill(2, -4 * UNITS, 9.0), fill(3, -16 * UNITS, 1.0)], (), [UNITS]
    )
    assert [(one.positions, one.cost_units // UNITS) for one in book.stakes] == [
        (1, 50),
        (0, -20),
        (0, -20),  # 30 less, and 10 at 1 on the other side
    ]
