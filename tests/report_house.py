"""A run with something of everything that a report shows, and its report."""

import shutil
from pathlib import Path
from typing import Any

from app.core.settings import Settings
from app.report.report import write_report
from app.results import Run
from app.results.opening import open_from
from app.results.sources import Sources
from tests.system_house import SystemHouse

# Brackets, so that stops and limits work; amended stops; an order that is refused.
BRACKETS = '''
"""Buys on the half hour with a target and a stop, and follows the price with the stop."""

from app.strategies import Strategy


class Brackets(Strategy):
    def setup(self):
        self.mean = self.indicator("SMA", 20)
        self.swing = self.indicator("RSI", 14)

    def on_bar(self, bar):
        minute = self.now.minute
        if minute == 0:
            for order in self.orders(bar.symbol):
                if order.stop is not None:
                    self.amend(order, stop=round(float(order.stop) + 0.01, 2))
        if minute == 30:
            self.close(bar.symbol)
            self.bracket(bar.symbol, 100, limit=bar.close,
                         target=round(bar.close + 0.6, 2), stop=round(bar.close - 0.6, 2))
'''

SCRIPT = "</script><script>document.title='taken'</script>"
IMAGE = "<img src=x onerror=alert(1)>"


def sources_of(folder: Path) -> Sources:
    """Where runs of a data folder are read from."""
    strategies = folder.parent / "strategies"
    return Sources(Settings(data_folder=folder, strategies_folder=strategies, database_url=None))


def report_of(folder: Path, path: Path, words: str = "last") -> tuple[Run, Path]:
    """A run of a data folder, and its report at this path."""
    sources = sources_of(folder)
    run = open_from(sources, words)
    at = sources.time.to_local(sources.time.now_ns(), run.market)
    return run, write_report(run, sources, at, path)


def house_in(stored_market: Path, folder: Path) -> SystemHouse:
    """A house of its own in a folder."""
    shutil.copytree(stored_market, folder / "data")
    house = SystemHouse(folder / "data")
    house.strategy("brackets.py", BRACKETS)
    return house


def rich_config(house: SystemHouse, **parts: Any) -> Any:
    """Two strategies on two symbols; names that would be markup, if anything took them for it."""
    return house.config(
        **{
            "name": SCRIPT,
            "strategies": [
                {"use": "trader.py", "name": IMAGE},
                {"use": "brackets.py", "name": "Brackets"},
            ],
            "execution": {"fees": "ib_fixed"},
            **parts,
        }
    )
