"""Examples worked by hand of exits through a split, and of a time stop over a market's lunch."""

from decimal import Decimal
from typing import Any

import pytest
from tests.integration.hand_played import Days, play, split

MONDAY, TUESDAY = "2024-06-03", "2024-06-04"
PLENTY = 1e6


# -- a bracket whose entry has filled in part when its symbol splits -------------------------------

# Two for one. A tenth of 400 is 40, at 50.00; no other bar of Monday comes to the entry or an exit.
PARTLY: Days = {
    MONDAY: [
        ("09:30", 51.0, 51.0, 51.0, 51.0, PLENTY),
        ("09:31", 51.0, 51.0, 50.0, 51.0, 400.0),
        ("09:32", 52.0, 52.0, 52.0, 52.0, 100.0),
    ],
    TUESDAY: [
        ("09:30", 26.0, 26.0, 26.0, 26.0, PLENTY),
        ("09:31", 26.0, 30.5, 26.0, 30.0, PLENTY),
        ("09:32", 30.0, 30.0, 30.0, 30.0, PLENTY),
    ],
}


def bracket(s: Any) -> object:
    return s.bracket("AAA", 100, limit=50.0, target=60.0, stop=40.0, tif="gtc")


@pytest.mark.parametrize("calls_off", [False, True])
def test_after_a_split_exits_take_out_all_that_their_entry_has_brought(calls_off: bool) -> None:
    done = play(
        PARTLY,
        {
            f"{MONDAY} 09:31": bracket,
            f"{TUESDAY} 09:31": lambda s: s.cancel(s.orders()[0]) if calls_off else None,
        },
        adjustments=[split(TUESDAY, Decimal(2))],
        participation=0.1,
    )
    # 40 shares at 50.00 are 80 at 25.00; the target is at 30.00 now, and touched at 09:31.
    assert done.fills == [
        (1, "06-03 09:32", "40", "50.0", "0"),
        (2, "06-04 09:32", "-80", "30.0", "0"),
    ]
    assert (done.position.units, done.cash) == (0, 100_400)  # 80 x 5.00


def test_what_an_exit_took_out_before_a_split_counts_in_the_new_shares_too() -> None:
    days: Days = {
        MONDAY: [*PARTLY[MONDAY], ("09:33", 52.0, 60.0, 52.0, 59.0, 100.0)],
        TUESDAY: [
            ("09:30", 25.0, 25.0, 25.0, 25.0, 300.0),
            ("09:31", 26.0, 30.5, 26.0, 30.0, PLENTY),
        ],
    }
    done = play(
        days,
        {f"{MONDAY} 09:31": bracket},
        adjustments=[split(TUESDAY, Decimal(2))],
        participation=0.1,
    )
    # Of 40 the target takes 10 at 60.00; 30 are 60 then, the entry adds 30 of a volume of 300.
    assert done.fills == [
        (1, "06-03 09:32", "40", "50.0", "0"),
        (2, "06-03 09:34", "-10", "60.0", "0"),
        (1, "06-04 09:31", "30", "25.0", "0"),
        (2, "06-04 09:32", "-90", "30.0", "0"),
    ]
    assert done.position.units == 0


def test_an_entry_of_which_a_split_leaves_no_share_leaves_its_exits_as_large_as_it_was() -> None:
    days: Days = {
        MONDAY: [*PARTLY[MONDAY][:1], ("09:31", 51.0, 51.0, 50.0, 51.0, 1000.0)],
        TUESDAY: [("09:30", 130.0, 130.0, 130.0, 130.0, PLENTY)],
    }
    done = play(
        days,
        {f"{MONDAY} 09:31": lambda s: s.bracket("AAA", 101, limit=50.0, target=60.0, tif="gtc")},
        adjustments=[split(TUESDAY, Decimal("0.5"))],
        participation=0.1,
    )
    # The one share that is left is a half; 100 are 50, and the target 120.00.
    assert done.end(1)[:2] == ("CANCELED", "06-04 09:30")
    assert done.fills[1:] == [(2, "06-04 09:31", "-50", "130.0", "0")]
    assert done.position.units == 0


