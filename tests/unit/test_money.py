"""Money and quantities, against exact fractions: every way in, every way out, one rounding."""

import decimal
import math
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import (
    UNITS,
    amount_units,
    divide_half_even,
    from_units,
    price_ratio,
    to_units,
)

FINITE = st.floats(allow_nan=False, allow_infinity=False)
PRICES = st.one_of(
    st.integers(1, 10**9).map(lambda cents: cents / 100),
    st.integers(1, 10**15).map(lambda units: units / 10**8),
    st.floats(1e-12, 1e12),
)
UNITS_HELD = st.integers(-(10**18), 10**18)


def rounded(value: Fraction) -> int:
    """The nearest whole number, the even one of two: what Python says of a fraction."""
    return round(value)


@contextmanager
def context(**parts: object) -> Iterator[None]:
    """A Decimal context that a careless strategy could have set in its thread."""
    with decimal.localcontext(decimal.Context(**parts)):  # type: ignore[arg-type]
        yield


# -- in ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "units"),
    [
        (0, 0),
        (1, UNITS),
        (-3, -3 * UNITS),
        (10**20, 10**28),
        (10.1, 1_010_000_000),
        (0.1 + 0.2, 30_000_000),  # 0.30000000000000004: far below a unit
        (-0.0, 0),
        (1e-8, 1),
        (1e300, 10**308),
        (4.106508554974807e16, 4_106_508_554_974_807 * 10**9),  # above 2**53
        (5e-324, 0),
        (Decimal("12.34567891"), 1_234_567_891),
        (Decimal("1E+3"), 1000 * UNITS),
        (Decimal("-0.00000001"), -1),
        ("12.5", 1_250_000_000),
        (" 7 ", 7 * UNITS),
        ("1e3", 1000 * UNITS),
        (np.float64(0.1), 10_000_000),
        (np.int64(7), 7 * UNITS),
        (np.int32(-7), -7 * UNITS),
    ],
)
def test_each_kind_of_number_enters_by_its_value(
    value: Decimal | float | int | str, units: int
) -> None:
    found = to_units(value)
    assert found == units
    assert type(found) is int


@pytest.mark.parametrize(
    ("value", "units"),
    [("0.000000005", 0), ("0.000000015", 2), ("0.000000025", 2), ("-0.000000005", 0),
     ("-0.000000015", -2), ("0.0000000050001", 1), ("0.0000000149999", 1)],
)  # fmt: skip
def test_half_a_unit_goes_to_the_even_one(value: str, units: int) -> None:
    assert to_units(value) == units
    assert to_units(Decimal(value)) == units
    assert to_units(float(value)) == units


@pytest.mark.parametrize(
    "value",
    [
        math.nan, math.inf, -math.inf,
        "NaN", "Infinity", "-inf", "sNaN", "", "ten", "1,000", "0x10",
        Decimal("NaN"), Decimal("Infinity"), "1e999999999", Decimal("1e400"), None, True, False,
        np.float64("nan"), np.True_, 1j, Fraction(1, 2), b"1", object(),
    ],
)  # fmt: skip
def test_what_is_no_finite_number_is_refused(value: object) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError, decimal.InvalidOperation)):
        to_units(value)  # type: ignore[arg-type]


def test_a_number_next_to_nothing_is_nothing_at_once() -> None:
    assert to_units("1e-999999999") == 0


@given(FINITE)
def test_a_float_enters_by_its_repr_and_is_rounded_once(value: float) -> None:
    assert to_units(value) == rounded(Fraction(repr(value)) * UNITS)
    assert to_units(np.float64(value)) == to_units(value)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_a_decimal_enters_exactly_and_is_rounded_once(value: Decimal) -> None:
    assert to_units(value) == rounded(Fraction(value) * UNITS)
    assert to_units(str(value)) == to_units(value)


# -- out ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("units", "text"),
    [
        (0, "0"),
        (1, "0.00000001"),
        (-1, "-0.00000001"),
        (1_250_000_000, "12.5"),
        (1200 * UNITS, "1200"),
        (120_050_000_000, "1200.5"),
        (-120_050_000_000, "-1200.5"),
        (10**30 + 1, "10000000000000000000000.00000001"),
    ],
)
def test_units_leave_without_zeros_at_the_end(units: int, text: str) -> None:
    assert f"{from_units(units):f}" == text


@given(st.integers(-(10**60), 10**60))
def test_what_leaves_comes_back_the_same(units: int) -> None:
    number = from_units(units)
    assert Fraction(number) == Fraction(units, UNITS)
    assert to_units(number) == units
    assert to_units(f"{number:f}") == units


@given(st.integers(-(10**40), 10**40), st.integers(1, 30))
def test_the_context_of_the_thread_changes_nothing(units: int, precision: int) -> None:
    number, text = from_units(units), f"{units}e-9"
    with context(prec=precision, rounding=decimal.ROUND_UP, Emax=12, traps=[decimal.Inexact]):
        assert from_units(units) == number
        assert to_units(number) == units
        assert to_units(text) == rounded(Fraction(units, 10))
        assert to_units(0.1) == 10_000_000


# -- division, prices and amounts ----------------------------------------------------------------


@given(st.integers(-(10**40), 10**40), st.integers(1, 10**20))
def test_a_division_rounds_to_the_nearest_and_halves_to_the_even(
    numerator: int, denominator: int
) -> None:
    assert divide_half_even(numerator, denominator) == rounded(Fraction(numerator, denominator))


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**4))
def test_halves_are_met_on_purpose(quotient: int, denominator: int) -> None:
    half = (2 * quotient + 1) * denominator  # of twice the denominator: exactly in the middle
    assert divide_half_even(half, 2 * denominator) == quotient + (quotient & 1)
    assert divide_half_even(half + 1, 2 * denominator) == quotient + 1
    assert divide_half_even(half - 1, 2 * denominator) == quotient


@given(st.one_of(PRICES, PRICES.map(lambda price: -price), FINITE.filter(lambda x: abs(x) < 1e60)))
def test_a_price_is_the_fraction_of_its_repr(price: float) -> None:
    numerator, denominator = price_ratio(price)
    assert denominator > 0
    assert Fraction(numerator, denominator) == Fraction(repr(price))


@pytest.mark.parametrize(
    "price",
    [2.0**51 / UNITS, math.nextafter(2.0**51 / UNITS, 0), 22_517_998.13685247, 0.0, 1e22,
     123456.12345678, 999_999.99999999, 1e-8, 1.5e-8, 0.1 + 0.2],
)  # fmt: skip
def test_prices_at_the_limits_of_the_fast_way_are_exact(price: float) -> None:
    assert Fraction(*price_ratio(price)) == Fraction(repr(price))


@given(UNITS_HELD, PRICES, st.sampled_from([UNITS, 50 * UNITS, 100 * UNITS, UNITS // 1000]))
def test_an_amount_is_rounded_once(quantity: int, price: float, multiplier: int) -> None:
    exact = Fraction(quantity) * Fraction(repr(price)) * Fraction(multiplier, UNITS)
    assert amount_units(quantity, price, multiplier) == rounded(exact)


@given(UNITS_HELD, PRICES)
def test_buying_costs_what_selling_brings(quantity: int, price: float) -> None:
    assert amount_units(-quantity, price) == -amount_units(quantity, price)
