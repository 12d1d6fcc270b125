"""Bars of three symbols on days that the bundled sample does not have."""

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from app.core.intervals import MINUTE_NS, SECOND_NS
from app.managers.time_manager import TimeManager
from tests.processes import run

ODD_SYMBOLS: Final = ("ODD1", "ODD2", "ODD3")


def import_days(folder: Path, dates: Sequence[str], market: str = "XNYS") -> None:
    """Into the data folder that a house in this folder will have."""
    data = folder / "data"
    times = TimeManager(data, market)
    for symbol in ODD_SYMBOLS:
        lots, cents = Random(symbol), 5_000
        lines = ["timestamp,open,high,low,close,volume"]
        for date in dates:
            before = dt.date.fromisoformat(date) - dt.timedelta(days=1)
            session = times.next_session(before, market)
            assert str(session.date) == date
            for start_ns in range(session.open_ns, session.close_ns, MINUTE_NS):
                first, cents = cents, cents + lots.randrange(-6, 7)
                low, high = min(first, cents) - 2, max(first, cents) + 2
                prices = ",".join(f"{price / 100:.2f}" for price in (first, high, low, cents))
                lines.append(f"{start_ns // SECOND_NS},{prices},{lots.randrange(500, 4_000)}")
        path = folder / f"{symbol}.csv"
        path.write_text("\n".join(lines), encoding="utf-8")
        words = ["data", "import-csv", str(path), "--symbol", symbol, "--market", market]
        done = run(words, folder, {**os.environ, "MISMARTERA_DATA_FOLDER": str(data)})
        assert done.returncode == 0, done.stdout + done.stderr
