"""`practice start --as binance` as a user starts it: what it says, what it refuses, its keys."""

import datetime as dt
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.data_house import ns
from tests.own_ports import free_ports
from tests.practice_house import Heard
from tests.processes import PIPE, begin

from app.cli.context import Context
from app.cli.practice import coins as practice_coins
from app.core.orders import MARKET, Order, Terms
from app.core.venue import Connected, Execution, VenueBar, VenueOrder
from app.integrations.binance.adapter import open_binance
from app.integrations.binance.endpoints import Keys
from app.integrations.binance.peer.made_coins import minutes_of
from app.integrations.practice.venue.opening import new_books
from app.managers.time_manager.clock import WallClock
from app.repositories.bar_store_files import Series

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@contextmanager
def started(folder: Path, *words: str, **environment: str) -> Iterator[dict[str, Any]]:
    """A peer in a process of its own, and what it told of itself; ended in order."""
    process = begin(
        ["practice", "start", "--as", "binance", "--port", "0", "--json", *words],
        folder,
        {**os.environ, "MISMARTERA_DATA_FOLDER": str(folder / "data"), **environment},
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate(timeout=20)[1]
        yield json.loads(line)
    finally:
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=20)
    assert (process.returncode, out, errors) == (0, "", "")


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("--as", "binanse"), 2, "--as is 'binanse'; it is practice or binance. Did you mean"),
        (("--as", "binance", "--market", "XNYS"), 2, "--market is XNYS; coins are traded on 24/7"),
        (("--as", "binance", "--symbols", "BTCUSDT"), 2, "write it as BTC/USDT"),
        (("--as", "binance", "--symbols", "BTC/USD"), 3, "There is no 'BTC/USD' of our own making"),
        (("--as", "binance", "--symbols", ","), 2, "--symbols names none"),
        (("--as", "binance", "--stored"), 3, "No 1m bars of coins on 24/7 are stored"),
        (("--as", "binance", "--stored", "--symbols", "BTC/USDT"), 3, "No bars of BTC/USDT"),
        (("--as", "binance", "--fees", "0.1"), 2, "write the maker's and the taker's rate"),
        (("--as", "binance", "--fees", "1/0"), 2, "below 1"),
        (("--as", "binance", "--rate", "0"), 2, "--rate is 0"),
        (("--as", "binance", "--at", "noon"), 2, "--at 'noon' is no time"),
        (("--as", "binance", "--cash", "much"), 2, "--cash is 'much'"),
        (("--fees-in-bnb",), 2, "are for --as binance"),
        (("--stored",), 2, "are for --as binance"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_makes_no_sense_is_refused(
    cli: Run, words: tuple[str, ...], code: int, reason: str
) -> None:
    done = cli("practice", "start", "--port", "0", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_refused_also_the_one_of_the_streams(cli: Run) -> None:
    free = free_ports(2)
    taken = free + 1
    with socket.create_server(("127.0.0.1", taken)):
        for asked in (taken, free):
            done = cli("practice", "start", "--as", "binance", "--port", str(asked))
            assert done.returncode == 2
            assert f"Port {taken} cannot be used" in done.stderr


def test_it_is_traded_at_by_its_own_words_and_goes_on_with_its_books_and_keys(
    tmp_path: Path,
) -> None:
    with started(tmp_path, "--rate", "600") as told:
        assert (told["market"], told["symbols"]) == ("24/7", ["BTC/USDT", "ETH/USDT"])
        assert told["live"] == {"venue": "binance", "url": told["url"], "broker": "venue"}
        keys = Keys(told["key"], told["secret"])
        venue = open_binance(
            told["url"], keys, ("BTC/USDT",), WallClock(), np.random.default_rng(1)
        )
        assert venue.time().rate == 600.0
        market, orders = Heard(), Heard()
        venue.market_stream(("BTC/USDT",), market)
        venue.order_stream(orders)
        market.until(Connected), orders.until(Connected)
        terms = Terms(1_000_000, None, None, None, None)
        venue.place(
            VenueOrder(client_id="a-1", symbol="BTC/USDT", kind=MARKET, tif="gtc", terms=terms)
        )
        fill = orders.until(Execution)
        assert (fill.client_id, fill.units) == ("a-1", 1_000_000)
        first, second = market.until(VenueBar), market.until(VenueBar)
        assert second.start_ns - first.start_ns == 60 * 10**9
        assert venue.positions() == {"BTC/USDT": 999_000}
        venue.close()
    kept = tmp_path / "data" / "practice-binance" / "keys.json"
    assert kept.stat().st_mode & 0o077 == 0
    with started(tmp_path) as again:
        assert (again["key"], again["secret"]) == keys
        assert again["now"] > told["now"]
        venue = open_binance(
            again["url"], keys, ("BTC/USDT",), WallClock(), np.random.default_rng(1)
        )
        assert venue.positions() == {"BTC/USDT": 999_000}
        assert [one.client_id for one in venue.executions(0)] == ["a-1"]
        venue.close()


def test_keys_of_the_environment_are_taken_and_told_nowhere(tmp_path: Path) -> None:
    given = {"MISMARTERA_BINANCE_KEY": "mine", "MISMARTERA_BINANCE_SECRET": "canary-of-a-secret"}
    with started(tmp_path, **given) as told:
        assert not {"key", "secret"} & told.keys()
        keys = Keys("mine", "canary-of-a-secret")
        venue = open_binance(
            told["url"], keys, ("BTC/USDT",), WallClock(), np.random.default_rng(1)
        )
        assert venue.cash() == {"USDT": 100_000 * 10**8}
        venue.close()
    written = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if b"canary" in path.read_bytes()]


def test_coins_of_our_making_have_every_minute_and_every_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path))
    wishes = practice_coins.Wishes(None, False, "0.001/0.002", True, Decimal(5), Decimal(1))
    coins = practice_coins.coins_of(Context("24/7"), wishes)
    days = [session.date for session in coins.sessions]
    assert len(days) == (days[-1] - days[0]).days + 1
    assert all(a.close_ns == b.open_ns for a, b in pairwise(coins.sessions))
    assert coins.begin_ns == ns("2024-11-04T12:00", dt.UTC)
    assert coins.terrain.cash == {"USDT": 5 * 10**8, "BNB": 10 * 10**8}
    hour = coins.terrain.history("ETH/USDT", "1h", coins.begin_ns, coins.begin_ns + 7_200 * 10**9)
    assert len(hour) == 2
    assert len(coins.load("ETH/USDT", 0, coins.sessions[0].open_ns + 60 * 10**9)) == 1
    assert (str(coins.fees.maker), str(coins.fees.taker)) == ("0.001", "0.002")


