"""How much a strategy enters with, as its config's sizing says: facts of the moment, put to it."""

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from app.core.config_sizing import SizingConfig
from app.core.errors import UsageError, did_you_mean
from app.core.intervals import DAILY
from app.core.money import UNITS, from_units, to_units
from app.services import sizing as ways
from app.services.indicators import resolve
from app.strategies.indicator import Cursor, Indicator, outputs_of
from app.strategies.size import Size

if TYPE_CHECKING:
    from app.threads.analysis_engine import AnalysisEngine

SIDES: Final = ("buy", "sell")
_NONE: Final = Decimal(0)


class Sizer:
    """Sizes entries of one strategy; `ranges` are the average true ranges it reads, by symbol."""

    def __init__(self, sizing: SizingConfig, symbols: tuple[str, ...], cursor: Cursor) -> None:
        self._method = sizing.method
        self._quantity_units = to_units(sizing.quantity or 0)
        self._percent = sizing.percent or _NONE
        self._count = sizing.count or len(symbols)
        self._symbols = symbols
        self.ranges: list[Indicator] = []
        if sizing.method == "volatility_target":
            usual = resolve("ATR", {"timeperiod": sizing.range_bars}, None)
            if sizing.range_interval == DAILY:  # asked for before today's bar is known
                usual = replace(usual, history_sessions=usual.lookback + 1)
            for place in range(len(symbols)):
                self.ranges += outputs_of(usual, sizing.range_interval, place, cursor)

    def size(
        self,
        engine: "AnalysisEngine",
        place: int,
        side: str,
        price_units: int | None,
        stop_units: int | None,
    ) -> Size:
        """What to enter a symbol with now; 0, and why, where nothing fits."""
        if side not in SIDES:
            hint = did_you_mean(str(side), SIDES)
            raise UsageError(f"side={side!r} is no side; use {' or '.join(SIDES)}.{hint}")
        if self._method == "percent_risk" and stop_units is None:
            raise UsageError(
                "entry_size() needs a stop where the config sizes by 'percent_risk': give stop=, "
                "the price at which the position is left when it goes wrong."
            )
        buys = side == SIDES[0]
        price = engine.outlook.mark(place) if price_units is None else price_units / UNITS
        stop = None if stop_units is None else stop_units / UNITS
        reason = _stop_fault(price, stop, buys) or self._fault(engine, place, price)
        units = 0 if reason else self._units(engine, place, price, stop)
        if units:
            return Size(from_units(units if buys else -units))
        return Size(_NONE, reason or self._none_fits(engine, place))

    def _fault(self, engine: "AnalysisEngine", place: int, price: float) -> str:
        """Why there can be no size now, or ""."""
        if self._method == "fixed":
            return ""
        if not price:
            return f"{self._symbols[place]} has no price yet"
        account = engine.execution.account
        currency = account.currencies[place]
        if not account.rate(currency):
            return f"{currency} has no rate yet"
        if self.ranges:
            usual = self.ranges[place]
            name = f"{usual} of {self._symbols[place]}"
            if not usual.ready:
                return f"{name} is not ready"
            if usual.value <= 0:
                return f"{name} is 0"
        return ""

    def _none_fits(self, engine: "AnalysisEngine", place: int) -> str:
        """Why a size came to nothing."""
        equity_units = engine.outlook.equity_units()
        if self._method != "fixed" and equity_units <= 0:
            return f"equity is {from_units(equity_units):f}"
        lot = from_units(engine.execution.lot_units[place])
        return f"less than a lot of {lot:f} {self._symbols[place]} fits"

    def _units(self, engine: "AnalysisEngine", place: int, price: float, stop: float | None) -> int:
        """The size without its sign."""
        execution, account = engine.execution, engine.execution.account
        lots = ways.Lots(
            execution.lot_units[place],
            execution.multiplier_units_of(place),
            account.rate(account.currencies[place]),
        )
        if self._method == "fixed":
            return ways.fixed(self._quantity_units, lots)
        equity_units, percent = engine.outlook.equity_units(), self._percent
        if self._method == "percent_equity":
            return ways.percent_equity(equity_units, percent, price, lots)
        if self._method == "equal_weight":
            return ways.equal_weight(equity_units, self._count, price, lots)
        if stop is not None and self._method == "percent_risk":
            return ways.percent_risk(equity_units, percent, price, stop, lots)
        return ways.volatility_target(equity_units, percent, self.ranges[place].value, lots)


def _stop_fault(price: float, stop: float | None, buys: bool) -> str:
    """Why a stop is none of a position entered at a price, or ""."""
    if stop is None or not price or (stop < price if buys else stop > price):
        return ""
    return f"the stop {stop} is not {'below' if buys else 'above'} the price {price}"
