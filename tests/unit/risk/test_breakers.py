"""Each breaker: where it trips, what it says, and that it trips exactly from its figure on."""

from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.config_breakers import Breakers
from app.core.intervals import SECOND_NS
from app.core.money import UNITS, to_units
from app.services.risk.breaking import BreakerLimit, breaker_names, breakers_of
from app.services.risk.readings import Readings

DOCS = (Path(__file__).parents[3] / "docs" / "SESSION_CONFIGS.md").read_text()
CLEARED = {"was_cleared": True}
DAY = {"day_equity_units": 10_000 * UNITS}
PEAK = {"peak_units": 20_000 * UNITS}


def breaker(name: str, at: Any) -> BreakerLimit:
    (found,) = breakers_of(Breakers.model_validate({name: {"at": at, "then": "halted"}}))
    return found


def lost(money: str) -> dict[str, int]:
    return {"lost_today_units": to_units(Decimal(money))}


def below(money: str) -> dict[str, int]:
    return {"below_peak_units": to_units(Decimal(money))}


@pytest.mark.parametrize(
    ("name", "at", "fields", "why"),
    [
        ("daily_loss", 500, lost("0"), ""),
        ("daily_loss", 500, lost("499.99999999"), ""),
        ("daily_loss", 500, lost("500"), "500 is lost since the open, the most is 500"),
        ("daily_loss", 500, lost("500.01"), "500.01 is lost since the open, the most is 500"),
        (
            "daily_loss", 5, lost("7") | CLEARED,
            "7 is lost since it was cleared, the most is 5",
        ),
        ("daily_loss_percent", "2.5", DAY | lost("249.99999999"), ""),
        (
            "daily_loss_percent", "2.5", DAY | lost("250"),
            "250 is lost since the open, the most is 2.5 % of 10000",
        ),
        ("daily_loss_percent", 1, lost("0"), ""),
        (
            "daily_loss_percent", 1, lost("1"),
            "1 is lost since the open, the most is 1 % of 0",
        ),
        ("drawdown_percent", 10, PEAK | below("1999.99999999"), ""),
        (
            "drawdown_percent", 10, PEAK | below("2000"),
            "2000 is lost since the peak, the most is 10 % of 20000",
        ),
        (
            "drawdown_percent", 10, PEAK | below("2500") | CLEARED,
            "2500 is lost since it was cleared, the most is 10 % of 20000",
        ),
        ("rejects_per_minute", 3, {"rejects": 2}, ""),
        (
            "rejects_per_minute", 3, {"rejects": 3},
            "3 were refused within a minute, the most is 3",
        ),
        ("stale_feed_seconds", 90, {"silence_ns": 90 * SECOND_NS - 10}, ""),
        (
            "stale_feed_seconds", 90, {"silence_ns": 90 * SECOND_NS},
            "no bar has come for 90 s, the most is 90 s",
        ),
        ("clock_skew_seconds", 2, {"skew_ns": 2 * SECOND_NS - 10}, ""),
        (
            "clock_skew_seconds", 2, {"skew_ns": 5 * SECOND_NS // 2},
            "the venue's clock is 2.5 s off, the most is 2 s",
        ),
        ("broker_errors", 2, {"errors": 1}, ""),
        (
            "broker_errors", 2, {"errors": 2},
            "2 orders in turn were refused or lost by the venue, the most is 2",
        ),
    ],
)  # fmt: skip
def test_it_trips_from_its_figure_on(name: str, at: Any, fields: dict[str, Any], why: str) -> None:
    assert breaker(name, at).why(Readings(**fields)) == why


readings = st.builds(
    Readings,
    lost_today_units=st.integers(0, 10**13),
    day_equity_units=st.integers(-(10**13), 10**14),
    below_peak_units=st.integers(0, 10**13),
    peak_units=st.integers(0, 10**14),
    rejects=st.integers(0, 200),
    silence_ns=st.integers(0, 10**12),
    skew_ns=st.integers(0, 10**12),
    errors=st.integers(0, 50),
    was_cleared=st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(breaker_names()), st.integers(1, 90), readings)
def test_it_trips_exactly_where_its_figure_is_reached_and_a_tighter_one_then_too(
    name: str, at: int, found: Readings
) -> None:
    one = breaker(name, at)
    assert bool(one.why(found)) == (one.figure(found) >= at * UNITS)
    if one.why(found) and at > 1:
        assert breaker(name, at - 1).why(found)


def test_each_breaker_of_a_config_has_a_module_and_a_line_in_the_docs() -> None:
    assert set(breaker_names()) == set(Breakers.model_fields)
    for name in breaker_names():
        module = import_module(f"app.services.risk.breakers.{name}")
        assert module.__doc__ and module.__doc__.startswith("Trips once")
        assert f"| `{name}` |" in DOCS
        assert Breakers.model_fields[name].description


def test_a_silence_that_each_bar_makes_is_refused() -> None:
    stale = Breakers.model_validate({"stale_feed_seconds": {"at": 300}})
    assert stale.too_short("1m") == []
    ((place, why),) = stale.too_short("5m")
    assert place == ("breakers", "stale_feed_seconds", "at")
    assert why == "a bar of 5m takes 300 s; give more than that."


def test_none_is_asked_for_where_nothing_is_said() -> None:
    assert list(breakers_of(Breakers())) == []


def test_those_of_the_account_file_are_told_apart() -> None:
    given = Breakers.model_validate({"daily_loss": {"at": 5}})
    (one,) = breakers_of(given, "account file")
    assert (one.name, one.kind, one.then) == (
        "daily_loss of account file",
        "daily_loss",
        "reducing",
    )
