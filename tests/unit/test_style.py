"""How the code reads, held by measurement: sizes, opening lines, and words that are not allowed.

ruff, mypy and import-linter hold what they can; this holds the rest. A message names the place
and says what to do.
"""

import ast
import re
import statistics
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "backend" / "app"
TESTS = ROOT / "tests"
MIGRATIONS = APP / "models" / "migrations" / "versions"

FILE_MEDIAN_MAX, FILE_P90_MAX, FILE_MAX = 120, 400, 400
FUNCTION_P90_MAX, FUNCTION_MAX = 32, 70
LONGEST_FUNCTION_NOW = 70  # a ratchet: lower it when the longest function gets shorter
TESTS_PER_CODE_MIN = 1.1

# The one place each of these may be used in; everything else asks the TimeManager.
CLOCK_SEAM = APP / "managers" / "time_manager" / "clock.py"
AMBIENT = {
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "time.sleep",
    "uuid.uuid1",
    "uuid.uuid4",
    "os.urandom",
    "numpy.random.seed",
    "numpy.random.rand",
    "pandas.Timestamp.now",
    "pandas.Timestamp.today",
}
RANDOM_MODULES = {"random", "secrets"}
# The modules that start threads; everything else is stepped, as the fault simulator does it.
THREADED = {
    "cli/doctor/examining.py",
    "cli/lingering.py",
    "cli/shell/followed.py",
    "cli/system/serving.py",
    "core/log_outlet.py",
    "integrations/lasting_stream.py",
    "integrations/practice/venue/process.py",
    "managers/data_manager/errands.py",
    "managers/system_manager/control/server.py",
    "managers/system_manager/live/account_keeper.py",
    "managers/system_manager/live/live_means.py",
    "managers/system_manager/record/equity_file.py",
    "managers/system_manager/replay_line.py",
    "managers/system_manager/run_session.py",
    "managers/system_manager/strategies/reloading.py",
    "managers/system_manager/system_manager.py",
    "threads/live/lanes.py",
    "threads/live/order_gate.py",
    "threads/live/recorder.py",
    "threads/watch/notifier.py",
    "threads/watch/watchdog.py",
    "threads/worker.py",
}
THREAD_MAKERS = (
    "threading.Thread",
    "threading.Timer",
    "_thread.start_new_thread",
    "concurrent.futures.ThreadPoolExecutor",
    "concurrent.futures.thread.ThreadPoolExecutor",
    "multiprocessing.pool.ThreadPool",
)
MODE_READERS = {
    "core/config.py",  # says what part of a config a mode reads
    "managers/system_manager/run_builder.py",  # the mode chooses Feed and Broker here
    "managers/system_manager/live/live_opening.py",  # finds runs in SQL that can go on,
    "managers/system_manager/rerun/rebuilding.py",  # and those that have a journal
}
EXCHANGE_TIMES = {(9, 30), (16, 0)}
MACHINE_PATH = re.compile(r"""["'(\s](?:/home/|/root/|/Users/|[A-Z]:\\\\)""")

FILES = sorted(path for path in APP.rglob("*.py") if MIGRATIONS not in path.parents)


@cache
def trees() -> dict[Path, ast.Module]:
    """The code, parsed when a test looks at it: each worker of a test run collects this module."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


@cache
def nodes(tree: ast.AST) -> list[ast.AST]:
    """All of a tree, in the order of `ast.walk`; each rule looks through it."""
    return list(ast.walk(tree))


@pytest.fixture(scope="module", autouse=True)
def forget() -> Iterator[None]:
    """A million nodes are in nobody's way once this is through."""
    yield
    for known in (trees, nodes, imported_names):
        known.cache_clear()


