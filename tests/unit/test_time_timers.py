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
    due = list(pending.pop_due(60))
    assert [(at, who, what) for at, _, who, what in facts(due)] == [
        (at, who, what) for at, _, who, what in expected(kept, 60)
    ]


@given(st.lists(added, min_size=1), st.data())
def test_a_timer_cancelled_while_others_fall_due_does_not_come_any_more(
    timers: list[Added], data: st.DataObject
) -> None:
    pending = filled(timers)
    _, owner, name, _ = data.draw(st.sampled_from(timers))
    wanted = expected(timers, 60)
    after = data.draw(st.integers(0, max(0, len(wanted) - 1)))
    came = []
    for timer in pending.pop_due(60):
        came.append(timer)
        if len(came) == after + 1:
            pending.cancel(owner, name)
    wanted = wanted[: after + 1] + [one for one in wanted[after + 1 :] if one[2:] != (owner, name)]
    assert facts(came) == wanted


def test_a_timer_moved_by_one_due_with_it_comes_at_its_new_time_alone() -> None:
    timers = filled([(10, "sma", "first", None), (10, "sma", "second", None)])
    came = []
    for timer in timers.pop_due(10):
        came.append(timer.name)
        timers.add(15, "sma", "second")
    assert came == ["first"]
    assert facts(list(timers.pop_due(20))) == [(15, 2, "sma", "second")]


@pytest.mark.parametrize("names", [("beat", "once"), ("once", "beat")])
def test_a_repeating_timer_comes_once_at_one_instant_whoever_is_due_with_it(
    names: tuple[str, str],
) -> None:
    every_ns = {"beat": 5, "once": None}
    timers = filled([(10, "sma", name, every_ns[name]) for name in names])
    assert [timer.name for timer in timers.pop_due(10)] == list(names)
    assert list(timers.pop_due(10)) == []
    assert timers.next_ns() == 15


@given(st.lists(added))
def test_the_next_timer_is_the_first_that_is_due(timers: list[Added]) -> None:
    pending = filled(timers)
    first = expected(timers, 60)
    assert pending.next_ns() == (first[0][0] if first else None)


def test_a_timer_is_due_at_its_own_nanosecond() -> None:
    timers = filled([(10, "sma", "exit", None)])
    assert list(timers.pop_due(9)) == []
    assert facts(list(timers.pop_due(10))) == [(10, 0, "sma", "exit")]
    assert timers.next_ns() is None


@pytest.mark.parametrize("every_ns", [0, -5])
def test_a_timer_that_would_never_let_go_is_refused(every_ns: int) -> None:
    with pytest.raises(ValueError, match="'exit' of 'sma' cannot repeat"):
        Timers().add(1, "sma", "exit", every_ns)
