"""What a config says of costs, through whole runs: from its keys to the fees and prices of fills.

Each script runs over bars of a minute that open at 10, 11, 12, ..., each from 0.25 below its open
to 0.75 above, with a volume of 1,000.
"""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.market import Outcome
from tests.unit.config_cases import spoiled
from tests.unit.scripted import run_script

from app.core.config import SessionConfig, load_session_config
from app.core.config_json import InvalidConfigError
from app.core.instruments import Adjustment
from app.core.money import to_units


def trade(quantity: int, terms: dict[str, Any] | None = None, **parts: Any) -> Outcome:
    """A run of one order, given when the first bar is known."""
    steps = {"09:31 AAA": lambda s: s.order("AAA", quantity, **(terms or {}))}
    return run_script(steps, symbols=["AAA"], **parts)[1]


def loaded(folder: Path, execution: object) -> SessionConfig:
    path = folder / "config.json"
    path.write_text(json.dumps(spoiled(("execution",), execution)))
    return load_session_config(path)


# -- fees ------------------------------------------------------------------------------------------


def fees(quantity: int, fees: object, terms: dict[str, Any] | None = None) -> list[Decimal]:
    """What each fill of an order was charged; the bars let it take 100 at 11, 12, 13, 14."""
    outcome = trade(quantity, terms, participation=0.1, execution={"fees": fees})
    return [Decimal(fill[5]) / 10**8 for fill in outcome.fills]


def given(*amounts: str) -> list[Decimal]:
    return [Decimal(amount) for amount in amounts]


@pytest.mark.parametrize(
    ("parts", "charged"),
    [
        # 300 shares in three fills, worth 1,100, 1,200 and 1,300
        ({}, ["0", "0", "0"]),
        ({"per_share": "0.02"}, ["2", "2", "2"]),
        ({"per_share": 0.02, "minimum": 5}, ["5", "0", "1"]),
        ({"per_share": 0.02, "minimum": 50}, ["50", "0", "0"]),
        ({"per_share": 0.02, "maximum": 3}, ["2", "1", "0"]),
        ({"per_share": 0.02, "maximum": 0}, ["0", "0", "0"]),
        ({"per_share": 0.02, "maximum_share": 0.001}, ["1.1", "1.2", "1.3"]),
        ({"rate": 0.001}, ["1.1", "1.2", "1.3"]),
        ({"rate": 0.001, "maker_rate": 0.01}, ["1.1", "1.2", "1.3"]),  # it was taker throughout
        ({"clearing_per_share": 0.01, "maximum": 0}, ["1", "1", "1"]),
        ({"clearing_per_share": 0.01, "clearing_maximum_share": 0.0005}, ["0.55", "0.6", "0.65"]),
        ({"sale_rate": 1, "sale_per_share": 1}, ["0", "0", "0"]),
    ],
)
def test_each_part_of_a_config_s_fees_is_charged(parts: dict[str, Any], charged: list[str]) -> None:
    assert fees(300, parts) == given(*charged)


def test_what_sales_pay_is_paid_by_sales_alone() -> None:
    parts = {"sale_rate": "0.001", "sale_per_share": 0.01, "sale_maximum": 1.5}
    assert fees(-300, parts) == given("2.1", "1.7", "1.3")
    assert fees(300, parts) == given("0", "0", "0")


def test_a_rate_alone_is_the_maker_s_too() -> None:
    resting = {"limit": 10.9}  # the next bar comes down to it: 100 shares, worth 1,090
    assert fees(100, {"rate": 0.001}, resting) == given("1.09")
    assert fees(100, {"rate": 0.001, "maker_rate": 0}, resting) == given("0")
    assert fees(100, {"like": "binance_spot", "rate": 0.0005}, resting) == given("0.545")
    assert fees(100, {"like": "binance_spot"}, resting) == given("1.09")


def test_fees_like_a_ready_made_schedule_differ_in_the_parts_given() -> None:
    assert fees(-300, {"like": "ib_fixed"}) == fees(-300, "ib_fixed")
    cheaper = fees(-300, {"like": "ib_fixed", "per_share": 0.001, "minimum": 0})
    # a tenth of a cent a share, and what sales pay in June 2024: 27.80 a million, 0.000166 a share
    assert cheaper == given("0.14718", "0.14996", "0.15274")


def test_no_part_needs_more_than_its_decimals() -> None:
    assert fees(100, {"per_share": "0.000000000001", "minimum": "0.00000001"}) == given("1e-8")