def test_a_fee_is_paid_in_bnb_at_what_one_costs_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path))
    wishes = practice_coins.Wishes(None, False, "0/0.001", True, Decimal(5), Decimal(1))
    coins = practice_coins.coins_of(Context("24/7"), wishes)
    at_ns = coins.begin_ns
    fill = Execution(
        execution_id="X1", client_id="a", venue_id="V1", symbol="BTC/USDT", units=10**8,
        price=60_000.0, fee_units=0, at_ns=at_ns,
    )  # fmt: skip
    order = Order(1, 0, "BTC/USDT", 0, 10**8, 0)
    books = new_books(coins.terrain)
    books.cash["BNB"] = 10**8
    price = coins.load("BNB/USDT", at_ns - 60 * 10**9, at_ns).close[-1]
    fee = coins.fees.of(order, fill, books)
    assert fee is not None
    assert (fee.asset, fee.units) == ("BNB", int(60 * 0.75 / price * 10**8))
    books.cash["BNB"] = fee.units - 1
    fee = coins.fees.of(order, fill, books)
    assert fee is not None
    assert (fee.asset, fee.units) == ("BTC", 10**5)


def test_stored_coins_are_traded_from_their_first_midnight_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path))
    context = Context("24/7")
    first_ns, last_ns = (ns(f"2024-02-{day}", dt.UTC) for day in ("28T22:00", "29T01:00"))
    for symbol in ("BTC/USDT", "SPX"):
        bars = minutes_of("BTC/USDT", first_ns, last_ns)
        context.data.store.merge(Series("24/7", symbol, "1m"), bars, {}, synthetic=True)
    wishes = practice_coins.Wishes(None, True, "0/0", True, Decimal(5), Decimal(1))
    coins = practice_coins.coins_of(context, wishes)
    assert coins.names == ["BTC/USDT"]
    assert [str(one.date) for one in coins.sessions] == ["2024-02-28", "2024-02-29"]
    assert coins.begin_ns == coins.sessions[0].open_ns
    assert len(coins.load("BTC/USDT", 0, 1 << 61)) == 180
    assert coins.terrain.sizes["BTC/USDT"].currency == "USDT"
