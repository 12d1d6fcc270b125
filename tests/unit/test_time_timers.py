"""Timers fall due in one order, however often and in what steps one asks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.managers.time_manager import Timer, Timers

Added = tuple[int, str, str, int | None]
added = st.tuples(
    st.integers(0, 30),
    st.sampled_from(["sma", "orb"]),
    st.sampled_from(["entry", "exit"]),
    st.none() | st.integers(1, 9),
)


def filled(timers: list[Added]) -> Timers:
    result = Timers()
    for at_ns, owner, name, every_ns in timers:
        result.add(at_ns, owner, name, every_ns)
    return result


def expected(timers: list[Added], until_ns: int) -> list[tuple[int, int, str, str]]:
    """Every time each timer falls due, worked out one by one."""
    last = {(owner, name): place for place, (_, owner, name, _) in enumerate(timers)}
    due = []
    for place, (at_ns, owner, name, every_ns) in enumerate(timers):
        if last[owner, name] == place:  # a later one of that name takes its place
            times = range(at_ns, until_ns + 1, every_ns) if every_ns else [at_ns]
            due += [(at, place, owner, name) for at in times if at <= until_ns]
    return sorted(due)


def facts(timers: list[Timer]) -> list[tuple[int, int, str, str]]:
    return [(timer.at_ns, timer.sequence, timer.owner, timer.name) for timer in timers]


@given(st.lists(added), st.lists(st.integers(0, 60)))
def test_the_steps_in_which_one_asks_change_nothing(timers: list[Added], stops: list[int]) -> None:
    stepped = filled(timers)
    due = [timer for stop_ns in [*sorted(stops), 60] for timer in stepped.pop_due(stop_ns)]
    assert facts(due) == expected(timers, 60)
    repeats = {(owner, name): every_ns for _, owner, name, every_ns in timers}
    assert len(stepped) == sum(every_ns is not None for every_ns in repeats.values())


@given(st.lists(added, min_size=1), st.data())
def test_a_cancelled_timer_never_falls_due(timers: list[Added], data: st.DataObject) -> None:
    pending = filled(timers)
    _, owner, name, _ = data.draw(st.sampled_from(timers))
    assert pending.cancel(owner, name) is True
    assert pending.cancel(owner, name) is False
    kept = [timer for timer in timers if (timer[1], timer[2]) != (owner, name)]
    due = pending.pop_due(60)
    assert [(at, who, what) for at, _, who, what in facts(due)] == [
        (at, who, what) for at, _, who, what in expected(kept, 60)
    ]


@given(st.lists(added))
def test_the_next_timer_is_the_first_that_is_due(timers: list[Added]) -> None:
    pending = filled(timers)
    first = expected(timers, 60)
    assert pending.next_ns() == (first[0][0] if first else None)


def test_a_timer_is_due_at_its_own_nanosecond() -> None:
    timers = filled([(10, "sma", "exit", None)])
    assert timers.pop_due(9) == []
    assert facts(timers.pop_due(10)) == [(10, 0, "sma", "exit")]
    assert timers.next_ns() is None


@pytest.mark.parametrize("every_ns", [0, -5])
def test_a_timer_that_would_never_let_go_is_refused(every_ns: int) -> None:
    with pytest.raises(ValueError, match="'exit' of 'sma' cannot repeat"):
        Timers().add(1, "sma", "exit", every_ns)