def test_of_what_an_entry_has_brought_a_split_leaves_whole_shares_to_sell() -> None:
    days: Days = {
        MONDAY: [*PARTLY[MONDAY][:1], ("09:31", 51.0, 51.0, 50.0, 51.0, 70.0)],
        TUESDAY: [("09:30", 40.0, 40.0, 40.0, 40.0, PLENTY)],
    }
    done = play(
        days,
        {
            f"{MONDAY} 09:31": lambda s: s.order(
                "AAA", -100, limit=60.0, tif="gtc", after=s.order("AAA", 100, limit=50.0, tif="gtc")
            )
        },
        adjustments=[split(TUESDAY, Decimal("1.5"))],
        participation=0.1,
    )
    # 7 are 10 and a half: the half is paid out, and 10 are sold at 60.00 / 1.5 = 40.00.
    assert done.fills[1:] == [(2, "06-04 09:31", "-10", "40.0", "0")]
    assert done.position.units == 0


# -- exits that are declared -----------------------------------------------------------------------

# Three for two, and two entries of 5 shares: 15 together, but 7 and a half each.
THREE_FOR_TWO = [split(TUESDAY, Decimal("1.5"))]
TWICE = {
    f"{MONDAY} open": lambda s: s.order("AAA", 5),
    f"{MONDAY} 09:31": lambda s: s.order("AAA", 5),
}


def flat_days(low: float) -> Days:
    rows = [(f"09:{30 + n}", 20.0, 20.0, 20.0, 20.0, PLENTY) for n in range(6)]
    return {
        MONDAY: [(f"09:{30 + n}", 30.0, 30.0, 30.0, 30.0, PLENTY) for n in range(2)],
        TUESDAY: [*rows, ("09:36", 20.0, 20.0, low, 20.0, PLENTY)],
    }


def test_declared_stops_cover_every_share_of_two_entries_after_a_split() -> None:
    done = play(
        flat_days(low=17.5),
        TWICE,
        adjustments=THREE_FOR_TWO,
        protection={"stop_loss_percent": 10},
    )
    # 10 % below 30.00 is 27.00, in new shares 18.00.
    assert [fill[2:4] for fill in done.fills[2:]] == [("-7", "18.0"), ("-8", "18.0")]
    assert done.position.units == 0


def test_after_a_reverse_split_a_share_that_two_entries_make_up_has_its_stop() -> None:
    days = flat_days(low=17.5)
    tenfold = [(at, *(price * 10 for price in prices), v) for at, *prices, v in days[TUESDAY]]
    done = play(
        {MONDAY: [(at, 20.0, 20.0, 20.0, 20.0, v) for at, *_, v in days[MONDAY]],
         TUESDAY: tenfold},
        TWICE,
        adjustments=[split(TUESDAY, Decimal("0.1"))],
        protection={"stop_loss_percent": 10},
    )  # fmt: skip
    # A half each, one share together: 10 % below 200.00.
    assert [fill[2:4] for fill in done.fills[2:]] == [("-1", "180.0")]
    assert done.position.units == 0


def test_a_time_stop_closes_whole_shares_of_each_entry_after_a_split() -> None:
    minutes = 390 + 2  # of trading: Monday's from 09:31 or 09:32 on, and 3 or 4 of Tuesday's
    done = play(
        flat_days(low=20.0),
        TWICE,
        adjustments=THREE_FOR_TWO,
        protection={"time_stop_minutes": minutes},
    )
    assert [fill[1:3] for fill in done.fills[2:]] == [("06-04 09:34", "-7"), ("06-04 09:35", "-8")]
    assert done.position.units == 0


def test_a_time_stop_does_not_count_a_market_s_lunch() -> None:
    times = [f"{hour:02d}:{minute:02d}" for hour in range(9, 16) for minute in range(60)]
    open_at = [at for at in times if "09:30" <= at < "11:30" or at >= "12:30"]
    done = play(
        {MONDAY: [(at, 10.0, 10.0, 10.0, 10.0, PLENTY) for at in open_at]},
        {f"{MONDAY} 11:00": lambda s: s.order("AAA", 10)},
        pause=("11:30", "12:30"),
        protection={"time_stop_minutes": 90},
    )
    # The fill is known at 11:01: 29 minutes until lunch, 61 after it. At 13:31 it is over.
    assert done.fills == [
        (1, "06-03 11:01", "10", "10.0", "0"),
        (2, "06-03 13:32", "-10", "10.0", "0"),
    ]
