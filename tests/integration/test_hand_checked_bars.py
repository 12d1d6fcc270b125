"""Examples worked by hand of odd bars and moments: gaps, closes, half days, holes, no volume."""

import pytest
from tests.integration.hand_played import Days, play

MONDAY, TUESDAY, WEDNESDAY = "2024-07-01", "2024-07-02", "2024-07-03"
FRIDAY = "2024-07-05"  # the 3rd is a half day, the 4th a holiday
PLENTY = 1e6
BOUGHT_AND_PROTECTED = {
    f"{MONDAY} open": lambda s: s.order("AAA", 100),
    f"{MONDAY} 09:31": lambda s: s.order("AAA", -100, stop=48.0, tif="gtc"),
}
GAP: Days = {
    MONDAY: [
        ("09:30", 50.0, 50.4, 49.8, 50.2, PLENTY),
        ("15:59", 49.6, 49.7, 49.1, 49.5, PLENTY),
    ],
    TUESDAY: [("09:30", 45.25, 46.0, 45.0, 45.5, PLENTY)],
}


# -- a stop gapped overnight -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slippage", "bought", "sold", "cash"),
    [
        # 100 x (45.25 - 50.00) = -475.00
        ({}, "50.0", "45.25", 99_525),
        # two cents worse each: 50.02 and 45.23, -479.00
        ({"kind": "fixed", "amount": 0.02}, "50.02", "45.23", 99_521),
        # ten basis points: 50.00 + 0.05; 45.25 - 0.04525 = 45.20475, down to 45.20: -485.00
        ({"kind": "bps", "amount": 10}, "50.05", "45.2", 99_515),
    ],
)
def test_a_stop_gapped_overnight_fills_at_the_open_and_slips_from_there(
    slippage: dict[str, object], bought: str, sold: str, cash: int
) -> None:
    done = play(GAP, BOUGHT_AND_PROTECTED, slippage=slippage)
    assert done.fills == [
        (1, "07-01 09:31", "100", bought, "0"),
        (2, "07-02 09:31", "-100", sold, "0"),
    ]
    assert done.cash == done.final_equity == cash


def test_a_stop_for_the_day_protects_nobody_overnight() -> None:
    steps = {**BOUGHT_AND_PROTECTED, f"{MONDAY} 09:31": lambda s: s.order("AAA", -100, stop=48.0)}
    done = play(GAP, steps)
    assert done.end(2) == ("EXPIRED", "07-01 16:00", "the session closed")
    assert done.position.quantity == 100
    assert done.final_equity == 100_000 - 450  # 100 x (45.50 - 50.00)


def test_a_stop_limit_gapped_below_its_limit_waits_for_it() -> None:
    steps = {
        **BOUGHT_AND_PROTECTED,
        f"{MONDAY} 09:31": lambda s: s.order("AAA", -100, stop=48.0, limit=45.75, tif="gtc"),
    }
    # Gapped through the stop at 45.25; the high of 46.00 comes back over 45.75.
    done = play(GAP, steps, slippage={"kind": "fixed", "amount": 0.02})
    assert done.fills[1] == (2, "07-02 09:31", "-100", "45.75", "0")  # a limit does not slip


# -- the close, and the close of a half day --------------------------------------------------------

HALF: Days = {
    TUESDAY: [
        ("09:30", 20.0, 20.2, 19.8, 20.1, PLENTY),
        ("15:59", 20.1, 20.3, 20.0, 20.2, PLENTY),
    ],
    WEDNESDAY: [
        ("09:30", 21.0, 21.2, 20.9, 21.1, PLENTY),
        ("12:59", 21.1, 21.3, 21.0, 21.2, PLENTY),
    ],
    FRIDAY: [
        ("09:30", 22.0, 22.5, 19.0, 22.1, PLENTY),
        ("09:31", 22.2, 22.6, 22.0, 22.3, PLENTY),
    ],
}


@pytest.mark.parametrize("moment", ["16:00", "close"])
def test_a_market_order_given_at_the_close_fills_at_the_next_open(moment: str) -> None:
    done = play(HALF, {f"{TUESDAY} {moment}": lambda s: s.order("AAA", 10)}, half_days=[WEDNESDAY])
    assert done.fills == [(1, "07-03 09:31", "10", "21.0", "0")]
    assert done.final_equity == 100_000 + 13  # 10 x (22.30 - 21.00)


