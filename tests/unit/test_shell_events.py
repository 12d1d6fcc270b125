"""What two views of a session tell of what happened between them."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.cli.shell.events import (
    ALARM,
    DAY,
    END,
    FILL,
    ORDER,
    STATE,
    Event,
    began,
    changes,
    clock_text,
    ended,
    price,
)
from app.cli.terminal.figures import quantity_text
from app.core.order_views import FillData, OrderData
from app.managers.system_manager.control.messages import Alarm, Position, View

NOW = "2024-11-01T10:31:00-04:00"
NOW_NS = 1_730_471_460_000_000_000
FLAT = View(
    run_id="20241101-first", config="first", mode="replay", state="RUNNING", pid=7, started_at="",
    speed=60, now=NOW, bars=9, currency="USD", cash=Decimal(1000), equity=Decimal(1000),
    positions=(), orders=(), orders_working=0, fills=(), fills_made=0, alarms=(),
)  # fmt: skip


def fill(number: int, units: int, at: float = 101.25, order: int = 1) -> FillData:
    return FillData(number, order, "SYN1", Decimal(units), at, Decimal(0), NOW_NS)


def holding(*fills: FillData, made: int | None = None, before: int = 0, **parts: Any) -> View:
    held = before + sum(one.quantity for one in fills)
    positions = (Position("SYN1", Decimal(held), 1.0),) if held else ()
    count = len(fills) if made is None else made
    return replace(FLAT, fills=fills, fills_made=count, positions=positions, **parts)


def order(number: int, units: int = 100, filled: int = 0) -> OrderData:
    return OrderData(
        number, "SYN1", "limit", "buy", Decimal(units), Decimal(filled), "WORKING", 101.2, None, 0
    )


def told(before: View, after: View) -> list[tuple[str, str]]:
    return [(event.kind, event.text) for event in changes(before, after)]


def test_nothing_is_told_of_what_stays_as_it_is_or_only_moves_on() -> None:
    later = replace(FLAT, now="2024-11-01T10:32:00-04:00", bars=10, equity=Decimal(1001))
    assert told(FLAT, later) == []


def test_fills_are_told_with_price_and_the_position_after_each_aligned() -> None:
    events = list(changes(FLAT, holding(fill(1, 100), fill(2, -1500, 5.5, order=2))))
    assert [event.line() for event in events] == [
        "10:31:00  first         buy      100 SYN1   at     101.25  holds 100",
        "10:31:00  first         sell   1,500 SYN1   at       5.50  holds -1,400",
    ]


def test_fills_of_before_a_break_are_not_told_as_new_while_the_run_is_run_again() -> None:
    again = replace(FLAT, mode="live", is_recovering=True)
    first, later = fill(1, 100), fill(2, 50, order=2)
    assert "fill" not in began(holding(first, mode="live", is_recovering=True), False).text
    assert told(again, holding(first, is_recovering=True)) == []
    alarm = Alarm("2024-11-01T10:31:00-04:00", "stream lost", "SYN1")
    assert told(again, holding(first, is_recovering=True, alarms=(alarm,))) == [
        (ALARM, "ALARM stream lost: SYN1")
    ]
    gone_on = holding(first)
    assert told(again, gone_on) == [
        (STATE, "goes on after a break, 1 fill, holds 100 SYN1"),
    ]
    assert [kind for kind, _ in told(gone_on, holding(first, later))] == [FILL]


def test_what_was_found_at_the_venue_shares_no_line_over_two_symbols() -> None:
    found = fill(1, 100, order=0), replace(fill(2, 100, order=0), symbol="SYN2")
    lines = [text for _, text in told(FLAT, holding(*found))]
    assert [("SYN1" in line, "SYN2" in line) for line in lines] == [(True, False), (False, True)]


def test_a_position_that_is_closed_is_flat() -> None:
    ((_, text),) = told(holding(fill(1, 100)), holding(fill(1, 100), fill(2, -100, order=2)))
    assert text.endswith("flat")


def test_fills_of_one_order_in_a_row_share_a_line_at_their_mean_price() -> None:
    (event,) = changes(FLAT, holding(fill(1, 100, 10.0), fill(2, 200, 10.3)))
    assert event.text == "buy      300 SYN1   at      10.20  holds 300 (2 fills)"
    assert event.fills == 2


def test_fills_that_no_view_showed_are_counted() -> None:
    events = list(changes(FLAT, holding(fill(18, 100), made=18, before=300)))
    assert [event.text for event in events] == [
        "17 fills earlier",
        "buy      100 SYN1   at     101.25  holds 400",
    ]
    assert sum(event.fills for event in events) == 18


@given(
    st.lists(st.tuples(st.integers(-900, 900).filter(bool), st.integers(1, 4)), max_size=60),
    st.integers(0, 60),
    st.integers(1, 50),
)
def test_every_fill_is_counted_once_and_each_line_tells_the_position_after_it(
    given_fills: list[tuple[int, int]], seen: int, kept: int
) -> None:
    every = [fill(n, units, order=o) for n, (units, o) in enumerate(given_fills, 1)]
    before, after = every[: seen % (len(every) + 1)], every
    views = [
        replace(
            holding(*part[-kept:], made=len(part)),
            positions=(Position("SYN1", sum((f.quantity for f in part), Decimal(0)), 1.0),),
        )
        for part in (before, after)
    ]
    events = [event for event in changes(*views) if event.kind == FILL]
    assert sum(event.fills for event in events) == len(after) - len(before)
    told = len(before)
    for event in events:
        told += event.fills
        assert dict(event.held)["SYN1"] == sum(one.quantity for one in every[:told])


def test_an_order_that_works_no_more_without_having_filled_has_ended() -> None:
    before = replace(FLAT, orders=(order(1), order(2), order(3)), orders_working=3)
    after = holding(fill(1, 100), fill(2, 40, order=2), orders=(order(3),), orders_working=1)
    ends = [text for kind, text in told(before, after) if kind == ORDER]
    assert ends == ["order 2 (buy 100 SYN1 limit 101.20) has ended, 40 of it filled"]


def test_no_end_of_an_order_is_told_while_fills_or_orders_are_unseen() -> None:
    before = replace(FLAT, orders=(order(1),), orders_working=1)
    assert not [kind for kind, _ in told(before, holding(fill(9, 1), made=9)) if kind == ORDER]
    many = replace(FLAT, orders=(order(1),), orders_working=300)
    assert told(many, replace(FLAT, orders_working=299, orders=(order(2),))) == []


@pytest.mark.parametrize(
    ("parts", "kind", "text"),
    [
        ({"state": "PAUSED"}, STATE, "paused"),
        ({"state": "STOPPING"}, STATE, "stops"),
        ({"state": "ERROR"}, ALARM, "FAILED"),
        ({"speed": "max"}, STATE, "speed max"),
        ({"trading_state": "reducing"}, ALARM, "takes exits only"),
        ({"trading_state": "halted"}, ALARM, "HALTED: takes nothing but cancels"),
        ({"trading_state": "active"}, None, ""),
        (
            {"now": "2024-11-04T09:31:00-05:00"},
            DAY,
            "2024-11-04 begins, equity 1,000.00 USD",
        ),
    ],
)
def test_a_change_of_state_pace_or_day_is_told(parts: Any, kind: str | None, text: str) -> None:
    assert told(FLAT, replace(FLAT, **parts)) == ([] if kind is None else [(kind, text)])


def test_a_night_stands_between_its_fills_each_at_the_market_s_time_that_day() -> None:
    evening = replace(FLAT, now="2024-11-01T15:58:00-04:00")
    late, early = NOW_NS + (5 * 3600 + 28 * 60) * 10**9, NOW_NS + 72 * 3600 * 10**9
    fills = (
        FillData(1, 1, "SYN1", Decimal(5), 1.0, Decimal(0), late),
        FillData(2, 2, "SYN1", Decimal(5), 1.0, Decimal(0), early),
    )
    morning = holding(*fills, now="2024-11-04T09:31:00-05:00")
    assert [(event.at, event.kind) for event in changes(evening, morning)] == [
        ("15:59:00", FILL), ("09:31:00", DAY), ("09:31:00", FILL),
    ]  # fmt: skip


def test_a_halt_that_is_lifted_is_told() -> None:
    halted = replace(FLAT, trading_state="halted")
    assert told(halted, replace(FLAT, trading_state="active")) == [(STATE, "may trade again")]


@given(st.integers(0, 30), st.integers(0, 20))
def test_each_alarm_is_told_once_though_a_view_keeps_the_latest_alone(known: int, new: int) -> None:
    every = [Alarm(NOW, "stale", f"SYN{n}") for n in range(known + new)]
    before = replace(FLAT, alarms=tuple(every[:known][-20:]))
    after = replace(FLAT, alarms=tuple(every[-20:]))
    assert told(before, after) == [(ALARM, f"ALARM stale: {one.details}") for one in every[known:]]


def test_an_alarm_cannot_steer_the_terminal() -> None:
    after = replace(FLAT, alarms=(Alarm(NOW, "odd", "a\x1b[2Jb\nc"),))
    assert told(FLAT, after) == [(ALARM, "ALARM odd: a [2Jb c")]


def test_the_first_sight_tells_what_it_is_and_holds() -> None:
    assert began(FLAT, own=True).text == "started: replay at speed 60, equity 1,000.00 USD"
    view = holding(fill(1, 100), mode="live", trading_state="halted")
    assert began(view, own=False).text == (
        "is running: live, equity 1,000.00 USD, 1 fill, holds 100 SYN1; HALTED: takes nothing "
        "but cancels"
    )


def row(**parts: Any) -> dict[str, Any]:
    summary = {
        "start_equity": 1000.0, "final_equity": 1234.5, "trades": 42, "fills": 1084,
        "fingerprint": "3fa9c1d2e5",
    }  # fmt: skip
    base = {
        "run_id": "20241101-first", "name": "first", "mode": "replay", "state": "finished",
        "ended_at": NOW, "summary": summary, "error": None,
        "config": {"mode": "replay", "account": {"currency": "USD"}},
    }  # fmt: skip
    return {**base, **parts}


def test_an_end_tells_what_the_run_came_to_and_where_to_read_on() -> None:
    for view in (FLAT, None):
        event = ended("20241101-first", view, row())
        assert event.kind == END
        assert event.line().split("\n") == [
            "10:31:00  first         finished: net +234.50 USD, 42 trades, 1,084 fills",
            f"{'':10}fingerprint 3fa9c1d2; 'runs show 20241101-first' tells of it",
        ]


def test_a_failed_run_tells_why_in_a_line() -> None:
    text = ended("r", FLAT, row(state="failed", error="boom\n  at line 3", summary=None)).text
    assert text.split("\n")[0] == "FAILED: boom"


def test_a_run_whose_process_died_tells_what_it_holds_and_how_it_goes_on() -> None:
    live = row(state="running", mode="live", config={"live": {"account": "main"}})
    event = ended("r", holding(fill(1, 100), orders_working=2, mode="live"), live)
    assert event.kind == ALARM
    assert event.text.split("\n") == [
        "BROKE OFF: its process has died, holding 100 SYN1 and 2 orders",
        "'system recover --account main' goes on with it",
    ]
    usual = ended("r", FLAT, row(state="running", mode="live", config={"live": None})).text
    assert usual.endswith("\n'system recover' goes on with it")
    replayed = ended("r", FLAT, row(state="running")).text
    assert replayed.startswith("BROKE OFF: its process has died, flat\na replay cannot go on")


def test_a_record_that_cannot_be_read_is_no_reason_to_be_silent() -> None:
    assert "its record cannot be read" in ended("r", None, None).text


@pytest.mark.parametrize(
    ("value", "text"),
    [(101.25, "101.25"), (5.0, "5.00"), (1234567.5, "1,234,567.50"), (0.000123, "0.000123")],
)
def test_prices_are_exact_with_their_cents(value: float, text: str) -> None:
    assert price(value) == text


def test_quantities_are_exact() -> None:
    assert [quantity_text(Decimal(one)) for one in ("100", "0.50", "1500.00", "-3")] == [
        "100", "0.5", "1,500", "-3",
    ]  # fmt: skip


@given(st.text(max_size=40))
def test_any_text_for_a_time_is_shown_somehow(text: str) -> None:
    assert len(clock_text(text)) <= 8
    assert Event("r", text, FILL, clock_text(text), "x").line()
