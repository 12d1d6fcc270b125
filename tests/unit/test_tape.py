"""Tapes against a plain list of sessions: windows, adjustments, retention, views that stay true."""

import datetime as dt
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.test_aggregation import minute_table, session

from app.core.bars import Table
from app.core.instruments import Adjustment
from app.core.intervals import MINUTE_NS
from app.core.windows import Window
from app.threads.series.tape import Tape

COLUMNS = ("start_ns", "known_ns", "open", "high", "low", "close", "volume")


def adjustment(price: float, volume: float) -> Adjustment:
    return Adjustment("AAA", dt.date(2024, 1, 1), Decimal(1), Decimal(0), price, volume)


class Day(NamedTuple):
    """A session's rows, and what takes effect at its start."""

    rows: int
    adjustment: Adjustment | None


def table_of(day: int, rows: int) -> Table:
    of = session(day=day)
    return minute_table([of.open_ns + minute * MINUTE_NS for minute in range(rows)])


class Model:
    """Keeps every session as lists of rows, and rewrites them all at every action."""

    def __init__(self, history: int | None) -> None:
        self._history = history
        self._days: list[dict[str, list[float]]] = []

    def open_session(self, taking_effect: Adjustment | None) -> None:
        if taking_effect is not None:
            for day in self._days:
                for name in ("open", "high", "low", "close"):
                    day[name] = [value * taking_effect.price_factor for value in day[name]]
                day["volume"] = [value * taking_effect.volume_factor for value in day["volume"]]
        self._days.append({name: [] for name in COLUMNS})

    def append(self, table: Table, first: int, end: int) -> None:
        for name in COLUMNS:
            self._days[-1][name] += getattr(table, name)[first:end].tolist()

    def columns(self) -> dict[str, list[float]]:
        return {name: [x for day in self._kept() for x in day[name]] for name in COLUMNS}

    def session_first(self) -> list[int]:
        lengths = [len(day["open"]) for day in self._kept()]
        return [sum(lengths[:number]) for number in range(len(lengths))]

    def _kept(self) -> list[dict[str, list[float]]]:
        return self._days if self._history is None else self._days[-(self._history + 1) :]


def columns_of(window: Window) -> dict[str, list[float]]:
    return {name: getattr(window, name).tolist() for name in COLUMNS}


days = st.builds(
    Day,
    st.sampled_from([0, 1, 3, 40, 390]),
    st.none() | st.builds(adjustment, st.sampled_from([0.5, 0.987, 4.0]), st.just(2.0)),
)


def put(tape: Tape, table: Table, first: int, end: int) -> None:
    """Rows of today, there and shown at once."""
    tape.append(table, first, end)
    tape.advance(end - first)


@given(st.lists(days, min_size=1, max_size=12), st.sampled_from([None, 0, 1, 3]), st.data())
def test_a_window_is_its_history_as_adjusted_today_and_today(
    given_days: list[Day], history: int | None, data: st.DataObject
) -> None:
    tape, model = Tape(history), Model(history)
    shown: list[tuple[Window, dict[str, list[float]]]] = []
    ahead = data.draw(st.booleans())  # all rows on the tape before their sessions
    for number, day in enumerate(given_days if ahead else ()):
        tape.append(table_of(number, day.rows), 0, day.rows)
    for number, day in enumerate(given_days):
        tape.open_session(session(day=number), day.adjustment)
        model.open_session(day.adjustment)
        table = table_of(number, day.rows)
        cut = data.draw(st.integers(0, day.rows))
        for first, end in ((0, cut), (cut, day.rows)):
            if not ahead:
                tape.append(table, first, end)
            tape.advance(end - first)
            model.append(table, first, end)
            window = tape.window()
            assert columns_of(window) == model.columns()
            assert window.session_first.tolist() == model.session_first()
            assert window.session.date == session(day=number).date
            assert window.today == model.session_first()[-1]
            shown.append((window, columns_of(window)))
    for window, columns in shown:
        assert columns_of(window) == columns, "a window handed out has changed"


def test_opens_stand_beside_the_first_rows() -> None:
    tape = Tape(1)
    for number in range(3):
        tape.open_session(session(day=number), None)
        put(tape, table_of(number, 2), 0, 2)
    window = tape.window()
    assert window.session_open_ns.tolist() == [session(day=n).open_ns for n in (1, 2)]
    assert window.session_first.tolist() == [0, 2]


def test_today_is_never_adjusted_by_its_own_action() -> None:
    tape = Tape(5)
    tape.open_session(session(day=0), adjustment(0.5, 2.0))
    put(tape, table_of(0, 3), 0, 3)
    assert tape.window().open.tolist() == table_of(0, 3).open.tolist()
    tape.open_session(session(day=1), adjustment(0.5, 2.0))
    assert tape.window().open.tolist() == (table_of(0, 3).open * 0.5).tolist()
    assert tape.window().volume.tolist() == (table_of(0, 3).volume * 2.0).tolist()
    assert tape.window().start_ns.tolist() == table_of(0, 3).start_ns.tolist()


def test_two_actions_multiply_one_after_the_other() -> None:
    tape = Tape(None)
    tape.open_session(session(day=0), None)
    put(tape, table_of(0, 1), 0, 1)
    for number, factor in ((1, 0.1), (2, 0.3)):
        tape.open_session(session(day=number), adjustment(factor, 1.0))
    assert tape.window().close[0] == table_of(0, 1).close[0] * 0.1 * 0.3


@pytest.mark.parametrize("history", [0, 1, 5])
def test_memory_is_flat_in_the_length_of_the_run(history: int) -> None:
    tape = Tape(history)
    most = 0
    for number in range(300):
        tape.open_session(session(day=number), None)
        put(tape, table_of(number, 390), 0, 390)
        base = tape.window().close.base
        assert base is not None
        most = max(most, base.shape[-1])
    assert most <= 2 * (history + 2) * 390 + 1024


def test_all_of_the_run_is_kept_when_that_is_asked_for() -> None:
    tape = Tape(None)
    for number in range(20):
        tape.open_session(session(day=number), None)
        put(tape, table_of(number, 390), 0, 390)
    assert len(tape.window()) == 20 * 390
    assert tape.window().today == 19 * 390


def test_a_session_without_a_bar_is_a_session_of_the_window() -> None:
    tape = Tape(2)
    for number, rows in enumerate((2, 0, 0, 1)):
        tape.open_session(session(day=number), None)
        put(tape, table_of(number, rows), 0, rows)
    window = tape.window()
    assert window.session_first.tolist() == [0, 0, 0]
    assert len(window) == 1


def test_rows_are_taken_from_the_middle_of_a_table() -> None:
    tape = Tape(0)
    tape.open_session(session(), None)
    table = table_of(0, 10)
    put(tape, table, 3, 6)
    assert tape.window().start_ns.tolist() == table.start_ns[3:6].tolist()


def test_nobody_writes_through_a_window() -> None:
    tape = Tape(0)
    tape.open_session(session(), None)
    put(tape, table_of(0, 3), 0, 3)
    for name in COLUMNS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(tape.window(), name)[0] = 0
