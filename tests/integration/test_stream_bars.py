"""Derived bars and windows, against naive loops over the raw bars."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.market import SCALE, execute
from tests.random_market import Spec, specs
from tests.reference import Row, Span, adjusted, derive

from app.core.bars import COLUMNS, Bar
from app.core.calendar import TradingSession
from app.core.intervals import interval_ns

HISTORY = {"base": 2, "15m": "all", "1d": 3}  # sessions; none of the others

INTERVALS = ("1m", "5m", "15m", "1h", "1d")


class Naive:
    """What every window must hold, from the raw bars and plain loops."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.sessions = spec.calendar()
        bars = spec.bars()
        self.rows: dict[str, list[Row]] = {
            name: list(zip(*(getattr(columns, c).tolist() for c in COLUMNS), strict=True))
            for (name, _), columns in bars.items()
        }
        self.adjustments = spec.adjustments(bars)

    def bars(self, symbol: str, interval: str, number: int) -> list[tuple[int, Row]]:
        """Raw bars of one session, each with the moment it is known."""
        return derive(self.rows[symbol], self.spans(interval, number), self.step_ns(interval))

    def spans(self, interval: str, number: int) -> list[Span]:
        session = self.sessions[number]
        if interval == "1d":
            return [(session.open_ns, session.close_ns)]
        return [(part.start_ns, part.end_ns) for part in session.segments(self.spec.extended)]

    def step_ns(self, interval: str) -> int:
        return 10**18 if interval == "1d" else interval_ns(interval)

    def window(self, symbol: str, interval: str, now_ns: int) -> list[Row]:
        """History in today's terms, and today up to now."""
        today = self.session_at(now_ns)
        declared = dict(self.spec.declared)
        declared[self.spec.base] = declared.pop("base")
        past = declared.get(interval, 0)
        first = self.spec.history if past == "all" else max(0, today - int(past))
        rows = [
            adjusted(row, self.factors(symbol, number, today))
            for number in range(first, today)
            for _, row in self.bars(symbol, interval, number)
        ]
        return rows + [row for known, row in self.bars(symbol, interval, today) if known <= now_ns]

    def session_at(self, now_ns: int) -> int:
        """The session under way at an instant with bars."""
        starts = [self.start_of(session) for session in self.sessions]
        return sum(start_ns < now_ns for start_ns in starts) - 1

    def start_of(self, session: TradingSession) -> int:
        return session.segments(self.spec.extended)[0].start_ns

    def factors(self, symbol: str, after: int, until: int) -> list[tuple[float, float]]:
        dates = [session.date for session in self.sessions[after + 1 : until + 1]]
        return [
            (item.price_factor, item.volume_factor)
            for date in dates
            for item in self.adjustments
            if (item.symbol, item.session_date) == (symbol, date)
        ]


def collected(spec: Spec, block_rows: int) -> list[tuple[Any, ...]]:
    """What the collector saw."""
    name = "MinuteCollector" if spec.base == "1m" else "Collector"
    plain = msgspec.structs.replace(spec, strategies=(name,), declared=HISTORY)
    config = plain.config(block_rows)
    strategies = tuple(item.model_copy(update={"params": {}}) for item in config.strategies)
    outcome = execute(config.model_copy(update={"strategies": strategies}), plain.market())
    return outcome.seen[0]


@given(specs(), st.sampled_from([1, 7, 390, 8192]))
@settings(max_examples=20 * SCALE)
def test_every_bar_a_strategy_is_given_is_that_of_a_naive_loop_in_its_order(
    spec: Spec, block_rows: int
) -> None:
    naive = Naive(spec)
    intervals = INTERVALS[INTERVALS.index(spec.base) :]
    expected = [
        (known_ns, interval_ns(interval), place, Bar(symbol, interval, *row))
        for number in range(spec.history, spec.sessions)
        for interval in intervals
        for place, symbol in enumerate(spec.symbols)
        for known_ns, row in naive.bars(symbol, interval, number)
    ]
    expected.sort(key=lambda item: item[:3])
    given = [note for note in collected(spec, block_rows) if isinstance(note[1], Bar)]
    assert given == [(known_ns, bar) for known_ns, _, _, bar in expected]


@given(specs(), st.sampled_from([1, 7, 390, 8192]))
@settings(max_examples=10 * SCALE)
def test_every_window_is_history_in_today_s_terms_and_today_so_far(
    spec: Spec, block_rows: int
) -> None:
    naive = Naive(msgspec.structs.replace(spec, declared=HISTORY))
    notes = [note for note in collected(spec, block_rows) if not isinstance(note[1], Bar)]
    for now_ns, symbol, interval, *rows in notes[:: max(1, len(notes) // 100)]:
        assert rows == naive.window(symbol, interval, now_ns)
