"""Replays Skeleton on the sample, and looks at what came of it.

It runs in a data folder of its own. Change what it says as you change the rule.
"""

from pathlib import Path
from typing import Any

from app.core.settings import Settings
from app.managers.system_manager.record.summary import Summary
from app.managers.system_manager.system_manager import SystemManager

FOLDER = Path(__file__).resolve().parents[1]
USE = "skeleton.py"
WEEK = {"start": "2024-11-04", "end": "2024-11-08"}


def replay(data: Path, **params: Any) -> tuple[Summary, SystemManager]:
    """One week of two symbols, by the rule with these parameters."""
    words = {
        "name": "skeleton",
        "symbols": ["SYN1", "SYN2"],
        "replay": WEEK,
        "strategies": [{"use": USE, "params": params}],
    }
    settings = Settings(
        data_folder=data, strategies_folder=FOLDER, database_url=None, account_limits=None
    )
    system = SystemManager(settings)
    return system.run(words), system


def test_it_trades_and_goes_home_flat(tmp_path: Path) -> None:
    summary, system = replay(tmp_path)
    assert summary.state == "finished"
    assert summary.trades > 0
    last = system.session_data()
    assert last is not None
    assert {one.symbol: one.position.quantity for one in last.symbols} == {"SYN1": 0, "SYN2": 0}


def test_it_decides_the_same_twice_and_another_period_decides_otherwise(tmp_path: Path) -> None:
    first, second, other = (replay(tmp_path, period=period)[0] for period in (20, 20, 60))
    assert first.fingerprint == second.fingerprint
    assert first.fingerprint != other.fingerprint
    assert other.orders < first.orders
