"""The script's own logic, each piece in the browser against an answer found another way."""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.report.columns import pack
from app.report.page import script_part

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PURE = ("decode", "pyramid", "scale", "span", "times", "bars", "trades", "distributions")
FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=64)
CENTS = st.integers(-(10**9), 10**9).map(lambda cents: cents / 100)


@pytest.fixture(scope="session")
def page(browser: "Browser") -> "Iterator[Page]":
    """A page with nothing but the script, in the open."""
    context = browser.new_context()
    found = context.new_page()
    for name in (*PURE, "marks", "equity", "candles", "theme", "gestures", "chart"):
        found.add_script_tag(content=script_part(name))
    found.add_script_tag(content="let clock = new MarketClock([[0, 0]]);")
    yield found
    context.close()


def unpacked(page: "Page", table: dict[str, Any], digits: dict[str, int] | None = None) -> Any:
    """A table, through the packing and back."""
    packed = pack(table, digits)
    return page.evaluate(
        """async ([spec, text]) => {
            const table = readTable(spec, await inflate(bytesOf(text)));
            const plain = column => column.words
                ? [...column.codes].map(code => column.words[code])
                : [...column].map(value => value === value ? value : null);
            return Object.fromEntries(
                spec.columns.map(({ name }) => [name, plain(table[name])]));
        }""",
        [{"rows": packed.rows, "columns": packed.columns}, packed.text],
    )


@settings(max_examples=40)
@given(
    rows=st.lists(st.tuples(st.integers(-(2**53), 2**53), FLOATS, CENTS, st.text()), max_size=40)
)
def test_what_is_packed_comes_out_again(page: "Page", rows: list[tuple[Any, ...]]) -> None:
    numbers, floats, cents, words = ([row[place] for row in rows] for place in range(4))
    words = [word.encode("utf-8", "replace").decode() for word in words]
    found = unpacked(
        page,
        {
            "numbers": np.array(numbers, np.int64),
            "floats": np.array(floats, np.float64),
            "cents": np.array(cents, np.float64),
            "words": words,
        },
    )
    told = [None if one is None else float(one) for one in found["floats"]]
    assert told == [None if x != x else x for x in floats]
    assert [float(one) for one in found["numbers"]] == numbers
    assert (found["cents"], found["words"]) == (cents, words)


def test_a_missing_price_stays_missing_and_digits_round(page: "Page") -> None:
    table = {"a": np.array([1.5, np.nan, 0.01]), "b": np.array([1.23456, -2.0, np.nan])}
    found = unpacked(page, table, {"b": 2})
    assert found == {"a": [1.5, None, 0.01], "b": [1.23, -2.0, None]}


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 6_000))
def test_the_pyramid_finds_what_a_walk_finds(page: "Page", seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    values = np.round(random.normal(size=count), 3)
    values[random.random(count) < 0.1] = np.nan
    ends = np.sort(random.integers(0, count + 1, (20, 2)), axis=1)
    found = page.evaluate(
        """([values, ends]) => {
            const pyramid = new Pyramid(Float64Array.from(values, v => v === null ? NaN : v));
            return ends.map(([from, to]) => [pyramid.least(from, to), pyramid.greatest(from, to)]);
        }""",
        [[None if x != x else x for x in values.tolist()], ends.tolist()],
    )
    for (low, high), (first, end) in zip(found, ends.tolist(), strict=True):
        part = values[first:end]
        part = part[~np.isnan(part)]
        assert low == (part.min() if len(part) else np.inf)
        assert high == (part.max() if len(part) else -np.inf)


@given(
    count=st.integers(1, 10_000),
    moves=st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 30)), max_size=8),
)
@settings(max_examples=30)
def test_no_drag_and_no_zoom_leaves_the_rows(
    page: "Page", count: int, moves: list[tuple[float, float]]
) -> None:
    found = page.evaluate(
        """([count, moves]) => {
            const span = new Span(count);
            return moves.map(([by, factor]) => {
                span.pan(by * span.width);
                span.zoom(factor, span.from + span.width / 3);
                return [span.from, span.to, span.first(), span.end()];
            });
        }""",
        [count, moves],
    )
    for start, end, first, last in found:
        assert -1e-6 <= start < end <= count + 1e-6
        assert end - start >= min(20, count) - 1e-6
        assert 0 <= first < last <= count