@pytest.mark.parametrize("moment", ["13:00", "close"])
def test_after_a_half_day_s_close_the_next_open_is_that_after_the_holiday(moment: str) -> None:
    done = play(
        HALF, {f"{WEDNESDAY} {moment}": lambda s: s.order("AAA", 10)}, half_days=[WEDNESDAY]
    )
    assert done.fills == [(1, "07-05 09:31", "10", "22.0", "0")]


def test_an_order_for_the_day_expires_at_one_on_a_half_day() -> None:
    steps = {
        f"{WEDNESDAY} 09:31": lambda s: (
            s.order("AAA", 10, limit=19.5),
            s.order("AAA", 7, limit=19.5, tif="gtc"),
        )
    }
    done = play(HALF, steps, half_days=[WEDNESDAY])
    assert done.end(1) == ("EXPIRED", "07-03 13:00", "the session closed")
    # The low of Friday's first bar, 19.00, comes for the one that is left.
    assert done.fills == [(2, "07-05 09:31", "7", "19.5", "0")]


def test_an_order_for_the_day_given_at_the_close_expires_at_the_next_one() -> None:
    steps = {f"{TUESDAY} 16:00": lambda s: s.order("AAA", 10, limit=19.5)}
    done = play(HALF, steps, half_days=[WEDNESDAY])
    assert done.end(1) == ("EXPIRED", "07-03 13:00", "the session closed")
    assert done.fills == []


# -- a bar that opens at its high ------------------------------------------------------------------

DOWNHILL: Days = {
    MONDAY: [
        ("09:30", 30.0, 30.0, 30.0, 30.0, PLENTY),
        ("09:31", 31.0, 31.0, 29.0, 29.5, PLENTY),  # the open is the high
        ("09:32", 29.4, 29.6, 29.2, 29.3, PLENTY),
    ]
}


@pytest.mark.parametrize(
    ("quantity", "terms", "price"),
    [
        (1, {}, "31.02"),  # at market: slippage goes beyond the high
        (-1, {}, "30.98"),
        (1, {"stop": 31.0}, "31.02"),  # the open is at the stop
        (1, {"stop": 30.5}, "31.02"),  # gapped
        (1, {"stop": 31.01}, None),  # a cent above the high
        (-1, {"limit": 31.0}, "31.0"),
        (-1, {"limit": 31.01}, None),
        (-1, {"limit": 30.5}, "31.0"),  # the open is better
        (1, {"limit": 31.0}, "31.0"),
        (-1, {"stop": 29.0}, "28.98"),  # the low is at the stop: slips below it
        (1, {"limit": 29.0}, "29.0"),
        (1, {"stop": 31.0, "limit": 31.0}, "31.0"),
    ],
)
def test_a_bar_that_opens_at_its_high(
    quantity: int, terms: dict[str, float], price: str | None
) -> None:
    steps = {f"{MONDAY} 09:31": lambda s: s.order("AAA", quantity, **terms)}
    done = play(DOWNHILL, steps, slippage={"kind": "fixed", "amount": 0.02})
    assert [fill[3] for fill in done.fills] == ([] if price is None else [price])


def test_at_its_high_a_limit_that_must_be_traded_through_still_fills_at_the_open() -> None:
    steps = {
        f"{MONDAY} 09:31": lambda s: (
            s.order("AAA", -1, limit=31.0),  # at the open
            s.order("AAA", 1, limit=29.0),  # the low touches it, and goes no further
        )
    }
    done = play(DOWNHILL, steps, limit_fill="through")
    assert done.fills == [(1, "07-01 09:32", "-1", "31.0", "0")]


def test_who_makes_is_a_limit_order_at_its_limit_and_nobody_else() -> None:
    days: Days = {
        MONDAY: [
            *DOWNHILL[MONDAY][:1],
            ("09:31", 30.0, 31.0, 29.5, 30.0, PLENTY),
            ("09:32", 30.0, 30.0, 28.0, 28.5, PLENTY),
        ]
    }
    steps = {
        f"{MONDAY} 09:31": lambda s: (
            s.order("AAA", 10, limit=29.5),  # makes: a thousandth of 295.00
            s.order("AAA", 10, limit=30.5),  # at the open of 30.00 it takes: a hundredth
            s.order("AAA", 10, stop=30.5, limit=29.0),  # rests from 09:31 on; it takes all the same
        )
    }
    done = play(days, steps, fees={"rate": "0.01", "maker_rate": "0.001"})
    assert [fill[:1] + fill[2:] for fill in done.fills] == [
        (2, "10", "30.0", "3"),
        (1, "10", "29.5", "0.295"),
        (3, "10", "29.0", "2.9"),
    ]


