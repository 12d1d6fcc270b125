"""The account and the execution of a session config: money, and how orders fill."""

import json
import re
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from app.core.config_fees import Fees
from app.core.config_json import Fault
from app.core.config_problems import raise_if_any
from app.core.errors import did_you_mean

_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9./:_-]*")
_LONGEST = 32  # letters of a symbol
_CURRENCY = re.compile(r"[A-Z]{3,5}")


def meant_symbol(word: str) -> str:
    """A trailing " Did you mean 'SYN1'?" where the word's capitals make a symbol, else ""."""
    symbol = word.strip().upper()
    is_one = len(symbol) <= _LONGEST and _SYMBOL.fullmatch(symbol)
    return did_you_mean(word, [symbol]) if is_one else ""


def _checked_symbol(symbol: str) -> str:
    if _SYMBOL.fullmatch(symbol) is None:
        raise ValueError(
            f"found {json.dumps(symbol)}, allowed are capital letters, digits and . / : _ - "
            f"after the first, as in AAPL or BTC/USDT.{meant_symbol(symbol)}"
        )
    return symbol


def _checked_currency(currency: str) -> str:
    if _CURRENCY.fullmatch(currency) is None:
        raise ValueError(f"found {json.dumps(currency)}, allowed is a code like USD.")
    return currency


Symbol = Annotated[
    str,
    Field(min_length=1, max_length=_LONGEST, json_schema_extra={"pattern": f"^{_SYMBOL.pattern}$"}),
    AfterValidator(_checked_symbol),
]
Currency = Annotated[str, AfterValidator(_checked_currency)]
YearlyRate = Annotated[Decimal, Field(ge=0, le=1)]  # 0.06 is 6 % a year
Quantity = Annotated[Decimal, Field(gt=0, le=10**15)]


class Part(BaseModel):
    """One object of a config: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AccountConfig(Part):
    """What the run starts with, what it may borrow, and what that costs."""

    currency: Currency = "USD"
    cash: Quantity = Decimal(100_000)
    books: dict[Currency, Quantity] = Field(default_factory=dict)  # cash of further currencies
    rates: dict[Currency, Symbol] = Field(default_factory=dict)  # the symbol a rate is read from
    rates_market: Annotated[str, Field(min_length=1, max_length=32)] | None = None  # the run's own
    kind: Literal["margin", "cash"] = "margin"
    leverage: Annotated[Decimal, Field(ge=1, le=100)] | None = None  # 2 on margin, else 1
    margin_rate: YearlyRate = Decimal(0)  # on borrowed cash
    borrow_rate: YearlyRate = Decimal(0)  # on the value of borrowed shares

    @field_validator("books", "rates")
    @classmethod
    def _check_foreign(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        own = info.data.get("currency")
        if own in given:
            raise ValueError(f"{own} is the account's own currency; name others alone.")
        return given

    @property
    def means(self) -> Decimal:
        """How many times its equity the account may hold."""
        usual = Decimal(2) if self.kind == "margin" else Decimal(1)
        return usual if self.leverage is None else self.leverage

    @model_validator(mode="after")
    def _check_cash_account(self) -> Self:
        borrowing = {
            "leverage": self.leverage not in (None, 1),
            "margin_rate": self.margin_rate > 0,
            "borrow_rate": self.borrow_rate > 0,
        }
        names = ", ".join(name for name, given in borrowing.items() if given)
        if self.kind == "cash" and names:
            raise ValueError(f"a cash account borrows nothing; leave out {names}, or use 'margin'.")
        return self


class SlippageConfig(Part):
    """How far market and stop fills are moved against the order."""

    kind: Literal["none", "fixed", "bps", "spread", "volatility"] = "none"
    amount: Annotated[float, Field(ge=0, le=10_000)] = 0.0  # price units, basis points, or shares
    impact_bps: Annotated[float, Field(ge=0, le=10_000)] = 0.0  # of a fill of a whole bar's volume
    bars: Annotated[int, Field(ge=1, le=5_000)] = 20  # whose mean range is the volatility

    @property
    def by_quotes(self) -> bool:
        """Whether the run needs quotes beside its bars."""
        return self.kind == "spread"

    @model_validator(mode="after")
    def _check_use(self) -> Self:
        """A number that would change nothing was meant for another kind."""
        faults: list[Fault] = []
        if self.kind == "none" and self.amount:
            kinds = "'fixed', 'bps', 'spread' or 'volatility'"
            faults.append((("amount",), f"without a kind it moves nothing; give {kinds}."))
        if self.kind != "volatility" and self.bars != 20:
            faults.append((("bars",), "only the kind 'volatility' looks back on bars."))
        raise_if_any(faults)
        return self


class ExecutionConfig(Part):
    """How the simulated broker fills, and what it charges."""

    market_fill: Literal["next_open", "this_close"] = "next_open"
    same_bar: Literal["worst", "best", "ohlc_path"] = "worst"  # what a bar leaves open
    limit_fill: Literal["touch", "through"] = "touch"
    participation: Annotated[float, Field(gt=0, le=1)] | None = 0.1  # None: no limit
    slippage: SlippageConfig = SlippageConfig()
    latency_ms: Annotated[int, Field(ge=0, le=3_600_000)] = 0
    fees: Fees = "zero"

    @field_validator("latency_ms")
    @classmethod
    def _check_latency(cls, latency_ms: int, info: ValidationInfo) -> int:
        if latency_ms and info.data.get("market_fill") == "this_close":
            raise ValueError("a fill at this close leaves no time for latency; leave one out.")
        return latency_ms