def test_zooming_keeps_the_row_under_the_hand(page: "Page") -> None:
    found = page.evaluate(
        """() => {
            const span = new Span(100000);
            const plot = { left: 0, width: 1000 };
            span.set(40000, 60000);
            span.zoom(0.25, span.rowAt(700, plot));
            return [span.rowAt(700, plot), span.width];
        }"""
    )
    assert found == pytest.approx([54_000, 5_000])


@given(low=st.floats(-1e6, 1e6), width=st.floats(1e-4, 1e6), about=st.integers(2, 20))
@settings(max_examples=40)
def test_ticks_are_round_and_inside(page: "Page", low: float, width: float, about: int) -> None:
    high = low + width
    found = page.evaluate("([low, high, about]) => ticks(low, high, about)", [low, high, about])
    assert len(found) <= 2 * about + 2
    slack = width * 1e-6 + 1e-9
    assert all(low - slack <= one <= high + slack for one in found)
    if len(found) > 1:
        digits = f"{found[1] - found[0]:.3e}"
        assert digits[0] in "125" or digits.startswith("9.99")


def test_numbers_are_written_for_people(page: "Page") -> None:
    words = page.evaluate(
        """() => [
            grouped(1234567.891, 2), grouped(-0.004, 2), signed(12, 0), signed(-12.5, 1),
            percent(-0.1234), price(142.2), price(0.00001234), quantity(1500), quantity(0.125),
            lasting(59), lasting(61), lasting(3600), lasting(90061), grouped(NaN, 2), brief(1250),
        ]"""
    )
    assert words == [
        *("1,234,567.89", "0.00", "+12", "−12.5", "−12.34%", "142.20", "0.00001234"),
        *("1,500", "0.125", "59 s", "1 min 1 s", "1 h", "1 d 1 h", "–", "1.3k"),
    ]


def test_the_clock_is_the_markets_also_where_it_is_put_forward(page: "Page") -> None:
    found = page.evaluate(
        """() => {
            const clock = new MarketClock([[0, -300], [1710054000000, -240]]);
            return [1710053999000, 1710054000000].map(at => clock.both(at));
        }"""
    )
    assert found == ["2024-03-10 01:59:59", "2024-03-10 03:00"]


def test_candles_of_an_hour_begin_with_their_session(page: "Page") -> None:
    """Two sessions of 90 minutes; the second lacks its first ten minutes, and two in the middle."""
    minute = 60_000
    sessions = [["a", 0, 90 * minute, [0]], ["b", 1_000 * minute, 1_090 * minute, [1_000 * minute]]]
    starts = [*range(90), *(1_000 + m for m in range(10, 90) if m not in (40, 41))]
    closes = [float(place) for place in range(len(starts))]
    found = page.evaluate(
        """([start, values, sessions]) => {
            const column = Float64Array.from(values);
            const table = { rows: start.length, start: Float64Array.from(start, m => m * 60000),
                open: column, high: column, low: column, close: column, volume: column };
            const bars = new Bars(table, sessions, 1, [1042 * 60000]);
            const span = new Span(start.length);
            const hours = [...bars.candles(span, { key: "1h", minutes: 60 })];
            return [hours.map(one => [one.first, one.end, one.open, one.close, one.volume]),
                bars.holes, bars.fitting(span, 2000).key, bars.fitting(span, 40).key];
        }""",
        [starts, closes, sessions],
    )
    edges = [0, 60, 90, 90 + 48, 90 + 78]
    expected = [
        [first, end, closes[first], closes[end - 1], sum(closes[first:end])]
        for first, end in pairwise(edges)
    ]
    assert found == [expected, [90 + 30], "1m", "30m"]


def test_a_fill_that_another_hides_is_not_drawn_again(page: "Page") -> None:
    """A thousand rows in a hundred pixels: of each row one bought and one sold, at one price."""
    dots = page.evaluate(
        """() => {
            const span = new Span(1000);
            const plot = { left: 0, width: 100, y: price => price };
            const fills = Array.from({ length: 2000 },
                (_, i) => ({ row: Math.floor(i / 2), price: 7, bought: i % 2 === 0 }));
            const found = [];
            const pen = { fillRect: (x, y) => found.push([pen.fillStyle, x, y]) };
            drawFills(pen, span, plot, { gain: "gain", loss: "loss" }, fills);
            return found;
        }"""
    )
    for colour, y in (("gain", 8), ("loss", 4)):
        own = [dot[1:] for dot in dots if dot[0] == colour]
        assert own == [[x - 1, y] for x in range(101)]


