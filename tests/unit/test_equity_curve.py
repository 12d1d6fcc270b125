"""The equity curve: between bars, behind the last one, and where nothing moves."""

import numpy as np

from app.core.bars import SymbolRows, Table, no_rows
from app.core.money import UNITS
from app.core.orders import FillRow
from app.threads.views.equity import EquityCurve

MINUTE_NS = 60_000_000_000


def bought(order: int, symbol: int, shares: int, price: float, cash: float) -> FillRow:
    """A fill that opens a position, a moment after the first minute."""
    at_ns, units = MINUTE_NS + order, shares * UNITS
    return (order, order, symbol, units, price, 0, 0, at_ns, 0, units, int(cash * UNITS))


def closes(at_ns: int, *prices: float) -> Table:
    """A minute of each symbol that ends at this time."""
    count = len(prices)
    known, column = np.full(count, at_ns, np.int64), np.array(prices)
    symbols = np.arange(count, dtype=np.int32)
    return Table(symbols, known - MINUTE_NS, known, column, column, column, column, column)


def test_fills_of_several_symbols_between_bars_are_each_their_symbols() -> None:
    curve = EquityCurve(100_000 * UNITS, [1.0, 1.0])
    first = closes(MINUTE_NS, 100.0, 300.0)
    curve.advance(first, SymbolRows(first, 2), [], [], None)

    fills = [bought(1, 0, 100, 100.0, 90_000), bought(2, 1, 100, 300.0, 60_000)]
    curve.advance(no_rows(), None, fills, [], None)

    second = closes(2 * MINUTE_NS, 101.0, 299.0)
    _, equity = curve.advance(second, SymbolRows(second, 2), [], [], None)
    assert equity.tolist() == [100_000.0]
    assert curve.max_drawdown == 0


def test_what_is_held_before_its_first_bar_is_worth_what_was_paid_for_it() -> None:
    curve = EquityCurve(100_000 * UNITS, [1.0, 1.0])
    curve.advance(no_rows(), None, [bought(1, 1, 100, 300.0, 70_000)], [], None)
    assert curve.marks == [0.0, 300.0]

    first = closes(MINUTE_NS * 2, 100.0).take(slice(0, 1))  # the other symbol's
    _, equity = curve.advance(first, SymbolRows(first, 2), [], [], None)
    assert equity.tolist() == [100_000.0]
    assert curve.max_drawdown == 0


def test_what_is_worth_what_was_paid_for_it_is_no_fall_and_no_gain() -> None:
    """In floats 17,816 at 33.33 and the cash that is left are not what there was before."""
    curve = EquityCurve(1_000_000 * UNITS, [1.0])
    found = []
    for number, shares in enumerate((13, 17_816, 777, 17_991), 1):
        cash = (1_000_000_00 - shares * 33_33) / 100
        fill = bought(number, 0, shares, 33.33, cash)
        bar = closes((number + 1) * MINUTE_NS, 33.33)
        found += curve.advance(bar, None, [fill], [], None)[1].tolist()
    assert found == [1_000_000.0] * 4
    assert curve.max_drawdown == 0


def test_what_an_account_comes_to_behind_its_last_bar_is_in_its_fall() -> None:
    curve = EquityCurve(1_000_000 * UNITS, [1.0])
    curve.advance(closes(MINUTE_NS, 33.33), None, [], [], None)
    assert [curve.fall_to(final) for final in (1_000_001.0, 1e6 - 1e-8, 990_000.0)] == [0, 0, 0.01]
    assert curve.max_drawdown == 0