# -- a missing bar ---------------------------------------------------------------------------------

HOLES: Days = {
    MONDAY: [
        ("09:30", 10.0, 10.0, 10.0, 10.0, PLENTY),
        ("09:35", 12.0, 12.5, 11.5, 12.2, PLENTY),  # nothing from 09:31 to 09:34
    ],
    TUESDAY: [("09:30", 15.0, 15.0, 15.0, 15.0, PLENTY)],
}


def test_over_missing_bars_an_order_waits_for_the_next_one_there_is() -> None:
    steps = {
        f"{MONDAY} 09:31": lambda s: (
            s.order("AAA", 1),
            s.order("AAA", 2, stop=11.0),  # jumped over between 10.00 and 12.00
            s.order("AAA", 3, limit=11.0),
        )
    }
    done = play(HOLES, steps)
    assert done.fills == [
        (1, "07-01 09:36", "1", "12.0", "0"),
        (2, "07-01 09:36", "2", "12.0", "0"),
    ]
    assert done.end(3) == ("EXPIRED", "07-01 16:00", "the session closed")


def test_at_once_is_the_first_bar_there_is() -> None:
    done = play(HOLES, {f"{MONDAY} 09:31": lambda s: s.order("AAA", 1, limit=11.9, tif="ioc")})
    assert done.fills == []
    assert done.end(1)[:2] == ("EXPIRED", "07-01 09:36")


def test_after_the_last_bar_of_the_day_an_order_for_the_day_never_fills() -> None:
    steps = {
        f"{MONDAY} 09:36": lambda s: (s.order("AAA", 1), s.order("AAA", 2, tif="gtc")),
    }
    done = play(HOLES, steps)
    assert done.end(1) == ("EXPIRED", "07-01 16:00", "the session closed")
    assert done.fills == [(2, "07-02 09:31", "2", "15.0", "0")]


# -- no volume -------------------------------------------------------------------------------------

DRY: Days = {
    MONDAY: [
        ("09:30", 10.0, 10.0, 10.0, 10.0, 500.0),
        ("09:31", 10.1, 10.1, 10.1, 10.1, 0.0),
        ("09:32", 10.2, 10.2, 10.2, 10.2, 300.0),
        ("09:33", 10.3, 10.3, 10.3, 10.3, 9.0),  # a tenth is less than a share
        ("09:34", 10.4, 10.4, 10.4, 10.4, 500.0),
    ]
}
QUOTES: Days = {MONDAY: [(*row[:5], 0.0) for row in DRY[MONDAY]]}


def test_a_bar_without_volume_fills_nothing_where_volume_counts() -> None:
    steps = {
        f"{MONDAY} 09:31": lambda s: (s.order("AAA", 40), s.order("AAA", 5, limit=10.5, tif="ioc"))
    }
    done = play(DRY, steps, participation=0.1)
    # 0 of 0; 30 of 300; 0 of 9; the 10 left of 500. The other had but the bar without volume.
    assert done.fills == [
        (1, "07-01 09:33", "30", "10.2", "0"),
        (1, "07-01 09:35", "10", "10.4", "0"),
    ]
    assert done.end(2)[:2] == ("EXPIRED", "07-01 09:32")
    # 30 x 10.20 + 10 x 10.40 = 306 + 104 = 410.00; 40 x 10.40 = 416.00
    assert (done.cash, done.final_equity) == (99_590, 100_006)


def test_where_volume_does_not_count_a_bar_without_it_fills_as_any_other() -> None:
    done = play(DRY, {f"{MONDAY} 09:31": lambda s: s.order("AAA", 40)})
    assert done.fills == [(1, "07-01 09:32", "40", "10.1", "0")]


def test_data_that_has_no_volume_at_all_fills_whole() -> None:
    done = play(QUOTES, {f"{MONDAY} 09:31": lambda s: s.order("AAA", 40)}, participation=0.1)
    assert done.fills == [(1, "07-01 09:32", "40", "10.1", "0")]
