"""Fees of an order: worked by hand, against exact fractions, and however the order was filled."""

import datetime as dt
import pickle
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import ConfigError, UsageError
from app.core.money import UNITS, amount_units, to_units
from app.services.fees import FeeSchedule, Filled, fee_units, schedule_at

DAY = dt.date(2024, 7, 1)  # SEC 27.80 a million, TAF 0.000166 up to 8.30
NAMES = ("zero", "ib_fixed", "ib_tiered", "binance_spot")

RATES = st.decimals(0, 2, places=6)
AMOUNTS = st.decimals(0, 50, places=4)
SCHEDULES = st.one_of(
    st.sampled_from(NAMES).map(lambda name: schedule_at(name, DAY)),
    st.builds(
        FeeSchedule,
        name=st.just("drawn"),
        per_share=RATES,
        minimum=AMOUNTS,
        maximum=st.none() | AMOUNTS,
        maximum_share=st.none() | RATES,
        rate=RATES,
        maker_rate=RATES,
        clearing_per_share=RATES,
        clearing_maximum_share=st.none() | RATES,
        sale_rate=RATES,
        sale_per_share=RATES,
        sale_maximum=st.none() | AMOUNTS,
    ),
)
# One partial fill: shares and value in units, and whether it was made as maker.
FILLS = st.lists(
    st.tuples(st.integers(1, 10**13), st.integers(0, 10**15), st.booleans()), min_size=1, max_size=8
)


def bought(shares: float, price: float) -> Filled:
    units = to_units(shares)
    return Filled(units, amount_units(units, price), 0, sells=False)


def sold(shares: float, price: float) -> Filled:
    return bought(shares, price)._replace(sells=True)


def states(fills: list[tuple[int, int, bool]], sells: bool) -> list[Filled]:
    """What an order has filled after each of its fills."""
    done = [Filled(0, 0, 0, sells)]
    for shares, value, maker in fills:
        last = done[-1]
        done.append(
            Filled(
                last.shares_units + shares,
                last.value_units + value,
                last.maker_value_units + value * maker,
                sells,
            )
        )
    return done


def exact_fee(schedule: FeeSchedule, filled: Filled) -> Fraction:
    """The fee in units as the page of documentation words it, without any rounding."""
    if not filled.shares_units:
        return Fraction(0)
    shares, value = Fraction(filled.shares_units, UNITS), Fraction(filled.value_units, UNITS)
    maker = Fraction(filled.maker_value_units, UNITS)

    def at_most(part: Fraction, *caps: Fraction | None) -> Fraction:
        return min([part, *(cap for cap in caps if cap is not None)])

    def exact(part: Decimal | None) -> Fraction | None:
        return None if part is None else Fraction(part)

    def share_of_value(part: Decimal | None) -> Fraction | None:
        return None if part is None else Fraction(part) * value

    rated = Fraction(schedule.rate) * (value - maker) + Fraction(schedule.maker_rate) * maker
    commission = max(Fraction(schedule.per_share) * shares + rated, Fraction(schedule.minimum))
    fee = at_most(commission, exact(schedule.maximum), share_of_value(schedule.maximum_share))
    fee += at_most(
        Fraction(schedule.clearing_per_share) * shares,
        share_of_value(schedule.clearing_maximum_share),
    )
    if filled.sells:
        fee += at_most(Fraction(schedule.sale_per_share) * shares, exact(schedule.sale_maximum))
        fee += Fraction(schedule.sale_rate) * value
    return fee * UNITS


# -- by hand -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "price", "fee"),
    [
        (100, 25.00, "1.00"),  # 0.50 is below the minimum
        (200, 25.00, "1.00"),  # just the minimum
        (201, 25.00, "1.005"),
        (1000, 25.00, "5.00"),
        (1000, 0.25, "2.50"),  # 1 % of 250
        (1000, 0.50, "5.00"),  # where the cap begins
        (10, 0.20, "0.02"),  # the cap is below the minimum, and wins
        (1, 99.99, "0.9999"),
        (1, 100.00, "1.00"),
        (0.5, 25.00, "0.125"),
    ],
)
def test_fixed_pricing_is_half_a_cent_a_share_at_least_a_dollar_at_most_one_percent(
    shares: float, price: float, fee: str
) -> None:
    assert fee_units(schedule_at("ib_fixed", DAY), bought(shares, price)) == to_units(fee)


@pytest.mark.parametrize(("shares", "price"), [(100, 25.0), (1000, 0.25), (60_000, 10.0)])
def test_a_sale_pays_the_regulators_the_same_under_both_pricings(
    shares: float, price: float
) -> None:
    fixed, tiered = (
        fee_units(schedule_at(name, DAY), sold(shares, price))
        - fee_units(schedule_at(name, DAY), bought(shares, price))
        for name in ("ib_fixed", "ib_tiered")
    )
    assert fixed == tiered > 0