def where(path: Path, line: int = 1) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def line_count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def functions() -> Iterator[tuple[Path, ast.FunctionDef, int]]:
    """Every function with its length, decorators and docstring included."""
    for path, tree in trees().items():
        for node in nodes(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
                yield path, node, (node.end_lineno or node.lineno) - first + 1  # type: ignore[misc]


@cache
def imported_names(tree: ast.AST) -> dict[str, str]:
    """What each imported local name stands for: `dt` -> `datetime`, `np` -> `numpy`."""
    names: dict[str, str] = {}
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                names[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def full_name(node: ast.expr, names: dict[str, str]) -> str:
    """`dt.datetime.now` as `datetime.datetime.now`, by what the file imports."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in names:
        return ""
    return ".".join([names[node.id], *reversed(parts)])


def ambient_uses(tree: ast.AST) -> list[tuple[int, str]]:
    """Each use of the machine's clock or of chance: its line and name."""
    names = imported_names(tree)
    found: list[tuple[int, str]] = []
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        else:
            modules = []
        found += [(node.lineno, name) for name in modules if name in RANDOM_MODULES]  # type: ignore[attr-defined]
        if isinstance(node, ast.Attribute | ast.Name):
            name = full_name(node, names)
            if name in AMBIENT:
                found.append((node.lineno, name))
        if isinstance(node, ast.Call) and not node.args and not node.keywords:
            name = full_name(node.func, names)
            if name.endswith("default_rng"):
                found.append((node.lineno, f"{name}() without a seed"))
    return found


def thread_starts(tree: ast.AST) -> list[int]:
    """Lines that make a thread, or name what does."""
    names = imported_names(tree)
    return [
        node.lineno
        for node in nodes(tree)
        if isinstance(node, ast.Call | ast.ClassDef)
        for made in ([node.func] if isinstance(node, ast.Call) else node.bases)
        if full_name(made, names) in THREAD_MAKERS
    ]


def mode_tests(tree: ast.AST) -> list[int]:
    """Lines that decide by the mode: `if live`, `mode == "live"`, `if self.is_live`."""
    lines = []
    for node in nodes(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(isinstance(s, ast.Constant) and s.value in ("live", "replay") for s in sides):
                lines.append(node.lineno)
        elif isinstance(node, ast.If | ast.IfExp | ast.While):
            test = node.test.operand if isinstance(node.test, ast.UnaryOp) else node.test
            word = getattr(test, "attr", getattr(test, "id", ""))
            if word in ("live", "is_live", "replay", "is_replay", "paper", "is_paper"):
                lines.append(node.lineno)
    return lines


def exchange_times(tree: ast.AST) -> list[int]:
    """Lines with an opening or closing hour written into the code: time(9, 30), hour=16."""
    lines = []
    for node in nodes(tree):
        if not isinstance(node, ast.Call):
            continue
        callee = getattr(node.func, "attr", getattr(node.func, "id", ""))
        numbers = tuple(a.value for a in node.args if isinstance(a, ast.Constant))
        if callee == "time" and numbers[:2] in EXCHANGE_TIMES:
            lines.append(node.lineno)
        named = {k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)}
        if (named.get("hour"), named.get("minute", 0)) in EXCHANGE_TIMES:
            lines.append(node.lineno)
    return lines


def test_files_are_short() -> None:
    lengths = {path: line_count(path) for path in FILES if path.name != "__init__.py"}
    too_long = [f"{where(p)} has {n} lines" for p, n in lengths.items() if n > FILE_MAX]
    assert not too_long, f"Split by what it is for (at most {FILE_MAX} lines): {too_long}"
    assert statistics.median(lengths.values()) <= FILE_MEDIAN_MAX
    assert percentile(list(lengths.values()), 0.9) <= FILE_P90_MAX


def test_functions_are_short() -> None:
    measured = list(functions())
    limit = min(FUNCTION_MAX, LONGEST_FUNCTION_NOW)
    too_long = [f"{where(p, f.lineno)} {f.name}: {n} lines" for p, f, n in measured if n > limit]
    assert not too_long, f"Take a part out, and name it (at most {limit} lines): {too_long}"
    p90 = percentile([length for _, _, length in measured], 0.9)
    assert p90 <= FUNCTION_P90_MAX, f"One function in ten is longer than {p90} lines; shorten some"


def test_every_module_opens_by_saying_what_it_is_for() -> None:
    silent = [where(path) for path, tree in trees().items() if not ast.get_docstring(tree)]
    assert not silent, f"Open with a docstring line or two: {silent}"


def test_only_the_clock_seam_reads_the_machine_s_clock_or_draws_lots() -> None:
    uses = [
        f"{where(path, line)} {name}"
        for path, tree in trees().items()
        if path != CLOCK_SEAM
        for line, name in ambient_uses(tree)
    ]
    assert not uses, f"Take time from the TimeManager, and seeds from the config: {uses}"


def test_only_named_modules_start_threads() -> None:
    starting = {
        path.relative_to(APP).as_posix(): lines
        for path, tree in trees().items()
        if (lines := thread_starts(tree))
    }
    more = {path: lines for path, lines in starting.items() if path not in THREADED}
    assert not more, f"Have it stepped, and hand in who does that on a thread: {more}"
    assert set(starting) == THREADED, "Take out of THREADED what starts none any more"


def test_only_the_system_manager_decides_by_the_mode() -> None:
    places = [
        where(path, line)
        for path, tree in trees().items()
        if path.relative_to(APP).as_posix() not in MODE_READERS
        for line in mode_tests(tree)
    ]
    assert not places, f"Hand in an object that differs instead of asking for the mode: {places}"


def test_no_exchange_s_hours_are_written_into_the_code() -> None:
    places = [where(path, line) for path, tree in trees().items() for line in exchange_times(tree)]
    assert not places, f"Ask the TimeManager for the session: {places}"


def test_nothing_is_asynchronous() -> None:
    places = [
        where(path, node.lineno)
        for path, tree in trees().items()
        for node in nodes(tree)
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
        and "api" not in path.parts
    ]
    assert not places, f"Use a thread and a queue: {places}"


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.toml")]
    documents += [
        ROOT / "Makefile",
        ROOT / "start_cli.sh",
        *(ROOT / "session_configs").rglob("*.*"),
    ]
    places = [
        where(path, number)
        for path in (*FILES, *documents)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert not places, f"Write the path relative to the project or the data folder: {places}"


def test_there_is_more_test_than_code() -> None:
    code = sum(line_count(path) for path in FILES)
    tests = sum(line_count(path) for path in TESTS.rglob("*.py"))
    assert tests >= TESTS_PER_CODE_MIN * code, f"{tests} lines of tests for {code} of code"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import datetime as dt\ndt.datetime.now()", ["datetime.datetime.now"]),
        ("from datetime import datetime\ndatetime.now()", ["datetime.datetime.now"]),
        ("from time import time\ntime()", ["time.time"]),
        ("import numpy as np\nnp.random.rand()", ["numpy.random.rand"]),
        ("import random", ["random"]),
        ("from random import choice", ["random"]),
        ("import uuid\nuuid.uuid4()", ["uuid.uuid4"]),
        ("import time\ntime.perf_counter_ns()", []),
        ("import numpy as np\nnp.random.default_rng(7)", []),
        (
            "from numpy.random import default_rng\ndefault_rng()",
            ["numpy.random.default_rng() without a seed"],
        ),
        ("class Timer:\n    def now(self): return self.time.now()", []),
    ],
)
def test_the_ban_on_ambient_time_finds_its_disguises(source: str, names: list[str]) -> None:
    assert [name for _, name in ambient_uses(ast.parse(source))] == names


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import threading\nthreading.Thread(target=print).start()", True),
        ("from threading import Thread as Own\nOwn(target=print)", True),
        ("import threading\nclass Mine(threading.Thread): pass", True),
        ("from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor(2)", True),
        ("import threading\nthreading.Timer(1, print)", True),
        ("import threading\nheld: list[threading.Thread] = []", False),
        ("import threading\nthreading.Lock()", False),
    ],
)
def test_the_ban_on_threads_finds_their_disguises(source: str, found: bool) -> None:
    assert bool(thread_starts(ast.parse(source))) is found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("if live: pass", True),
        ("x = 1 if not self.is_live else 2", True),
        ("if config.mode == 'replay': pass", True),
        ("if 'live' != mode: pass", True),
        ("if alive: pass", False),
        ("name = 'live'", False),
    ],
)
def test_the_ban_on_asking_for_the_mode_finds_its_forms(source: str, found: bool) -> None:
    assert bool(mode_tests(ast.parse(source))) is found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("dt.time(9, 30)", True),
        ("time(16, 0, tzinfo=zone)", True),
        ("now.replace(hour=9, minute=30)", True),
        ("dt.time(12, 0)", False),
        ("zip(9, 30)", False),
    ],
)
def test_the_ban_on_written_hours_finds_them(source: str, found: bool) -> None:
    assert bool(exchange_times(ast.parse(source))) is found
