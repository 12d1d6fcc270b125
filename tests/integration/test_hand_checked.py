"""Examples worked by hand: each number here was reckoned on paper, and the way to it is told."""

import datetime as dt
from decimal import Decimal

import pytest
from tests.integration.hand_played import Days, Played, play, split

from app.core.instruments import Adjustment

MONDAY, TUESDAY = "2024-06-03", "2024-06-04"
PLENTY = 1e6


# -- a position and its orders through a split -----------------------------------------------------

# Seven new shares for two old ones: a ratio of 3.5. The last close before it is 77.00, so 22.00 in
# new shares.
SEVEN_FOR_TWO = [split(TUESDAY, Decimal("3.5"))]
SPLIT_DAYS: Days = {
    MONDAY: [
        ("09:30", 69.0, 69.0, 69.0, 69.0, PLENTY),
        ("09:31", 70.0, 70.5, 69.5, 70.0, PLENTY),
        ("15:59", 76.0, 77.5, 76.0, 77.0, PLENTY),
    ],
    TUESDAY: [
        ("09:30", 22.5, 22.8, 22.1, 22.7, PLENTY),
        ("09:31", 23.4, 24.5, 23.2, 24.0, PLENTY),
    ],
}


def test_a_long_position_and_its_target_go_through_seven_for_two() -> None:
    done = play(
        SPLIT_DAYS,
        {
            f"{MONDAY} 09:31": lambda s: s.order("AAA", 5),
            f"{MONDAY} 09:32": lambda s: s.order("AAA", -5, limit=84.0, tif="gtc"),
            f"{TUESDAY} open": lambda s: (s.position("AAA").quantity, s.position("AAA").cost,
                                          s.position("AAA").realised, s.cash),
        },
        adjustments=SEVEN_FOR_TWO,
    )  # fmt: skip
    # 5 x 70.00 = 350.00 paid. 5 x 3.5 = 17.5: 17 are kept, a half is paid out at 22.00 = 11.00.
    # 17.5 shares cost 350.00, so 20.00 each: the half cost 10.00 and leaves a profit of 1.00.
    assert done.answers[-1] == (17, 340, 1, Decimal("99661"))  # 100,000 - 350 + 11
    # The target: 5 x 3.5 = 17 whole shares at 84.00 / 3.5 = 24.00, touched at 09:31.
    assert done.fills == [
        (1, "06-03 09:32", "5", "70.0", "0"),
        (2, "06-04 09:32", "-17", "24.0", "0"),
    ]
    # 17 x 24.00 = 408.00 for what cost 340.00: 68.00 more.
    assert (done.cash, done.position.realised, done.position.units) == (100_069, 69, 0)


def test_a_short_position_and_its_stop_go_through_seven_for_two_and_it_pays() -> None:
    done = play(
        SPLIT_DAYS,
        {
            f"{MONDAY} 09:31": lambda s: s.order("AAA", -5),
            f"{MONDAY} 09:32": lambda s: s.order("AAA", 5, stop=80.5, tif="gtc"),
            f"{TUESDAY} open": lambda s: (s.position("AAA").quantity, s.position("AAA").cost,
                                          s.position("AAA").realised, s.cash),
        },
        adjustments=SEVEN_FOR_TWO,
    )  # fmt: skip
    # 350.00 received; the half share is bought back at 22.00: 11.00 paid for what brought 10.00.
    assert done.answers[-1] == (-17, -340, -1, Decimal("100339"))
    # The stop: 17 at 80.50 / 3.5 = 23.00. At 09:30 the high is 22.80, at 09:31 it opens at 23.40.
    assert done.fills[1] == (2, "06-04 09:32", "17", "23.4", "0")
    # 17 x 23.40 = 397.80: 57.80 more than the 340.00 it brought, and the 1.00 from before.
    assert (done.cash, done.position.realised) == (Decimal("99941.2"), Decimal("-58.8"))


