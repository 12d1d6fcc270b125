"""What `watch` shows: one symbol closely, with its bars, indicators, position, orders and fills."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from app.cli.terminal.candles import ASCII_PENS, PENS, candle, sparkline
from app.cli.terminal.figures import (
    digits_of,
    distance_text,
    indicator_text,
    lasting_text,
    moment_text,
    money_text,
    price_text,
    quantity_text,
    stale_lines,
    state_text,
    time_text,
)
from app.cli.watch.following import line_of
from app.core.session_data import BarData, GivenOrder, SessionData, SymbolData

if TYPE_CHECKING:
    from rich.console import RenderableType

_FEWEST, _DERIVED, _LATEST = 3, 3, 5  # bars, those of derived intervals, fills and ends of orders
_LEAST_CANDLE, _MOST_CANDLE = 8, 40
_GAP = 2  # between two columns
_LOW = 12  # lines of a terminal that leaves no room for ornament
_FIGURES = ("open", "high", "low", "close", "volume")


class Part(NamedTuple):
    """A part of the page: its heading, the names of its columns, and its rows."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]

    @property
    def height(self) -> int:
        """How many lines it takes."""
        return len(self.rows) + 1 + (len(self.columns) > 0) if self.rows else 0


class SymbolPage:
    """A page for one symbol of a session."""

    def __init__(self, bars: int, *, ascii_only: bool) -> None:
        self._bars = bars
        self._ascii_only = ascii_only

    def press(self, key: str) -> None:
        """Nothing: this page has nothing to turn."""

    def line(self, seen: SessionData) -> str:
        """For a pipe."""
        one = seen.symbols[0]
        base = seen.base_interval
        ready = [
            f"{name.removesuffix(f' on {base}')} {indicator_text(figure)}"
            for name, figure in one.indicators.items()
        ]
        orders = sum(order.symbol == one.symbol for order in seen.orders)
        return "  ".join(
            (
                moment_text(seen.now_ns, seen.zone),
                f"{one.symbol} {price_text(one.position.price)}",
                _held(one), *ready, f"orders {orders}", f"age {lasting_text(one.age_seconds)}",
                *stale_lines(seen),
            )
        )  # fmt: skip

    def screen(self, seen: SessionData, width: int, height: int) -> "RenderableType":
        """For a terminal: what is said last gives way first."""
        from rich.console import Group

        one = seen.symbols[0]
        head = [*_head(seen, one), *self._spark(seen, one, width, height)]
        room = max(height - len(head) - 1, 1)
        shown = []
        for part in shortened(list(self._parts(seen, one, width)), room):
            if part.rows:
                shown += [line_of(part.title, "bold"), *map(line_of, _lines(part))]
        return Group(line_of(head[0], "bold"), *map(line_of, head[1:]), *shown)

    def _spark(self, seen: SessionData, one: SymbolData, width: int, height: int) -> Iterator[str]:
        closes = [bar.close for bar in one.bars.get(seen.base_interval, ())]
        if len(closes) > 1 and height >= _LOW:
            yield sparkline(closes[-width:], self._ascii_only)

    def _parts(self, seen: SessionData, one: SymbolData, width: int) -> Iterator[Part]:
        base = seen.base_interval
        for name, bars in {base: (), **one.bars}.items():
            forming = one.forming.get(name)
            shown = bars[-(self._bars if name == base else _DERIVED) :]
            yield self._bars_part(seen, name, shown, forming, width)
        for name, bar in one.forming.items():
            if name not in one.bars:
                yield self._bars_part(seen, name, (), bar, width)
        yield Part("Indicators", (), [
            (name, indicator_text(figure)) for name, figure in one.indicators.items()
        ])  # fmt: skip
        orders = [order for order in seen.orders if order.symbol == one.symbol]
        yield Part("Working orders", (), [_order_row(o, one.position.price) for o in orders])
        fills = [fill for fill in seen.fills if fill.symbol == one.symbol][-_LATEST:]
        yield Part("Latest fills", (), [
            (time_text(fill.at_ns, seen.zone, seen.session), quantity_text(fill.quantity, True),
             f"at {price_text(fill.price)}", f"order {fill.order_id}") for fill in fills
        ])  # fmt: skip
        ended = [order for order in seen.ended if order.symbol == one.symbol][-_LATEST:]
        yield Part("Ended orders", (), [_ended_row(seen, order) for order in ended])

    def _bars_part(
        self,
        seen: SessionData,
        name: str,
        bars: Sequence[BarData],
        forming: BarData | None,
        width: int,
    ) -> Part:
        every = [*bars, *([forming] if forming else [])]
        digits = digits_of(price for bar in every for price in _prices(bar))
        rows = []
        for bar in every:
            start = time_text(bar.start_ns, seen.zone, seen.session)
            figures = (price_text(price, digits) for price in _prices(bar))
            mark = "forms " if bar is forming else ""
            rows.append((f"{mark}{start}", *figures, price_text(bar.volume)))
        columns = ("start", *_FIGURES)
        taken = sum(max(map(len, cells)) + _GAP for cells in zip(columns, *rows, strict=True))
        drawn = self._candles(every, min(width - taken, _MOST_CANDLE))
        full = [(*row, text) for row, text in zip(rows, drawn, strict=True)]
        return Part(f"Bars of {name}", (*columns, ""), full)

    def _candles(self, bars: Sequence[BarData], width: int) -> list[str]:
        """On one scale; none where there is no room for them."""
        if width < _LEAST_CANDLE or not bars:
            return [""] * len(bars)
        low, high = min(bar.low for bar in bars), max(bar.high for bar in bars)
        pens = ASCII_PENS if self._ascii_only else PENS
        return [candle(bar, low, high, width, pens) for bar in bars]