@pytest.mark.parametrize(
    ("filled", "fee"),
    [
        (bought(50, 25.00), "0.36"),  # 0.35 + 0.01 clearing
        (bought(100, 25.00), "0.37"),  # the minimum is reached; 0.02 clearing
        (bought(1000, 25.00), "3.70"),  # 3.50 + 0.20
        (bought(1000, 0.25), "2.70"),  # 2.50, the cap, + 0.20
        (bought(1000, 0.03), "0.45"),  # 0.30 + 0.15, both capped by the value
        (sold(1000, 25.00), "4.561"),  # 3.70 + 0.695 SEC + 0.166 TAF
        (sold(100, 25.00), "0.4561"),  # 0.37 + 0.0695 + 0.0166
        (sold(60_000, 1.00), "231.968"),  # 210 + 12 + 1.668 + 8.30, the most the TAF comes to
    ],
)
def test_tiered_pricing_adds_clearing_and_what_sales_pay(filled: Filled, fee: str) -> None:
    assert fee_units(schedule_at("ib_tiered", DAY), filled) == to_units(fee)


def test_a_coin_exchange_takes_a_tenth_of_a_percent_of_the_value() -> None:
    schedule = schedule_at("binance_spot", DAY)
    taker = bought(0.015, 64_250.5)  # worth 963.7575
    assert fee_units(schedule, taker) == to_units("0.9637575")
    assert fee_units(schedule, taker._replace(maker_value_units=taker.value_units)) == to_units(
        "0.9637575"
    )


def test_nothing_is_charged_where_nothing_costs() -> None:
    assert fee_units(schedule_at("zero", DAY), sold(1000, 25.00)) == 0


def test_the_maker_s_part_is_charged_at_the_maker_s_rate() -> None:
    schedule = FeeSchedule("own", rate=Decimal("0.001"), maker_rate=Decimal("0.0004"))
    filled = Filled(to_units(10), to_units(1000), to_units(250), sells=False)
    assert fee_units(schedule, filled) == to_units("0.85")  # 0.75 + 0.10


def test_a_highest_fee_per_order_holds_over_a_minimum() -> None:
    schedule = FeeSchedule("own", per_share=Decimal(1), minimum=Decimal(9), maximum=Decimal(7))
    assert fee_units(schedule, bought(1, 100.0)) == to_units(7)
    assert fee_units(schedule, bought(1000, 100.0)) == to_units(7)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sells", [False, True])
def test_an_order_that_filled_nothing_pays_nothing(name: str, sells: bool) -> None:
    assert fee_units(schedule_at(name, DAY), Filled(0, 0, 0, sells)) == 0


@pytest.mark.parametrize(
    ("value_units", "fee"), [(5, 0), (15, 2), (25, 2), (35, 4), (26, 3), (14, 1)]
)
def test_half_a_unit_goes_to_the_even_one(value_units: int, fee: int) -> None:
    schedule = FeeSchedule("own", rate=Decimal("0.1"))
    assert fee_units(schedule, Filled(UNITS, value_units, 0, sells=False)) == fee


# -- partial fills -------------------------------------------------------------------------------


def postings(schedule: FeeSchedule, done: list[Filled]) -> list[int]:
    """What each fill of an order is charged."""
    fees = [fee_units(schedule, filled) for filled in done]
    return [after - before for before, after in pairwise(fees)]


def test_three_partial_fills_of_one_order_pay_the_minimum_once() -> None:
    done = states([(to_units(n), to_units(25 * n), False) for n in (30, 30, 40)], sells=False)
    posted = postings(schedule_at("ib_fixed", DAY), done)
    assert posted == [to_units(fee) for fee in ("1.00", "0", "0")]


def test_a_fill_pays_for_what_goes_over_the_minimum() -> None:
    done = states([(to_units(150), to_units(3000), False)] * 2, sells=False)
    posted = postings(schedule_at("ib_fixed", DAY), done)
    assert posted == [to_units(fee) for fee in ("1.00", "0.50")]


def test_a_cap_on_the_value_lets_a_minimum_in_bit_by_bit() -> None:
    done = states([(to_units(10), to_units(40), False)] * 4, sells=False)
    posted = postings(schedule_at("ib_fixed", DAY), done)
    assert posted == [to_units(fee) for fee in ("0.40", "0.40", "0.20", "0")]


@given(SCHEDULES, FILLS, st.booleans())
def test_the_postings_come_to_the_fee_of_the_order_however_it_was_filled(
    schedule: FeeSchedule, fills: list[tuple[int, int, bool]], sells: bool
) -> None:
    whole = Filled(
        sum(shares for shares, _, _ in fills),
        sum(value for _, value, _ in fills),
        sum(value for _, value, maker in fills if maker),
        sells,
    )
    for order in (fills, fills[::-1]):
        assert sum(postings(schedule, states(order, sells))) == fee_units(schedule, whole)