def test_resting_orders_go_through_seven_for_two_on_to_whole_lots_and_ticks() -> None:
    done = play(
        SPLIT_DAYS,
        {
            f"{MONDAY} 09:32": lambda s: (
                s.order("AAA", 3, limit=35.01, tif="gtc"),  # 10.5; 10.0028...: down, never worse
                s.order("AAA", -4, limit=175.01, tif="gtc"),  # 14; 50.0028...: up, never worse
                s.order("AAA", 1, stop=175.01, tif="gtc"),  # 3.5; 50.0028...: down, never later
                s.order("AAA", -2, stop=35.01, tif="gtc"),  # 7; 10.0028...: up, never later
                s.order("AAA", 6, stop=175.0, limit=178.5, tif="gtc"),  # 21; 50.00 and 51.00
            ),
        },
        adjustments=SEVEN_FOR_TWO,
    )
    found = [(o.quantity, o.limit, o.stop, o.state) for o in map(done.orders.get, range(1, 6)) if o]
    assert found == [
        (10, 10.00, None, "CANCELED"),  # all of them when the run ends
        (14, 50.01, None, "CANCELED"),
        (3, None, 50.00, "CANCELED"),
        (7, None, 10.01, "CANCELED"),
        (21, 51.00, 50.00, "CANCELED"),
    ]
    assert {done.end(number)[1] for number in range(1, 6)} == {"06-04 16:00"}


def test_seven_for_one_multiplies_what_is_held_and_what_is_left_of_an_order() -> None:
    days: Days = {
        MONDAY: [
            ("09:30", 69.0, 69.0, 69.0, 69.0, 100.0),
            ("09:31", 70.0, 70.0, 70.0, 70.0, 40.0),
            ("15:59", 71.0, 71.0, 70.0, 70.0, 20.0),
        ],
        TUESDAY: [("09:30", 9.9, 10.2, 9.8, 10.1, 5000.0)],
    }
    done = play(
        days,
        {f"{MONDAY} 09:31": lambda s: s.order("AAA", 10, limit=70.0, tif="gtc")},
        adjustments=[split(TUESDAY, Decimal(7))],
        participation=0.1,
    )
    # A tenth of 40 is 4; a tenth of 20 is 2, touched at 70.00. The 4 that are left become 28, and
    # their limit 10.00; the open of 9.90 is better. 6 x 70.00 + 28 x 9.90 = 420.00 + 277.20.
    assert done.fills == [
        (1, "06-03 09:32", "4", "70.0", "0"),
        (1, "06-03 16:00", "2", "70.0", "0"),
        (1, "06-04 09:31", "28", "9.9", "0"),
    ]
    assert (done.position.quantity, done.position.cost) == (42 + 28, Decimal("697.2"))
    assert done.final_equity == Decimal("100009.8")  # 70 x 10.10 = 707.00


@pytest.mark.parametrize("sign", [1, -1])
def test_one_for_seven_pays_out_two_sevenths_and_drops_an_order_of_too_few(sign: int) -> None:
    days: Days = {
        MONDAY: [
            ("09:30", 11.0, 11.0, 11.0, 11.0, PLENTY),
            ("09:31", 12.0, 12.0, 9.0, 10.0, PLENTY),
        ],
        TUESDAY: [("09:30", 70.0, 70.0, 70.0, 70.0, PLENTY)],
    }
    done = play(
        days,
        {
            f"{MONDAY} 09:31": lambda s: s.order("AAA", 100 * sign),
            f"{MONDAY} 09:32": lambda s: (
                s.order("AAA", -6 * sign, limit=100.0 if sign > 0 else 1.0, tif="gtc"),
                s.order("AAA", -20 * sign, limit=15.0 if sign > 0 else 5.0, tif="gtc"),
            ),
        },
        adjustments=[split(TUESDAY, Decimal(1) / 7)],
    )
    # 100 / 7 = 14 and two sevenths, which are worth 2 / 7 x 10.00 x 7 = 20.00. Quantities have
    # eight decimals, so it is not exact: 0.28571429 x 70.00 = 20.0000003.
    assert done.position.quantity == 14 * sign
    assert done.cash == 100_000 + sign * (-1200 + Decimal("20.0000003"))
    assert done.end(2)[:2] == ("CANCELED", "06-04 09:30")
    assert "left no whole lot" in done.end(2)[2]  # 6 / 7 of a share
    last = done.orders[3]  # 20 / 7 = 2; 15.00 x 7 = 105.00, 5.00 x 7 = 35.00
    assert (last.quantity, last.limit) == (2, 105.0 if sign > 0 else 35.0)


