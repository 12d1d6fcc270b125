"""What a broker charges for an order: one exact function of all it has filled so far.

The posting of a fill is the whole fee less what the order was charged before. So a minimum is
paid once, with the first fill, and the postings always come to the fee of the whole order.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from math import lcm
from typing import Final, NamedTuple, TypeVar

import msgspec

from app.core.errors import ConfigError, UsageError, did_you_mean
from app.core.money import UNITS, divide_half_even

_Row = TypeVar("_Row")
_NOTHING: Final = Decimal(0)


class Filled(NamedTuple):
    """What an order has filled so far, unsigned; the value is with the multiplier."""

    shares_units: int
    value_units: int
    maker_value_units: int  # the part of the value that was filled as maker
    sells: bool


class _Terms(NamedTuple):
    """A schedule in whole numbers, all over one denominator; None caps nothing."""

    commission: tuple[int, int, int, int, int | None, int | None]
    clearing: tuple[int, int | None]
    sale: tuple[int, int, int | None]
    denominator: int


class FeeSchedule(msgspec.Struct, frozen=True, dict=True):
    """What is charged: amounts per share (or coin), rates and shares of the traded value.

    Commission first, between its minimum and its caps (a cap wins); then clearing; then what
    sales alone pay. Nothing is negative: that keeps a fee from falling as an order fills.
    """

    name: str
    per_share: Decimal = _NOTHING
    minimum: Decimal = _NOTHING  # once per order
    maximum: Decimal | None = None  # per order
    maximum_share: Decimal | None = None  # of the order's value
    rate: Decimal = _NOTHING  # of the value filled as taker
    maker_rate: Decimal = _NOTHING  # of the value filled as maker
    clearing_per_share: Decimal = _NOTHING
    clearing_maximum_share: Decimal | None = None  # of the order's value
    sale_rate: Decimal = _NOTHING  # of the value sold
    sale_per_share: Decimal = _NOTHING
    sale_maximum: Decimal | None = None  # caps what is paid per share sold

    def __post_init__(self) -> None:
        for field in self.__struct_fields__[1:]:
            amount: Decimal | None = getattr(self, field)
            if amount is not None and not (amount.is_finite() and amount >= 0):
                raise ConfigError(
                    f"The fee schedule '{self.name}' has {field} {amount}; give 0 or more."
                )

    @cached_property
    def terms(self) -> _Terms:
        """Worked out once: no Decimal is touched when an order fills."""
        parts = [getattr(self, field) for field in self.__struct_fields__[1:]]
        denominator = lcm(*(part.as_integer_ratio()[1] for part in parts if part is not None))
        amounts = denominator * UNITS  # rates meet units when they are used, amounts here
        return _Terms(
            (
                _whole(self.per_share, denominator),
                _whole(self.rate, denominator),
                _whole(self.maker_rate, denominator),
                _whole(self.minimum, amounts),
                _cap(self.maximum, amounts),
                _cap(self.maximum_share, denominator),
            ),
            (
                _whole(self.clearing_per_share, denominator),
                _cap(self.clearing_maximum_share, denominator),
            ),
            (
                _whole(self.sale_rate, denominator),
                _whole(self.sale_per_share, denominator),
                _cap(self.sale_maximum, amounts),
            ),
            denominator,
        )


def fee_units(schedule: FeeSchedule, filled: Filled) -> int:
    """The whole fee of an order so far, rounded once; it never falls as the order fills."""
    shares, value, maker_value, sells = filled
    if not shares:
        return 0
    (
        (per_share, rate, maker_rate, minimum, maximum, maximum_share),
        (clearing, clearing_share),
        (sale_rate, sale_per_share, sale_maximum),
        denominator,
    ) = schedule.terms
    fee = per_share * shares + rate * (value - maker_value) + maker_rate * maker_value
    if fee < minimum:
        fee = minimum
    if maximum is not None and fee > maximum:
        fee = maximum
    if maximum_share is not None and fee > maximum_share * value:
        fee = maximum_share * value
    if clearing:
        part = clearing * shares
        if clearing_share is not None and part > clearing_share * value:
            part = clearing_share * value
        fee += part
    if sells:
        part = sale_per_share * shares
        if sale_maximum is not None and part > sale_maximum:
            part = sale_maximum
        fee += sale_rate * value + part
    return divide_half_even(fee, denominator)


def schedule_at(name: str, date: dt.date) -> FeeSchedule:
    """The ready-made schedule `name` as it was on `date`."""
    schedule = _READY_MADE.get(name)
    if schedule is None:
        raise UsageError(
            f"There is no fee schedule '{name}'; there are {', '.join(_READY_MADE)}."
            f"{did_you_mean(name, _READY_MADE)}"
        )
    if name not in _WITH_US_SALE_FEES:
        return schedule
    per_share, maximum = _in_force(_TAF, date)
    return msgspec.structs.replace(
        schedule,
        sale_rate=_in_force(_SEC_PER_MILLION, date) / 1_000_000,
        sale_per_share=per_share,
        sale_maximum=maximum,
    )


def own_schedule(like: str, parts: Mapping[str, Decimal], date: dt.date) -> FeeSchedule:
    """The ready-made schedule `like` as it was on `date`, but for these parts."""
    return msgspec.structs.replace(schedule_at(like, date), name="own", **parts)


def _whole(part: Decimal, denominator: int) -> int:
    """`part` as a whole number over `denominator`, a multiple of its own."""
    numerator, own = part.as_integer_ratio()
    return numerator * (denominator // own)


def _cap(part: Decimal | None, denominator: int) -> int | None:
    return None if part is None else _whole(part, denominator)


def _in_force(rows: Sequence[tuple[dt.date, _Row]], date: dt.date) -> _Row:
    """The last row that begins on `date` or before; the earliest, when none does."""
    return next((row for begins, row in reversed(rows) if begins <= date), rows[0][1])


# Section 31 fee on the value of sales, by the day of the trade, in dollars per million.
_SEC_PER_MILLION: Final = (
    (dt.date(2020, 2, 18), Decimal("22.10")),
    (dt.date(2021, 2, 25), Decimal("5.10")),
    (dt.date(2022, 5, 14), Decimal("22.90")),
    (dt.date(2023, 2, 27), Decimal("8.00")),
    (dt.date(2024, 5, 22), Decimal("27.80")),
    (dt.date(2025, 5, 14), Decimal("0.00")),
    (dt.date(2026, 4, 4), Decimal("20.60")),
)
# FINRA's Trading Activity Fee on shares sold: dollars per share, and at most.
_TAF: Final = (
    (dt.date(2012, 7, 1), (Decimal("0.000119"), Decimal("5.95"))),
    (dt.date(2022, 1, 1), (Decimal("0.000130"), Decimal("6.49"))),
    (dt.date(2023, 1, 1), (Decimal("0.000145"), Decimal("7.27"))),
    (dt.date(2024, 1, 1), (Decimal("0.000166"), Decimal("8.30"))),
    (dt.date(2026, 1, 1), (Decimal("0.000195"), Decimal("9.79"))),
)
_WITH_US_SALE_FEES: Final = frozenset({"ib_fixed", "ib_tiered"})
_READY_MADE: Final = {
    schedule.name: schedule
    for schedule in (
        FeeSchedule("zero"),
        FeeSchedule(
            "ib_fixed",
            per_share=Decimal("0.005"),
            minimum=Decimal("1.00"),
            maximum_share=Decimal("0.01"),
        ),
        FeeSchedule(
            "ib_tiered",
            per_share=Decimal("0.0035"),
            minimum=Decimal("0.35"),
            maximum_share=Decimal("0.01"),
            clearing_per_share=Decimal("0.00020"),
            clearing_maximum_share=Decimal("0.005"),
        ),
        FeeSchedule("binance_spot", rate=Decimal("0.001"), maker_rate=Decimal("0.001")),
    )
}
