"""What completion finds on this machine, and that looking leaves no trace."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.shell.completion import KINDS, Offer, completions
from app.cli.shell.paths import path_offers
from app.cli.shell.sources import MARKETS, MachineSources, read_runs
from app.cli.shell.strategy_source import Written, classes_of
from app.cli.tree import node
from app.core.orders import Order
from app.core.settings import Settings
from app.managers.time_manager.clock import WallClock
from app.repositories.database import ensure_database, open_database, sqlite_url
from app.repositories.run_repository import RunRepository

MINE = '''"""Mine."""
from app.strategies import Param, Strategy

class Wide(Strategy):
    """Buys wide."""
    fast = Param(10, low=2)
    loud: Param = Param(True)
    name = "no parameter"

class Wider(Wide):
    slow = Param("abc")

class Helper:
    x = Param(1)
'''


def sources_of(folder: Path, **parts: object) -> MachineSources:
    settings = Settings(
        data_folder=folder / "data", strategies_folder=folder / "strategies",
        database_url=parts.get("database_url"),  # type: ignore[arg-type]
    )  # fmt: skip
    return MachineSources(settings, dict, dict, WallClock())


def texts(found: list[Offer]) -> list[str]:
    return [one.text for one in found]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with symbols, two runs and strategies."""
    folder = tmp_path_factory.mktemp("sources")
    for market, symbol in (("XNYS", "SYN1"), ("XNYS", "BTC%2FUSDT"), ("XTKS", "SYN1")):
        (folder / "data/bars" / market / symbol / "1m").mkdir(parents=True)
    (folder / "data/bars/.XNYS.lock").touch()
    (folder / "strategies").mkdir()
    (folder / "strategies/mine.py").write_text(MINE, encoding="utf-8")
    (folder / "strategies/broken.py").write_text("class (", encoding="utf-8")
    engine = open_database(sqlite_url(folder / "data"))
    ensure_database(engine)
    runs = RunRepository(engine)
    for number in (1, 2):
        runs.start_run(
            f"2024110{number}-first", name="first", mode="replay", config={}, pid=1,
            started_at=f"2024-11-0{number}T10:00:00+00:00",
        )  # fmt: skip
    orders = [Order(n, 0, "SYN1", 0, 100 * 10**8, 0, kind="limit", limit=1.5) for n in range(1, 31)]
    runs.add_orders("20241101-first", orders, ["mine"])
    engine.dispose()
    yield folder


def test_a_fresh_folder_offers_nothing_of_its_own_and_stays_empty(tmp_path: Path) -> None:
    sources = sources_of(tmp_path)
    for kind in {*KINDS.values(), "running"} - {"symbols"}:
        for part in ("", "a", "~", "x/", "1"):
            sources.offers(kind, part, {})
    assert sources.offers("symbol", "", {}) == sources.offers("run", "", {}) == []
    assert sources.offers("running", "", {}) == sources.offers("order", "", {}) == []
    assert list(tmp_path.iterdir()) == []