@pytest.mark.parametrize("old", [3, 6, 7, 9, 30])
def test_a_protective_stop_still_covers_all_that_is_held_after_a_reverse_split(old: int) -> None:
    """A third has no last digit: 300 shares are 100 all the same, and so is what protects them."""
    days: Days = {
        MONDAY: [("09:30", 10.0, 10.0, 10.0, 10.0, PLENTY)],
        TUESDAY: [("09:30", 9.0 * old, 9.0 * old, 8.0 * old, 9.0 * old, PLENTY)],
    }
    done = play(
        days,
        {
            f"{MONDAY} open": lambda s: s.order("AAA", 100 * old),
            f"{MONDAY} 09:31": lambda s: s.order("AAA", -100 * old, stop=8.5, tif="gtc"),
        },
        adjustments=[split(TUESDAY, Decimal(1) / old)],
    )
    # Sold at 8.50 x old, 100 of them: as 100 x old at 8.50, 150 x old less than was paid.
    assert done.fills[1] == (2, "06-04 09:31", "-100", repr(8.5 * old), "0")
    assert (done.position.units, done.cash) == (0, 100_000 - 150 * old)


# -- twenty years of dividends ---------------------------------------------------------------------

# A quarter's dividend by year, as boards raise and cut them. The split of June 2014 is 7 for 1.
QUARTERLY = {
    2004: "0.28", 2005: "0.315", 2006: "0.3475", 2007: "0.3475", 2008: "0.38", 2009: "0.19",
    2010: "0.19", 2011: "0.245", 2012: "0.37857", 2013: "0.435714", 2014: "0.4275", 2015: "0.0925",
    2016: "0.105", 2017: "0.12125", 2018: "0.1575", 2019: "0.1825", 2020: "0.1925", 2021: "0.205",
    2022: "0.22", 2023: "0.2325",
}  # fmt: skip
EX_DAYS = ((2, 9), (5, 11), (8, 10), (11, 9))
SPLIT_DATE = dt.date(2014, 6, 9)


def ex_dates() -> list[tuple[dt.date, Decimal]]:
    """Eighty of them; after the split a share pays a seventh of what it did."""
    found = []
    for year, amount in QUARTERLY.items():
        for month, day in EX_DAYS:
            date = dt.date(year, month, day)
            half_of_2014 = year == 2014 and date > SPLIT_DATE
            found.append((date, Decimal("0.0611") if half_of_2014 else Decimal(amount)))
    return found


@pytest.mark.parametrize("sign", [1, -1])
def test_twenty_years_of_dividends_come_to_the_cent(sign: int) -> None:
    dividends = ex_dates()
    assert len(dividends) == 80
    first, last = dt.date(2004, 1, 5), dt.date(2023, 12, 1)
    dates = [first, *(date for date, _ in dividends), SPLIT_DATE, last]
    price = {date: 70.0 if date < SPLIT_DATE else 10.0 for date in dates}
    days: Days = {
        str(date): [("09:30", price[date], price[date], price[date], price[date], PLENTY)]
        for date in sorted(dates)
    }
    actions = [Adjustment("AAA", date, Decimal(1), paid, 1.0, 1.0) for date, paid in dividends]
    actions.append(split(str(SPLIT_DATE), Decimal(7)))
    done = play(
        days,
        {"2004-01-05 open": lambda s: s.order("AAA", 130 * sign)},
        adjustments=sorted(actions, key=lambda action: action.session_date),
        base_interval="1d",
    )
    # 130 shares until the split. Ten whole years, four times each:
    #   0.28 + 0.315 + 0.3475 + 0.3475 + 0.38 + 0.19 + 0.19 + 0.245 + 0.37857 + 0.435714 = 3.109284
    #   x 4 = 12.437136; and 2014 twice 0.4275 = 0.855: 13.292136 a share, x 130 = 1,727.97768.
    # 910 shares after it: 2014 twice 0.0611 = 0.1222; then four times
    #   0.0925 + 0.105 + 0.12125 + 0.1575 + 0.1825 + 0.1925 + 0.205 + 0.22 + 0.2325 = 1.50875
    #   = 6.035: 6.1572 a share, x 910 = 5,603.052. Together 7,331.02968.
    assert done.income == sign * Decimal("7331.02968")
    expected = Decimal(0)
    for date, paid in dividends:
        expected += (130 if date < SPLIT_DATE else 910) * sign * paid
    assert done.income == expected
    assert done.cash == 100_000 - sign * 9_100 + expected
    assert done.final_equity == 100_000 + expected  # 130 x 70.00 = 910 x 10.00
    assert done.position.quantity == 910 * sign


