"""A session's data by hand, and how pages of it look on a terminal of some size."""

import datetime as dt
import io
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rich.console import Console

from app.cli.watch.following import Page
from app.core.intervals import MINUTE_NS
from app.core.order_views import FillData
from app.core.session_data import (
    BarData,
    GivenOrder,
    IndicatorData,
    PositionData,
    QualityData,
    SessionData,
    SymbolData,
)

OPEN_NS = 1_730_467_800_000_000_000  # 2024-11-01 09:30 in New York


def bar(minute: int, close: float, opened: float | None = None) -> BarData:
    """A bar that starts so many minutes after the open."""
    first = close - 0.1 if opened is None else opened
    low, high = min(first, close) - 0.05, max(first, close) + 0.05
    return BarData(OPEN_NS + minute * MINUTE_NS, first, high, low, close, 1_000.0 + minute)


def position(quantity: int = 0, realised: str = "0") -> PositionData:
    """What is held, at 100 a share and 101.25 now."""
    return PositionData(
        quantity=Decimal(quantity),
        average_price=Decimal(100) if quantity else None,
        price=101.25,
        unrealised=Decimal("1.25") * quantity,
        realised=Decimal(realised),
        currency="USD",
    )


def symbol(name: str = "AAA", **parts: Any) -> SymbolData:
    """A symbol one minute after its last bar."""
    bars = {
        "1m": tuple(bar(minute, 101.0 + minute / 100) for minute in range(16, 26)),
        "5m": (bar(15, 101.1), bar(20, 101.2)),
    }
    indicators = {
        "SMA(10) on 1m": IndicatorData(101.123456, 26, 10),
        "SMA(30) on 1m": IndicatorData(None, 26, 30),
        "BBANDS(20, 2.0, 2.0, 0).upperband on 5m": IndicatorData(102.5, 87, 20),
        "OPENING_RANGE(30).high on 1m": IndicatorData(None, 26, 1),
    }
    base: dict[str, Any] = {
        "age_seconds": 60.0,
        "bars": bars,
        "forming": {"5m": bar(25, 101.25), "1h": bar(0, 101.25, 100.0)},
        "indicators": indicators,
        "position": position(100, "-22.5"),
        "quality": QualityData(27, 26, 1, (), 0, 2, 26 / 27, 1.0),
        "spread_bps": None,
        "no_entries": "",
    }
    return SymbolData(symbol=name, **{**base, **parts})


def order(number: int, **parts: Any) -> GivenOrder:
    """A stop below what is held, unless said otherwise."""
    base: dict[str, Any] = {
        "symbol": "AAA", "kind": "stop", "side": "sell", "quantity": Decimal(100),
        "filled": Decimal(0), "state": "ACCEPTED", "limit": None, "stop": 100.0,
        "created_ns": OPEN_NS, "strategy": "Cross", "tif": "day", "takes_out": True,
    }  # fmt: skip
    return GivenOrder(order_id=number, **{**base, **parts})


def session(*symbols: SymbolData, **parts: Any) -> SessionData:
    """A session of these symbols, 27 minutes after its open."""
    now_ns = OPEN_NS + 27 * MINUTE_NS
    refused = order(
        4, kind="market", stop=None, side="buy", state="REJECTED",
        ended_ns=OPEN_NS + 20 * MINUTE_NS, reason="max_position_quantity: 200 is more than 150",
        takes_out=False,
    )  # fmt: skip
    base: dict[str, Any] = {
        "run_id": "20241101-093000-proof", "config": "proof", "mode": "replay",
        "state": "RUNNING", "trading_state": None, "speed": 60.0, "market": "XNYS",
        "zone": "America/New_York", "now": "2024-11-01T09:57:00-04:00", "now_ns": now_ns,
        "through_ns": now_ns, "session": dt.date(2024, 11, 1), "stale_seconds": 0.0,
        "lag_seconds": None, "queues": {"data processor": 0, "analysis_engine": 3},
        "currency": "USD", "cash": Decimal("90000"), "equity": Decimal("100102.5"),
        "base_interval": "1m", "symbols_known": len(symbols),
        "orders": (order(7), order(8, kind="limit", limit=103.0, stop=None)),
        "orders_working": 2, "ended": (refused,), "fills_made": 1,
        "fills": (FillData(1, 3, "AAA", Decimal(100), 100.0, Decimal(0), OPEN_NS + MINUTE_NS),),
    }  # fmt: skip
    return SessionData(symbols=symbols, **{**base, **parts})


def drawn(page: Page[Any], seen: Any, width: int, height: int = 200, **parts: Any) -> list[str]:
    """The lines of a page on a terminal of that size."""
    console = console_of(width, **parts)
    console.print(page.screen(seen, width, height))
    file = console.file
    assert isinstance(file, io.StringIO)
    return [line.rstrip() for line in file.getvalue().splitlines()]


class _Encoded(io.StringIO):
    """Text for a terminal of some encoding."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding


def console_of(width: int, encoding: str = "utf-8") -> Console:
    """A console that keeps what is printed."""
    environment: Mapping[str, str] = {}
    return Console(width=width, height=200, file=_Encoded(encoding), _environ=environment)