def test_a_database_named_by_url_is_not_made_either(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other/x.db"
    assert sources_of(tmp_path, database_url=url).offers("run", "", {}) == []
    assert list(tmp_path.iterdir()) == []


def test_symbols_are_those_of_the_store_or_of_the_market_given(house: Path) -> None:
    sources = sources_of(house)
    assert sources.offers("symbol", "", {}) == [
        Offer("BTC/USDT", "XNYS"),
        Offer("SYN1", "XNYS XTKS"),
    ]
    assert texts(sources.offers("symbol", "", {"--market": "XTKS"})) == ["SYN1"]
    assert texts(sources.offers("market", "", {}))[:2] == ["XNYS", "XTKS"]


def test_runs_are_offered_newest_first_with_what_they_are(house: Path) -> None:
    found = sources_of(house).offers("run", "", {})
    assert texts(found) == ["last", "20241102-first", "20241101-first"]
    assert found[1].about == "first, replay, running"


def test_orders_are_those_of_the_run_given_newest_first(house: Path) -> None:
    sources = sources_of(house)
    found = sources.offers("order", "2", {"RUN": "20241101"})
    assert texts(found) == [*map(str, range(29, 19, -1)), "2"]
    assert found[0].about.startswith("buy 100 SYN1 limit 1.5, ")
    assert sources.offers("order", "2", {"RUN": "last"}) == []
    assert sources.offers("order", "x", {"RUN": "20241101"}) == []
    assert sources.offers("order", "", {"RUN": "none"}) == []


def test_reading_runs_changes_no_file(house: Path) -> None:
    path = house / "data/mismartera.db"
    before = path.read_bytes()
    with read_runs(sources_of(house)._settings) as runs:
        assert runs is not None
        runs.list_runs()
    assert path.read_bytes() == before


def test_a_new_symbol_is_offered_at_once(tmp_path: Path) -> None:
    sources = sources_of(tmp_path)
    assert sources.offers("symbol", "", {}) == []
    for name in ("SYN9", "SYN8"):
        (tmp_path / f"data/bars/XNYS/{name}/1m").mkdir(parents=True)
        assert name in texts(sources.offers("symbol", "", {}))


def test_runs_are_read_anew_after_a_moment(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = sources_of(house)
    assert len(sources.offers("run", "", {})) == 3
    engine = open_database(sqlite_url(house / "data"))
    RunRepository(engine).start_run(
        "20241001-old", name="old", mode="replay", config={}, pid=1, started_at="2024-10-01"
    )
    engine.dispose()
    assert len(sources.offers("run", "", {})) == 3
    monkeypatch.setattr("app.cli.shell.sources.KEPT_SECONDS", 0.0)
    assert len(sources.offers("run", "", {})) == 4


def test_strategies_and_their_parameters_are_read_without_running_them(house: Path) -> None:
    sources = sources_of(house)
    found = sources.offers("strategy", "", {})
    assert texts(found)[:2] == ["Wide", "Wider"]
    assert "SmaCross" in texts(found)
    assert found[0].about == "Buys wide."
    given = {"STRATEGY": "mine.py:Wider"}
    assert texts(sources.offers("parameter", "", given)) == ["fast=", "loud=", "slow="]
    assert texts(sources.offers("parameter", "loud=", given)) == ["loud=True", "loud=False"]
    assert texts(sources.offers("parameter", "slow=", {"NAME": "Wider"})) == ["slow=abc"]


def test_a_class_s_name_that_two_files_have_is_offered_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "strategies").mkdir()
    for name in ("a.py", "b.py"):
        (tmp_path / "strategies" / name).write_text("class Mine(Strategy): pass")
    found = sources_of(tmp_path).offers("strategy", "", {})
    assert texts(found)[:2] == ["a.py", "b.py"]


def test_a_strategy_in_a_folder_of_its_own_is_offered_and_a_test_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "strategies"
    for name in ("deep/dip.py", "tests/test_dip.py"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("class Dip(Strategy):\n    fast = Param(3)\n")
    sources = sources_of(tmp_path)
    found = sources.offers("strategy", "", {})
    assert texts(found)[0] == "Dip"
    assert texts(found).count("Dip") == 1
    assert texts(sources.offers("parameter", "", {"STRATEGY": "deep/dip.py"})) == ["fast="]


def test_a_source_that_is_no_strategy_or_no_python_has_none(house: Path) -> None:
    wide, wider = classes_of(house / "strategies/mine.py")
    assert wide == Written("Wide", "Buys wide.", (("fast", "10"), ("loud", "True")))
    assert wider.about == "Mine."
    assert classes_of(house / "strategies/broken.py") == []
    assert classes_of(house / "none.py") == []


def test_files_are_offered_with_the_wanted_first_and_their_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.json", "b.txt", ".hidden", "my file.json", "odd\nname.json", "sub/c.json",
                 "session_configs/day.json"):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps({}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "session_configs/schema.json").touch()
    assert texts(sources_of(tmp_path).offers("config", "", {})) == [
        "session_configs/day.json", "a.json", "my file.json", "session_configs/", "sub/",
    ]  # fmt: skip
    assert texts(path_offers("sub/x", (".json",))) == ["sub/c.json"]
    assert texts(path_offers("~/")) == [
        "~/a.json", "~/b.txt", "~/my file.json", "~/session_configs/", "~/sub/",
    ]  # fmt: skip
    (found,) = completions("config check ~/my", node, sources_of(tmp_path))
    assert found.text == f'"{tmp_path}/my file.json" '
    assert texts(path_offers(".")) == [".hidden"]
    assert texts(path_offers("", folders_only=True)) == ["session_configs/", "sub/"]
    assert path_offers("none/x") == []


def test_the_markets_offered_are_known() -> None:
    import pandas_market_calendars

    known = {*pandas_market_calendars.get_calendar_names(), "XNAS", "XASE", "ARCX"}
    assert not {*MARKETS} - known


def test_a_key_press_takes_less_than_thirty_milliseconds(tmp_path: Path) -> None:
    for number in range(1_000):
        (tmp_path / f"data/bars/XNYS/S{number}").mkdir(parents=True)
    sources = sources_of(tmp_path)
    for text in ("", "data ", "data show S", "data show S1 --", "runs show "):
        completions(text, node, sources)
        took = []
        for _ in range(5):
            began_ns = time.perf_counter_ns()
            completions(text, node, sources)
            took.append(time.perf_counter_ns() - began_ns)
        assert min(took) < 30_000_000, text
