"""What `watch` shows of a symbol, on terminals of any size, and in a pipe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.shown import OPEN_NS, bar, drawn, order, position, session, symbol

from app.cli.terminal.candles import ASCII_PENS, PENS, candle, sparkline
from app.cli.watch.symbol_page import Part, SymbolPage, shortened
from app.core.session_data import BarData, QualityData


def page(bars: int = 4, *, ascii_only: bool = False) -> SymbolPage:
    return SymbolPage(bars, ascii_only=ascii_only)


def test_a_symbol_is_shown_from_its_bars_to_what_became_of_its_orders() -> None:
    assert drawn(page(3), session(symbol(spread_bps=1.25)), 80) == [
        "AAA  101.25  60s old",
        "2024-11-01 09:57:00 EDT  RUNNING, replay at speed 60",
        "held +100 at 100  open +125.00  taken -22.50 USD",
        "bars 26 of 27 expected, 2 filled later  spread 1.25 bps",
        "▁▂▃▃▄▅▆▆▇█",
        "Bars of 1m",
        "start    open    high     low   close  volume",
        "09:53  101.13  101.28  101.08  101.23   1,023  ───────████████████████───────",
        "09:54  101.14  101.29  101.09  101.24   1,024   ────────███████████████────────",
        "09:55  101.15  101.30  101.10  101.25   1,025     ───────████████████████───────",
        "Bars of 5m",
        "start          open    high     low   close  volume",
        "09:45        101.00  101.15  100.95  101.10   1,015  ────████████────",
        "09:50        101.10  101.25  101.05  101.20   1,020         ────█████████───",
        "forms 09:55  101.15  101.30  101.10  101.25   1,025             ────████████────",
        "Bars of 1h",
        "start          open    high    low   close  volume",
        "forms 09:30  100.00  101.30  99.95  101.25   1,000  ─██████████████████████████─",
        "Indicators",
        "SMA(10) on 1m                            101.123",
        "SMA(30) on 1m                            26/30",
        "BBANDS(20, 2.0, 2.0, 0).upperband on 5m  102.5",
        "OPENING_RANGE(30).high on 1m             waits",
        "Working orders",
        "7  exit  sell 100  stop 100   -1.23%  ACCEPTED  Cross",
        "8  exit  sell 100  limit 103  +1.73%  ACCEPTED  Cross",
        "Latest fills",
        "09:31  +100  at 100  order 3",
        "Ended orders",
        "09:50  4  buy 100 market  REJECTED  max_position_quantity: 200 is more than 150",
    ]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_no_line_is_wider_than_the_terminal(width: int, ascii_only: bool) -> None:
    seen = session(symbol(no_entries="halted by hand"), stale_seconds=5.0)
    encoding = "ascii" if ascii_only else "utf-8"
    lines = drawn(page(ascii_only=ascii_only), seen, width, encoding=encoding)
    assert max(map(len, lines)) <= width
    if ascii_only:
        assert "".join(lines).replace("…", "").isascii()
    elif width == 200:
        assert any("█" in line for line in lines)


@pytest.mark.parametrize("height", [8, 12, 16, 20, 24, 30, 60])
def test_on_a_low_terminal_what_is_said_last_gives_way_and_the_newest_bar_never_does(
    height: int,
) -> None:
    lines = drawn(page(10), session(symbol()), 80, height)
    assert len(lines) <= height
    assert any(line.startswith("09:55") for line in lines)


def test_a_flat_symbol_without_orders_has_no_empty_parts() -> None:
    seen = session(symbol(position=position(0, "12.5")), orders=(), fills=(), ended=())
    lines = drawn(page(), seen, 80)
    assert "flat  taken +12.50 USD" in lines
    assert not any(word in line for line in lines for word in ("orders", "fills", "Ended"))


def test_an_order_is_an_entry_or_an_exit_and_others_symbols_are_not_shown() -> None:
    entry = order(9, takes_out=False, kind="stop_limit", limit=102.0, stop=101.5, side="buy")
    trailing = order(10, kind="trailing_stop", stop=None, trail=0.5)
    other = order(11, symbol="BBB")
    lines = drawn(page(), session(symbol(), orders=(entry, trailing, other)), 100)
    assert "9   entry  buy 100   stop_limit 102 101.5      +0.74%  ACCEPTED  Cross" in lines
    assert any(line.startswith("10  exit   sell 100  trailing_stop trails 0.5") for line in lines)
    assert not any(line.startswith("11") for line in lines)


def test_what_is_wrong_with_the_bars_is_counted() -> None:
    quality = QualityData(27, 20, 2, ((0, 1), (5, 6)), 3, 1, 20 / 27, 0.8)
    lines = drawn(page(), session(symbol(quality=quality), stale_seconds=61.0), 80)
    assert "bars 20 of 27 expected, 2 holes, 3 bad, 1 filled later" in lines
    assert "As it stood 61s ago: a block takes long, or a hook hangs." in lines


def test_before_its_first_bar_a_symbol_is_shown_too() -> None:
    early = symbol(
        age_seconds=None, bars={}, forming={}, indicators={}, quality=None, position=position()
    )
    lines = drawn(page(), session(early, orders=(), fills=(), ended=(), session=None), 80)
    assert lines[0] == "AAA  101.25  - old"
    assert (
        page().line(session(early)).endswith("AAA 101.25  flat  taken +0.00 USD  orders 2  age -")
    )


def test_a_pipe_gets_a_line() -> None:
    one = symbol(indicators={"SMA(10) on 1m": symbol().indicators["SMA(10) on 1m"]})
    assert page().line(session(one)) == (
        "2024-11-01 09:57:00 EDT  AAA 101.25  held +100 at 100  open +125.00  taken -22.50 USD  "
        "SMA(10) 101.123  orders 2  age 60s"
    )


PRICE = st.integers(1, 400).map(lambda cents: cents / 4)


@st.composite
def candles(draw: st.DrawFn) -> BarData:
    low, *inside, high = sorted(draw(st.lists(PRICE, min_size=4, max_size=4)))
    opened, close = draw(st.permutations(inside))
    return BarData(OPEN_NS, opened, high, low, close, 1.0)


@given(candles(), st.integers(1, 60), st.booleans())
def test_a_candle_has_its_body_within_its_wick_and_shows_which_way_it_went(
    one: BarData, width: int, ascii_only: bool
) -> None:
    pens = ASCII_PENS if ascii_only else PENS
    text = candle(one, 0.0, 100.0, width, pens)
    assert 0 < len(text) <= width
    body = [place for place, mark in enumerate(text) if mark not in (" ", pens.wick)]
    assert body == list(range(body[0], body[-1] + 1))
    expected = pens.up if one.close > one.open else pens.down if one.close < one.open else pens.same
    assert set(text[body[0] : body[-1] + 1]) == {expected}
    wick = [place for place, mark in enumerate(text) if mark == pens.wick]
    assert set(text.strip()) <= {expected, pens.wick}
    assert " " not in text.strip()
    cells = one.high / 100 * (width - 1)  # a price between two cells may stand in either
    assert abs(len(text) - 1 - cells) <= 0.5 + 1e-9
    assert len(wick) + len(body) == len(text.strip())


def test_a_candle_of_one_price_is_a_mark_and_a_scale_of_one_price_too() -> None:
    flat = bar(0, 10.0, 10.0)
    assert candle(BarData(0, 10.0, 10.0, 10.0, 10.0, 1.0), 10.0, 10.0, 9, PENS) == "┼"
    assert set(candle(flat, flat.low, flat.high, 9, ASCII_PENS)) == {"-", "+"}


@given(st.lists(PRICE, max_size=50), st.booleans())
def test_a_sparkline_is_as_high_as_its_closes_in_their_order(
    closes: list[float], ascii_only: bool
) -> None:
    line = sparkline(closes, ascii_only)
    assert len(line) == len(closes)
    levels = "_.-:=+*#" if ascii_only else "▁▂▃▄▅▆▇█"
    heights = [levels.index(mark) for mark in line]
    for place in range(len(closes) - 1):
        before, after = closes[place], closes[place + 1]
        assert (heights[place] <= heights[place + 1]) if before <= after else True
        assert (heights[place] >= heights[place + 1]) if before >= after else True


@given(st.lists(st.integers(0, 12), min_size=1, max_size=7), st.integers(3, 60))
def test_parts_are_shortened_to_the_room_from_the_last_one_on(rows: list[int], room: int) -> None:
    parts = [
        Part(f"{n}", (), [(f"{row}",) for row in range(count)]) for n, count in enumerate(rows)
    ]
    kept = shortened(parts, room)
    assert len(kept) == len(parts)
    total = sum(part.height for part in parts)
    assert sum(part.height for part in kept) <= max(room, 0) or total <= room
    for part, whole in zip(kept, parts, strict=True):
        assert part.rows == whole.rows[len(whole.rows) - len(part.rows) :]
    if total <= room:
        assert kept == parts