def test_a_fault_in_a_part_of_the_fees_is_told_alone(tmp_path: Path) -> None:
    parts = {"per_shar": 1, "minimum": -1, "maximum_share": "all", "like": "ib"}
    with pytest.raises(InvalidConfigError) as caught:
        loaded(tmp_path, {"fees": parts})
    assert dict(caught.value.problems) == {
        "execution.fees.per_shar": "unknown key, allowed are like, per_share, minimum, maximum, "
        "maximum_share, rate, maker_rate, clearing_per_share, clearing_maximum_share, sale_rate, "
        "sale_per_share, sale_maximum. Did you mean 'per_share'?",
        "execution.fees.minimum": "found -1, allowed is a number of at least 0.",
        "execution.fees.maximum_share": 'found "all", allowed is a number.',
        "execution.fees.like": "found \"ib\", allowed is 'zero', 'ib_fixed', 'ib_tiered' or "
        "'binance_spot'.",
    }


def test_fees_in_parts_are_read_as_they_are_written_and_survive_a_round_trip(
    tmp_path: Path,
) -> None:
    config = loaded(tmp_path, {"fees": {"per_share": "0.10", "rate": 0.1, "maximum": 5}})
    assert config.execution.fees.parts == {  # type: ignore[union-attr]
        "per_share": Decimal("0.10"),
        "maximum": 5,
        "rate": Decimal("0.1"),
        "maker_rate": Decimal("0.1"),
    }
    assert loaded(tmp_path, config.execution.model_dump(mode="json")) == config


def test_the_money_of_a_run_holds_its_fees() -> None:
    free, charged = (trade(100, execution={"fees": {"minimum": m}}) for m in (0, "7.25"))
    assert free.final_equity - charged.final_equity == Decimal("7.25")
    assert [fill[5] for fill in charged.fills] == [to_units("7.25")]


# -- slippage by volatility ------------------------------------------------------------------------


def prices(steps: dict[str, Any], amount: float = 0.1, **parts: Any) -> list[float]:
    """The prices of a run's fills; each bar is 1.00 from its low to its high."""
    slippage = {"kind": "volatility", "amount": amount, **parts.pop("slippage", {})}
    outcome = run_script(steps, symbols=["AAA"], execution={"slippage": slippage}, **parts)[1]
    return [fill[4] for fill in outcome.fills]


def test_market_and_stop_fills_are_moved_by_a_share_of_the_range_and_limits_are_not() -> None:
    def act(s: Any) -> None:
        s.order("AAA", 1)
        s.order("AAA", 1, limit=10.9)
        s.order("AAA", -1, stop=10.9)

    assert prices({"09:31 AAA": act}) == [11.1, 10.8, 10.9]
    assert prices({"09:31 AAA": act}, 0.25) == [11.25, 10.65, 10.9]


def test_the_first_bar_of_a_run_has_no_volatility_before_it_but_an_impact() -> None:
    steps = {"09:30 open": lambda s: s.order("AAA", 250)}  # a quarter of the bar's volume
    assert prices(steps) == [10.0]
    assert prices(steps, slippage={"impact_bps": 100}) == [10.05]


def test_the_bar_that_fills_is_no_part_of_its_own_volatility() -> None:
    wide = [1.0, 1.0, 5.0, 1.0, 1.0, 1.0]
    steps = {f"09:3{minute} AAA": lambda s: s.order("AAA", 1) for minute in range(1, 6)}
    moves = [round(price - 10 - n, 2) for n, price in enumerate(prices(steps, 0.3, ranges=wide), 1)]
    assert moves == [0.3, 0.3, 0.7, 0.6, 0.54]
    two = prices(steps, 0.3, ranges=wide, slippage={"bars": 2})
    assert [round(price - 10 - n, 2) for n, price in enumerate(two, 1)] == [0.3, 0.3, 0.9, 0.9, 0.3]


@pytest.mark.parametrize("block_rows", [1, 5, 6, 7, 8192])
def test_after_a_split_the_bars_before_it_count_in_the_new_shares(block_rows: int) -> None:
    steps = {"09:30 open": lambda s: s.order("AAA", 1)}
    split = Adjustment("AAA", dt.date(2024, 6, 4), Decimal(2), Decimal(0), 0.5, 2.0)
    dates = {"sessions": 2, "block_rows": block_rows}
    assert prices(steps, **dates) == [10.0, 16.1]
    assert prices(steps, **dates, adjustments=[split]) == [10.0, 16.05]
