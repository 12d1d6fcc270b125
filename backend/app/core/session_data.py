"""A run under way as people and programs look at it from outside: bars, indicators, account."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from app.core.order_views import FillData, OrderData


class BarData(msgspec.Struct, frozen=True):
    """One bar of a symbol and interval; labelled by its start."""

    start_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class IndicatorData(msgspec.Struct, frozen=True):
    """An output of an indicator. Some need more than bars: a time of day, or past sessions."""

    value: float | None  # None: not ready
    bars: int  # there are
    needs: int  # at least


class PositionData(msgspec.Struct, frozen=True):
    """What is held of a symbol over all strategies, and what came of it; in its currency."""

    quantity: Decimal
    average_price: Decimal | None  # paid for what is held; None: nothing is
    price: float | None  # the last one known, which values it
    unrealised: Decimal
    realised: Decimal
    currency: str


class QualityData(msgspec.Struct, frozen=True):
    """Today's base bars so far, as `data quality` counts those at rest."""

    expected: int
    present: int
    thin: int  # missing, as nothing was traded
    holes: tuple[tuple[int, int], ...]  # stretches that are missing, from a start to an end
    bad: int  # came, and could not be used
    filled: int  # of those present, came when their minute had been let through already
    coverage: float
    score: float


class SymbolData(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol. Bars by interval, the newest last; indicators by name, "SMA(10) on 1m"."""

    symbol: str
    age_seconds: float | None  # of the last base bar's end, by the session clock
    bars: Mapping[str, tuple[BarData, ...]]
    forming: Mapping[str, BarData]  # of what is known so far
    indicators: Mapping[str, IndicatorData]
    position: PositionData
    quality: QualityData | None  # None: no session has begun
    spread_bps: float | None  # of the quote at the last bar's open
    no_entries: str  # why nothing may open, or ""


class GivenOrder(OrderData, frozen=True, kw_only=True):
    """An order, and who gave it for what."""

    strategy: str
    tif: str
    trail: float | None = None
    trail_percent: float | None = None
    takes_out: bool = False  # only reduces what is held, or waits for its entry's fill
    reason: str = ""  # it ended with
    ended_ns: int | None = None


class SessionData(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it stands at one instant, or stood when it could be looked at last."""

    run_id: str
    config: str
    mode: str
    state: str
    trading_state: str | None  # None: the run has none
    speed: float | str | None  # None: its venue's
    market: str
    zone: str
    now: str  # of the session clock, in the market's zone
    now_ns: int
    through_ns: int  # up to there everything is known
    session: dt.date | None
    stale_seconds: float  # since it was so: a block takes long, or a hook hangs; 0: it is so
    lag_seconds: float | None  # of the stream behind its venue; None: it has none
    queues: Mapping[str, int]  # rows that wait before each worker, items in a live run's inbox
    currency: str
    cash: Decimal
    equity: Decimal
    base_interval: str
    symbols_known: int
    symbols: tuple[SymbolData, ...]  # those that were asked for
    orders: tuple[GivenOrder, ...]  # that work; the newest, for the symbols asked for
    orders_working: int
    ended: tuple[GivenOrder, ...]  # the latest, refused ones too; the newest last
    fills: tuple[FillData, ...]  # the latest, the newest last
    fills_made: int
