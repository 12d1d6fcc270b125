"""A data folder to measure in: synthetic bars in whole cents, in the store, on real sessions."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Literal

import numpy as np
from loguru import logger

from app.core.bars import BarColumns, Ints
from app.core.config import SessionConfig
from app.core.instruments import Instrument
from app.core.intervals import MINUTE_NS
from app.core.settings import Settings
from app.managers.system_manager.needs.market import Market, MarketTime
from app.managers.system_manager.system_manager import SystemManager
from app.managers.time_manager import TimeManager, WallClock
from app.repositories.bar_store_files import Series

MARKET, INTERVAL = "XNYS", "1m"
FIRST_DATE = dt.date(2004, 1, 2)
CASH = Decimal(10_000_000)
SMA_CROSS = "app.strategies.examples.sma_cross:SmaCross"


def open_system(folder: Path) -> SystemManager:
    """A quiet system over a folder, whatever settings the shell has."""
    logger.disable("app")
    return SystemManager(Settings(data_folder=folder, database_url=None))


def fill_store(folder: Path, symbols: Sequence[str], bars: int) -> SessionConfig:
    """Store so many bars a symbol and open them once; the config that replays them all."""
    system = open_system(folder)
    starts = session_minutes(system.time_manager, bars)
    store = system.data_manager.store
    for seed, symbol in enumerate(symbols):
        series = Series(MARKET, symbol, INTERVAL)
        store.merge(series, cent_bars(starts, seed), {}, synthetic=True)
        store.columns(MARKET, symbol, INTERVAL, int(starts[0]), int(starts[-1]))
    last = system.time_manager.to_local(int(starts[-1]), MARKET).date()
    return config_of(symbols, last)


def plain_market(system: SystemManager, config: SessionConfig) -> Market:
    """The stored bars of a config's symbols, without history and without corporate actions."""
    time, replay = system.time_manager, config.replayed
    return Market(
        sessions=time.sessions_between(replay.start, replay.end, MARKET),
        sessions_before=lambda count: (),
        instruments=[Instrument(MARKET, symbol) for symbol in config.symbols],
        adjustments=lambda sessions: (),
        source=system.data_manager.store,
        time=MarketTime(time, MARKET),
        clock=WallClock(),
    )


def config_of(
    symbols: Sequence[str],
    last: dt.date,
    strategy: str = SMA_CROSS,
    runner: Literal["pool", "inline"] = "pool",
    block_rows: int = 8192,
) -> SessionConfig:
    """A replay of everything up to `last`: defaults, with fills of any size."""
    return SessionConfig.model_validate(
        {
            "name": "benchmark",
            "market": MARKET,
            "symbols": tuple(symbols),
            "replay": {"start": FIRST_DATE, "end": last},
            "strategies": [{"use": strategy}],
            "account": {"cash": CASH},
            "execution": {"participation": None},
            "engine": {"runner": runner, "block_rows": block_rows},
        }
    )


def session_minutes(time: TimeManager, count: int) -> Ints:
    """The first minutes of regular trading from FIRST_DATE on."""
    days = dt.timedelta(days=count // 250 + 14)  # a calendar day has 269 such minutes on average
    sessions = time.sessions_between(FIRST_DATE, FIRST_DATE + days, MARKET)
    return np.concatenate([np.arange(s.open_ns, s.close_ns, MINUTE_NS) for s in sessions])[:count]


def cent_bars(starts: Ints, seed: int) -> BarColumns:
    """A random walk in whole cents: averages of it tie and cross in plenty."""
    rng = np.random.default_rng(seed)
    count = len(starts)
    close = np.maximum(10_000 + np.cumsum(rng.integers(-3, 4, count)), 100)
    open_ = np.concatenate(([10_000], close[:-1])) + rng.integers(-1, 2, count)
    high = np.maximum(open_, close) + rng.integers(0, 3, count)
    low = np.minimum(open_, close) - rng.integers(0, 3, count)
    volume = rng.integers(100, 5_000, count).astype(np.float64)
    return BarColumns(starts, open_ / 100, high / 100, low / 100, close / 100, volume)
