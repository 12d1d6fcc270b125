"""Slippage by the spread of quotes: from the columns of a file to the prices of fills."""

import datetime as dt
from typing import Any

import pytest
from tests.system_house import SystemHouse, stored_market, system_house

from app.core.errors import NotFoundError
from app.managers.data_manager import ImportOptions

__all__ = ["stored_market", "system_house"]  # fixtures

BUYER = """
from app.strategies import Strategy

class Buyer(Strategy):
    def on_bar(self, bar):
        self.order(bar.symbol, 1)
"""
QUOTES = [
    ("09.00", "11.00"),  # at an open at which nothing fills
    ("10.10", "10.30"),  # 0.2000000000000010658 in floats
    ("09.99", "10.01"),
    ("", "10.01"),
    ("10.01", "10.00"),
    ("09.95", "10.05"),
]


def import_bars(house: SystemHouse, symbol: str, quotes: list[tuple[str, str]]) -> None:
    """A file of bars that open at 10.00, from the first session's open on, with their quotes."""
    first = dt.datetime(2024, 6, 3, 13, 30, tzinfo=dt.UTC)
    lines = ["timestamp,open,high,low,close,volume,bid_open,ask_open"]
    for minute, (bid, ask) in enumerate(quotes):
        moment = first + dt.timedelta(minutes=minute)
        lines.append(f"{moment:%Y-%m-%dT%H:%M:%SZ},10,10.5,9.5,10,1000,{bid},{ask}")
    path = house.folder.parent / "bars.csv"
    path.write_text("\n".join(lines) + "\n")
    house.system.data_manager.import_csv(path, ImportOptions("XNYS", symbol))


def run(house: SystemHouse, kind: str = "spread", **parts: Any) -> str:
    """The id of a run that buys one share on each bar."""
    slippage = {"kind": kind, "amount": 0.5}
    config = house.config(
        symbols=parts.pop("symbols", ("QQQ",)),
        use=house.strategy("buyer.py", BUYER),
        end="2024-06-03",
        execution={"slippage": slippage, "participation": None},
        **parts,
    )
    return house.another().run(config).run_id


@pytest.mark.parametrize("block_rows", [1, 4, 8192])
def test_each_fill_is_moved_by_the_spread_at_its_own_bar_s_open(
    system_house: SystemHouse, block_rows: int
) -> None:
    import_bars(system_house, "QQQ", QUOTES)
    fills = system_house.runs().get_fills(run(system_house, engine={"block_rows": block_rows}))
    # half the spread, that of the bar before where a bar has none; nothing where it is crossed
    assert [fill["price"] for fill in fills] == [10.10, 10.01, 10.01, 10.00, 10.05]


def test_each_symbol_has_its_own_quotes(system_house: SystemHouse) -> None:
    import_bars(system_house, "QQQ", QUOTES[:3])
    import_bars(system_house, "RRR", [("09.90", "10.10")] * 5)
    found = system_house.runs().get_fills(run(system_house, symbols=("RRR", "QQQ")))
    prices = {s: [f["price"] for f in found if f["symbol"] == s] for s in ("QQQ", "RRR")}
    assert prices == {"QQQ": [10.10, 10.01], "RRR": [10.10] * 4}


def test_a_symbol_without_quotes_is_named_and_no_run_begins(system_house: SystemHouse) -> None:
    import_bars(system_house, "QQQ", QUOTES)
    import_bars(system_house, "RRR", [("", "10.10")] * 3)
    with pytest.raises(NotFoundError, match="no quotes of RRR, AAA beside the 1m bars on XNYS"):
        run(system_house, symbols=("RRR", "QQQ", "AAA"))
    assert not system_house.runs().list_runs()


def test_the_passport_stands_for_the_quotes_of_a_run_that_uses_them(
    system_house: SystemHouse,
) -> None:
    import_bars(system_house, "QQQ", QUOTES)
    before = [run(system_house, kind) for kind in ("spread", "bps")]
    import_bars(system_house, "QQQ", [*QUOTES[:-1], ("09.96", "10.05")])
    after = [run(system_house, kind) for kind in ("spread", "bps")]
    hashes = [
        [system_house.facts(one)["passport"][0]["source_hash"] for one in runs]
        for runs in (before, after)
    ]
    assert hashes[0][0] != hashes[1][0]
    assert hashes[0][1] == hashes[1][1]