# -- commissions over partial fills ----------------------------------------------------------------


def parts(quantity: int, price: float, step: float, fees: str, volume: float = 400.0) -> Played:
    """An order that a tenth of each bar's volume fills, bar by bar."""
    opens = [round(price + n * step, 2) for n in range(7)]
    days: Days = {MONDAY: [(f"09:{30 + n}", at, at, at, at, volume) for n, at in enumerate(opens)]}
    act = {f"{MONDAY} open": lambda s: s.order("AAA", quantity)}
    return play(days, act, participation=0.1, fees=fees)


def charged(done: Played) -> list[str]:
    return [fee for *_, fee in done.fills]


def test_the_fixed_minimum_of_a_dollar_is_paid_once_over_four_fills() -> None:
    done = parts(150, 20.0, 0.1, "ib_fixed")
    # A tenth of 400: 40, 40, 40, and the 30 left. 150 x 0.005 = 0.75 is below 1.00.
    assert [fill[2:4] for fill in done.fills] == [
        ("40", "20.0"), ("40", "20.1"), ("40", "20.2"), ("30", "20.3"),
    ]  # fmt: skip
    assert charged(done) == ["1", "0", "0", "0"]
    # 800 + 804 + 808 + 609 = 3,021.00
    assert done.cash == 100_000 - 3_021 - 1


def test_what_goes_over_the_fixed_minimum_is_paid_by_the_fill_that_goes_over() -> None:
    done = parts(260, 20.0, 0.0, "ib_fixed", volume=800.0)
    # 80 x 0.005 = 0.40, so 1.00; 160: 0.80, still 1.00; 240: 1.20; 260: 1.30.
    assert charged(done) == ["1", "0", "0.2", "0.1"]


def test_on_cheap_shares_one_percent_of_the_value_caps_the_minimum() -> None:
    done = parts(150, 0.5, 0.0, "ib_fixed")
    # Values of 20, 40, 60 and 75 dollars: a hundredth of each is below 1.00.
    assert charged(done) == ["0.2", "0.2", "0.2", "0.15"]


def test_the_tiered_minimum_is_paid_once_and_clearing_with_every_fill() -> None:
    done = parts(150, 20.0, 0.0, "ib_tiered")
    # 0.0035 a share, at least 0.35, and 0.0002 a share for clearing:
    #    40: 0.14, so 0.35, + 0.008 = 0.358
    #    80: 0.28, so 0.35, + 0.016 = 0.366, 0.008 more
    #   120: 0.42 + 0.024 = 0.444, 0.078 more
    #   150: 0.525 + 0.030 = 0.555, 0.111 more
    assert charged(done) == ["0.358", "0.008", "0.078", "0.111"]


def test_a_tiered_sale_pays_the_regulators_with_every_fill() -> None:
    done = parts(-150, 20.0, 0.0, "ib_tiered")
    # In June 2024 the SEC takes 27.80 of a million, FINRA 0.000166 a share:
    #   40 shares: 800 x 0.0000278 = 0.02224, and 0.00664, together 0.02888
    #   30 shares: 600 x 0.0000278 = 0.01668, and 0.00498, together 0.02166
    # On top of 0.358, 0.008, 0.078 and 0.111, as for a purchase.
    assert charged(done) == ["0.38688", "0.03688", "0.10688", "0.13266"]
    assert done.cash == 100_000 + 3_000 - Decimal("0.6633")
