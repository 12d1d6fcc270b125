"""Whole runs that size their entries: the same however they are cut, and checked by hand."""

import datetime as dt
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.test_run_states import check_every_state
from tests.integration.test_stream_account import KINDS, busy_spec, placed
from tests.market import (
    SCALE,
    Outcome,
    config_of,
    differences,
    execute,
    market_of,
    minute_starts,
    weekday_sessions,
)
from tests.random_market import Spec, specs
from tests.stream_strategies import Reader

from app.core.bars import BarColumns
from app.core.config import SessionConfig
from app.core.config_sizing import SizingConfig
from app.core.instruments import Instrument
from app.core.money import UNITS
from app.managers.system_manager.needs.market import Market
from app.strategies import Bar, Strategy

SIZINGS: list[dict[str, Any]] = [
    {"method": "percent_risk", "percent": Decimal("0.5")},
    {"method": "percent_equity", "percent": Decimal(20)},
    {"method": "equal_weight"},
    {"method": "volatility_target", "percent": Decimal("0.1"), "bars": 3, "interval": "15m"},
    {"method": "volatility_target", "percent": Decimal(1), "bars": 2, "interval": "1d"},
]


class Sized(Reader):
    """A Reader that sizes what it enters with, of any symbol, from any hook; and notes it."""

    def _act(self, digest: int) -> None:
        symbol = self.symbols[digest // 64 % len(self.symbols)]
        side, cents = ("buy", -1) if digest % 2 else ("sell", 1)
        bars = self.bars(symbol)
        price = float(bars.close[-1]) if len(bars.close) else 100.0
        size = self.entry_size(symbol, side, stop=price + cents * (1 + digest % 50) / 100)
        self._note(size, size.reason)
        if digest % 3 == 0:
            self.order_target(symbol, size)
        super()._act(digest)


def sized_config(
    spec: Spec, kind: str, sizing: dict[str, Any], block_rows: int
) -> tuple[SessionConfig, Market]:
    """A run of Sized strategies."""
    config, market = placed(spec, kind, block_rows)
    strategies = tuple(
        item.model_copy(update={"use": f"{__name__}:Sized"}) for item in config.strategies
    )
    update = {"strategies": strategies, "sizing": SizingConfig(**sizing), "history": {}}
    return config.model_copy(update=update), market


@given(specs(), st.sampled_from(sorted(KINDS)), st.sampled_from(SIZINGS))
@settings(max_examples=3 * SCALE)
def test_sizes_are_the_same_for_every_block_size(
    spec: Spec, kind: str, sizing: dict[str, Any]
) -> None:
    if SizingConfig(**sizing).interval_faults(spec.base):
        sizing = SIZINGS[-1]
    alone = msgspec.structs.replace(spec, strategies=("Reader",))
    sizes = alone.block_sizes()
    outcomes = [execute(*sized_config(alone, kind, sizing, rows)) for rows in sizes]
    for outcome in outcomes[:-1]:
        assert not differences(outcomes[-1], outcome)


class Once(Strategy):
    """Enters on its first bar, with a stop 0.4 below the close."""

    def on_bar(self, bar: Bar) -> None:
        if not (self.orders() or self.position(bar.symbol)):
            stop = bar.close - 0.4
            self.bracket(bar.symbol, self.entry_size(bar.symbol, stop=stop), stop=stop)


def once(sizing: dict[str, Any], instrument: Instrument, **parts: Any) -> Outcome:
    """One bar at 10 to 10.5, one at 10.5, and then one that falls to 10."""
    days = weekday_sessions(dt.date(2024, 6, 3), 1, 3)
    open_, close = np.array([10, 10.5, 10.5]), np.array([10.5, 10.5, 10])
    bars = BarColumns(minute_starts(days), open_, open_, close, close, np.full(3, 1e9))
    bars = msgspec.structs.replace(
        bars, high=np.maximum(open_, close), low=np.minimum(open_, close)
    )
    market = market_of(days, {("AAA", "1m"): bars}, ["AAA"])
    rates = {days[0].date: {"EUR": 1.25}}
    market = msgspec.structs.replace(market, instruments=[instrument], rates=rates)
    account = {"rates": {"EUR": "EUR/USD"}}
    config = config_of(["AAA"], [f"{__name__}:Once"], sizing=sizing, account=account, **parts)
    return execute(config, market)


@pytest.mark.parametrize(
    ("instrument", "sizing", "units"),
    [
        # 1,000 is lost at 0.4 below: 2,500 shares
        (Instrument("XNYS", "AAA"), {"method": "percent_risk", "percent": 1}, 2500),
        # of a contract of 5 in EUR, 2.5 USD each: 400, in lots of 30
        (
            Instrument("XNYS", "AAA", lot=Decimal(30), multiplier=Decimal(5), currency="EUR"),
            {"method": "percent_risk", "percent": 1},
            390,
        ),
        # 20,000 at 10.5 x 5 x 1.25 = 65.625 USD each: 304
        (
            Instrument("XNYS", "AAA", lot=Decimal(10), multiplier=Decimal(5), currency="EUR"),
            {"method": "percent_equity", "percent": 20},
            300,
        ),
        (
            Instrument("XNYS", "AAA", lot=Decimal("0.001")),
            {"method": "equal_weight", "count": 7},
            Decimal("1360.544"),
        ),
    ],
)
def test_what_is_entered_and_lost_at_the_stop_is_as_by_hand(
    instrument: Instrument, sizing: dict[str, Any], units: Any
) -> None:
    outcome = once(sizing, instrument, risk={"max_leverage": 2})
    entry, exit_ = outcome.fills
    assert (entry[3], exit_[3]) == (units * UNITS, -units * UNITS)
    assert (entry[4], exit_[4]) == (10.5, 10.1)
    rate = Decimal("1.25") if instrument.currency == "EUR" else Decimal(1)
    lost = Decimal(units) * Decimal("0.4") * instrument.multiplier * rate
    assert outcome.final_equity == 100_000 - lost
    if sizing["method"] == "percent_risk":
        assert lost <= 1000


def test_a_size_may_be_cut_by_a_limit() -> None:
    sizing = {"method": "percent_risk", "percent": 1}
    risk = {"max_order_quantity": 700, "oversize": "cut"}
    outcome = once(sizing, Instrument("XNYS", "AAA"), risk=risk)
    assert [fill[3] for fill in outcome.fills] == [700 * UNITS, -700 * UNITS]


def test_a_run_goes_on_from_each_of_its_states_with_the_sizes_it_would_have_had() -> None:
    config, market = sized_config(busy_spec(), "tight", SIZINGS[-1], 390)
    assert check_every_state(config, market) == 2


def test_a_sizing_comes_back_from_a_record_as_it_was() -> None:
    for sizing in SIZINGS:
        config = config_of("A", [f"{__name__}:Once"], sizing=sizing)
        again = SessionConfig.model_validate(config.model_dump(mode="json"))
        assert again == config
        assert again.sizing == SizingConfig(**sizing)