def test_candles_begin_anew_behind_a_break(page: "Page") -> None:
    minute = 60_000
    starts = [*range(20), *range(80, 130)]  # the break comes before the first candle is full
    found = page.evaluate(
        """([start, sessions]) => {
            const column = new Float64Array(start.length);
            const table = { rows: start.length, start: Float64Array.from(start, m => m * 60000),
                open: column, high: column, low: column, close: column, volume: column };
            return [...new Bars(table, sessions, 1, []).firsts({ key: "30m", minutes: 30 })];
        }""",
        [starts, [["a", 0, 130 * minute, [0, 80 * minute]]]],
    )
    assert found == [0, 20, 50, 70]


def test_orders_are_drawn_at_their_price_while_they_worked(page: "Page") -> None:
    """A limit of rows 2 to 6, a stop of rows 4 to 8 whose order was chosen, one out of sight."""
    found = page.evaluate(
        """() => {
            const lines = [];
            let [dash, from] = [[], null];
            const pen = {
                beginPath() {}, stroke() {},
                setLineDash(given) { dash = given; },
                moveTo(x, y) { from = [x, y]; },
                lineTo(x, y) { lines.push([...from, x, y, dash.length > 0, pen.globalAlpha]); },
            };
            const span = new Span(10, 1);
            const plot = { left: 0, width: 100, y: price => 200 - price };
            const segments = [
                { number: 1, from: 2, to: 6, price: 50, kind: "limit" },
                { number: 2, from: 4, to: 8, price: 40, kind: "stop" },
                { number: 3, from: 12, to: 14, price: 45, kind: "stop" },
            ];
            drawOrders(pen, span, plot, {}, segments, new Set([2]));
            return lines;
        }"""
    )
    assert found == [[20, 150, 60, 150, True, 0.25], [40, 160, 80, 160, True, 1]]


def test_an_amended_order_has_each_price_for_its_time(page: "Page") -> None:
    found = page.evaluate(
        """() => {
            const words = (...all) => ({ words: all, codes: all.map((_, i) => i) });
            const start = Float64Array.from({ length: 10 }, (_, i) => i);
            const bars = { count: 10, table: { start } };
            const orders = { rows: 2, symbol: words("A", "B"), number: [7, 8],
                created: [1, 1], ended: [NaN, 3], limit: [NaN, NaN], stop: [9.5, 1] };
            const changes = { rows: 2, order: [7, 7], at: [3, 6], what: words("amend", "cancel"),
                limit: [NaN, NaN], stop: [9.5, NaN] };
            return [ordersOn(bars, orders, null, "A"), ordersOn(bars, orders, changes, "A")];
        }"""
    )
    plain, amended = ([(one["from"], one["to"], one["price"]) for one in part] for part in found)
    assert plain == [(1, 10, 9.5)]
    assert amended == [(3, 10, 9.5)]  # what it was before is on no record


def test_a_histogram_counts_each_value_once_and_parts_gain_from_loss(page: "Page") -> None:
    values = [*np.random.default_rng(5).normal(0, 50, 2_000).round(2).tolist(), 5_000.0, -5_000.0]
    found = page.evaluate("values => histogram(values)", values)
    assert sum(found["counts"]) == len(values)
    assert min(abs(edge) for edge in found["edges"]) < 1e-9
    below = sum(c for c, edge in zip(found["counts"], found["edges"], strict=False) if edge < -1e-9)
    assert below == sum(value < 0 for value in values)


def test_equals_keep_their_order_and_what_is_missing_comes_last(page: "Page") -> None:
    found = page.evaluate(
        """() => {
            const exits = [5, NaN, 2, 5];
            const trades = exits.map((exit, i) => ({ number: i + 1, exit }));
            return [false, true].map(falls =>
                sorted(trades, "exit", falls).map(one => one.number));
        }"""
    )
    assert found == [[3, 1, 4, 2], [1, 4, 3, 2]]


def test_drawdowns_are_measured_from_the_start_and_from_each_peak(page: "Page") -> None:
    found = page.evaluate("() => [...drawdowns(Float64Array.of(90, 110, 99, 121), 100)]")
    assert found == pytest.approx([-0.1, 0, -0.1, 0])