@given(SCHEDULES, FILLS, st.booleans())
def test_no_fill_is_ever_paid_back(
    schedule: FeeSchedule, fills: list[tuple[int, int, bool]], sells: bool
) -> None:
    assert min(postings(schedule, states(fills, sells))) >= 0


@given(SCHEDULES, FILLS, st.booleans())
def test_a_fee_is_the_exact_one_rounded_once(
    schedule: FeeSchedule, fills: list[tuple[int, int, bool]], sells: bool
) -> None:
    for filled in states(fills, sells):
        fee = fee_units(schedule, filled)
        assert type(fee) is int
        assert fee == round(exact_fee(schedule, filled))  # Python rounds fractions half-even


@given(FILLS)
def test_a_commission_is_never_over_its_share_of_the_value(
    fills: list[tuple[int, int, bool]],
) -> None:
    for filled in states(fills, sells=False):
        assert 100 * fee_units(schedule_at("ib_fixed", DAY), filled) <= filled.value_units + 50


# -- schedules -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "per_million"),
    [
        ("2010-01-04", "22.10"),  # before the table begins
        ("2020-02-18", "22.10"),
        ("2021-02-24", "22.10"),
        ("2021-02-25", "5.10"),
        ("2022-05-13", "5.10"),
        ("2022-05-14", "22.90"),
        ("2023-02-27", "8.00"),
        ("2024-05-21", "8.00"),
        ("2024-05-22", "27.80"),
        ("2025-05-13", "27.80"),
        ("2025-05-14", "0"),
        ("2026-04-03", "0"),
        ("2026-04-04", "20.60"),
        ("2040-01-02", "20.60"),  # until the table says otherwise
    ],
)
def test_sales_pay_the_sec_what_was_in_force_that_day(date: str, per_million: str) -> None:
    schedule = schedule_at("ib_tiered", dt.date.fromisoformat(date))
    assert schedule.sale_rate * 1_000_000 == Decimal(per_million)


@pytest.mark.parametrize(
    ("date", "per_share", "most"),
    [
        ("2010-01-04", "0.000119", "5.95"),
        ("2021-12-31", "0.000119", "5.95"),
        ("2022-01-01", "0.00013", "6.49"),
        ("2023-01-01", "0.000145", "7.27"),
        ("2023-12-31", "0.000145", "7.27"),
        ("2024-01-01", "0.000166", "8.30"),
        ("2025-12-31", "0.000166", "8.30"),
        ("2026-01-01", "0.000195", "9.79"),
    ],
)
def test_sales_pay_finra_what_was_in_force_that_day(date: str, per_share: str, most: str) -> None:
    schedule = schedule_at("ib_tiered", dt.date.fromisoformat(date))
    assert (schedule.sale_per_share, schedule.sale_maximum) == (Decimal(per_share), Decimal(most))


@pytest.mark.parametrize("name", NAMES)
def test_a_ready_made_schedule_says_its_name(name: str) -> None:
    assert schedule_at(name, DAY).name == name


@pytest.mark.parametrize("name", ["zero", "binance_spot"])
def test_a_schedule_without_dated_parts_is_the_same_every_day(name: str) -> None:
    assert schedule_at(name, dt.date(2012, 1, 3)) == schedule_at(name, DAY)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("ib_fix", " Did you mean 'ib_fixed'?"), ("IB_TIERED", " Did you mean 'ib_tiered'?"),
     ("free", "")],
)  # fmt: skip
def test_an_unknown_schedule_is_refused_with_the_known_ones(name: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        schedule_at(name, DAY)
    assert str(caught.value) == (
        f"There is no fee schedule '{name}'; there are zero, ib_fixed, ib_tiered, binance_spot."
        f"{hint}"
    )


@pytest.mark.parametrize("field", FeeSchedule.__struct_fields__[1:])
@pytest.mark.parametrize("amount", ["-0.01", "NaN", "Infinity"])
def test_a_schedule_with_an_impossible_amount_is_refused(field: str, amount: str) -> None:
    with pytest.raises(ConfigError, match=rf"'own' has {field} {amount}; give 0 or more\."):
        FeeSchedule("own", **{field: Decimal(amount)})


def test_a_schedule_is_a_value() -> None:
    schedule = schedule_at("ib_tiered", DAY)
    fee = fee_units(schedule, sold(100, 25.0))  # with its whole numbers worked out
    assert schedule == schedule_at("ib_tiered", DAY)
    assert hash(schedule) == hash(schedule_at("ib_tiered", DAY))
    assert fee_units(pickle.loads(pickle.dumps(schedule)), sold(100, 25.0)) == fee
    assert "terms" not in msgspec.to_builtins(schedule)
    dearer = msgspec.structs.replace(schedule, minimum=Decimal(2))
    assert fee_units(dearer, sold(100, 25.0)) == to_units("2.1061")
    with pytest.raises(AttributeError):
        schedule.minimum = Decimal(0)  # type: ignore[misc]