def shortened(parts: Sequence[Part], room: int) -> list[Part]:
    """The parts that fit: from the end on they lose rows, the oldest first, down to a few."""
    kept = list(parts)
    for fewest in (_FEWEST, 1, 0):
        for place in reversed(range(len(kept))):
            over = sum(part.height for part in kept) - room
            if over <= 0:
                return kept
            part = kept[place]
            left = max(len(part.rows) - over, min(fewest, len(part.rows)))
            kept[place] = part._replace(rows=part.rows[len(part.rows) - left :])
    return kept


def _prices(bar: BarData) -> tuple[float, float, float, float]:
    return bar.open, bar.high, bar.low, bar.close


def _head(seen: SessionData, one: SymbolData) -> list[str]:
    lag = "" if seen.lag_seconds is None else f"  lag {seen.lag_seconds:.1f}s"
    quality = one.quality
    lines = [
        f"{one.symbol}  {price_text(one.position.price)}  {lasting_text(one.age_seconds)} old",
        f"{moment_text(seen.now_ns, seen.zone)}  {state_text(seen)}{lag}",
        _held(one),
    ]
    if quality is not None:
        counts = (
            ("holes", len(quality.holes)),
            ("bad", quality.bad),
            ("filled later", quality.filled),
        )
        wrong = "".join(f", {count} {name}" for name, count in counts if count)
        spread = "" if one.spread_bps is None else f"  spread {one.spread_bps:.2f} bps"
        lines.append(f"bars {quality.present} of {quality.expected} expected{wrong}{spread}")
    if one.no_entries:
        lines.append(f"no entries: {one.no_entries}")
    return [*lines, *stale_lines(seen)]


def _held(one: SymbolData) -> str:
    held = one.position
    taken = f"taken {money_text(held.realised, signed=True)} {held.currency}"
    if not held.quantity:
        return f"flat  {taken}"
    average = "" if held.average_price is None else f" at {held.average_price:,f}"
    open_result = money_text(held.unrealised, signed=True)
    return f"held {quantity_text(held.quantity, True)}{average}  open {open_result}  {taken}"


def _order_row(order: GivenOrder, last: float | None) -> tuple[str, ...]:
    price = order.stop if order.limit is None else order.limit
    prices = [price_text(at) for at in (order.limit, order.stop) if at is not None]
    prices += [f"trails {price_text(order.trail)}"] if order.trail is not None else []
    prices += [f"trails {order.trail_percent:g}%"] if order.trail_percent is not None else []
    left = order.quantity - order.filled
    kind = f"{order.kind} {' '.join(prices)}".rstrip()
    role = "exit" if order.takes_out else "entry"
    return (
        f"{order.order_id}", role, f"{order.side} {quantity_text(left)}", kind,
        distance_text(price, last), order.state, order.strategy,
    )  # fmt: skip


def _ended_row(seen: SessionData, order: GivenOrder) -> tuple[str, ...]:
    at = "" if order.ended_ns is None else time_text(order.ended_ns, seen.zone, seen.session)
    asked = f"{order.side} {quantity_text(order.quantity)} {order.kind}"
    return at, f"{order.order_id}", asked, order.state, order.reason


def _lines(part: Part) -> Iterator[str]:
    """The rows beneath each other; a terminal cuts what is too long for it."""
    rows = [part.columns, *part.rows] if part.columns else part.rows
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    rights = [bool(part.columns) and name in _FIGURES for name in part.columns or rows[0]]
    for row in rows:
        cells = zip(row, widths, rights, strict=True)
        padded = [cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells]
        yield (" " * _GAP).join(padded).rstrip()
