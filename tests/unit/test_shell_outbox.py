"""Events on their way to the screen: bounded, counted, and what matters never shared a line."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.shell.events import ALARM, DAY, END, FILL, ORDER, STATE, Event
from app.cli.shell.outbox import LINES_A_SECOND, MOST_WAITING, Outbox
from app.core.errors import UsageError
from app.core.intervals import SECOND_NS


def fill(number: int, run: str = "a", held: int = 0) -> Event:
    now = (("SYN1", Decimal(held or number)),)
    return Event(run, run, FILL, "10:31:00", f"fill {number}", fills=1, held=now)


def event(kind: str, text: str = "x") -> Event:
    parts = {ORDER: {"orders": 1}, DAY: {"day": "2024-11-04"}}.get(kind, {})
    return Event("a", "a", kind, "10:31:00", text, **parts)


def taken(box: Outbox, now_ns: int, *most: int) -> list[str]:
    return [one.line() for one in box.take(now_ns, *most)]


def fills_told(lines: list[str]) -> int:
    """How many fills these lines stand for."""
    more = sum(int(n.replace(",", "")) for n in re.findall(r"([\d,]+) more fill", "\n".join(lines)))
    return more + sum(bool(re.search(r"  fill \d+$", line)) for line in lines)


def test_a_few_fills_are_shown_as_they_come() -> None:
    box = Outbox()
    box.put([fill(1), fill(2)])
    assert [line[-6:] for line in taken(box, 0)] == ["fill 1", "fill 2"]
    assert taken(box, 0) == []
    assert box.seconds_until_more(0) is None


def test_a_burst_is_the_first_fills_and_one_line_with_the_rest_and_what_is_held() -> None:
    box = Outbox()
    box.put([fill(n) for n in range(1, 25)])
    lines = taken(box, 0)
    assert len(lines) == LINES_A_SECOND
    assert lines[-1].endswith("and 17 more fills; holds 24 SYN1")
    assert taken(box, SECOND_NS) == []


def test_no_more_lines_come_within_a_second_and_the_rest_in_the_next() -> None:
    box = Outbox()
    box.put([fill(n) for n in range(LINES_A_SECOND)])
    assert len(taken(box, 0)) == LINES_A_SECOND
    box.put([fill(1)])
    assert taken(box, SECOND_NS - 1) == []
    assert box.seconds_until_more(SECOND_NS // 2) == 0.5
    assert len(taken(box, SECOND_NS)) == 1


def test_what_needs_a_person_has_its_own_line_among_a_thousand_fills() -> None:
    box = Outbox()
    for n in range(1000):
        box.put([fill(n), *([event(ALARM, "ALARM stale")] if n == 500 else [])])
    lines = taken(box, 0)
    assert [line for line in lines if line.endswith("ALARM stale")]
    assert fills_told(lines) == 1000


def test_each_run_has_a_line_of_its_own_for_the_rest() -> None:
    box = Outbox()
    box.put([fill(n, run) for n in range(1, 51) for run in ("a", "b")])
    rest = [line for line in taken(box, 0) if "more" in line]
    assert [line.split()[1] for line in rest] == ["a", "b"]


def test_days_in_a_burst_leave_the_newest() -> None:
    box = Outbox()
    days = [Event("a", "a", DAY, "09:31:00", f"2024-11-0{n} begins", day=f"2024-11-0{n}")
            for n in range(1, 10)]  # fmt: skip
    box.put(days)
    assert taken(box, 0, 1)[0].endswith("2024-11-09 begins")
    box.put([*days, fill(1), fill(2)])
    assert taken(box, SECOND_NS, 1)[0].endswith("2024-11-09: 2 more fills; holds 2 SYN1")


@pytest.mark.parametrize(
    ("level", "kinds"),
    [
        ("on", [FILL, ORDER, DAY, STATE, ALARM, END]),
        ("fills", [FILL, STATE, ALARM, END]),
        ("off", [ALARM, END]),
    ],
)
def test_a_level_chooses_what_is_shown(level: str, kinds: list[str]) -> None:
    box = Outbox()
    box.set_level(level)
    box.put([event(kind, kind) for kind in (FILL, ORDER, DAY, STATE, ALARM, END)])
    assert [line.split()[-1] for line in taken(box, 0)] == kinds


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match=r"Events are on, fills, off, not 'of'\. Did you mean"):
        Outbox().set_level("of")


def test_beyond_the_bound_even_alarms_are_counted_at_least() -> None:
    box = Outbox()
    box.put([event(ALARM, f"alarm {n}") for n in range(MOST_WAITING + 30)])
    first = taken(box, 0)
    assert "30 older events not shown" in first[0]
    assert first[1].endswith("alarm 30")


@given(
    st.lists(
        st.tuples(st.sampled_from([FILL, ORDER, ALARM, STATE]), st.sampled_from("ab")),
        max_size=400,
    ),
    st.integers(1, 60),
    st.integers(2, 12),
)
def test_nothing_is_lost_and_no_second_has_more_lines_than_it_may(
    given_events: list[tuple[str, str]], step: int, most: int
) -> None:
    box, lines, now_ns = Outbox(), [], 0
    events = [
        fill(n, run) if kind == FILL else Event(run, run, kind, "", f"{kind} {n}", orders=1)
        for n, (kind, run) in enumerate(given_events)
    ]
    for at in range(0, len(events), step):
        box.put(events[at : at + step])
        more = taken(box, now_ns, most)
        assert len(more) <= most
        lines += more
        now_ns += SECOND_NS
    while (box.seconds_until_more(now_ns)) is not None:
        lines += taken(box, now_ns, most)
        now_ns += SECOND_NS
    text = "\n".join(lines)
    assert fills_told(lines) == sum(kind == FILL for kind, _ in given_events)
    lost = sum(map(int, re.findall(r"(\d+) older events? not", text, re.MULTILINE)))
    for kind in (ALARM, STATE):
        shown = len(re.findall(rf"  {kind} \d+$", text, re.MULTILINE))
        assert shown <= sum(one == kind for one, _ in given_events)
        if not lost:
            assert shown == sum(one == kind for one, _ in given_events)
