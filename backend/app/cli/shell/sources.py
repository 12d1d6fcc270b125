"""What completion knows of this machine: symbols, runs, sessions, files, strategies.

Each is read when it is asked for and kept for a moment. Nothing is ever written, and what cannot
be read offers nothing: a prompt is no place for an error.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from loguru import logger

from app.cli.shell.completion import Offer
from app.cli.shell.outbox import SHOWN
from app.cli.shell.paths import path_offers
from app.cli.shell.strategy_source import Written, classes_of
from app.core.accounts import USUAL_ACCOUNT
from app.core.intervals import BASE_INTERVALS
from app.core.logging import LEVELS
from app.managers.time_manager.clock import WallClock

if TYPE_CHECKING:
    from app.cli.context import Context
    from app.cli.shell.shell import Shell
    from app.core.settings import Settings
    from app.repositories.run_repository import RunRepository

KEPT_SECONDS = 2.0
NEWEST_RUNS = 100
NEWEST_ORDERS = 100
# Those of the calendar library that people trade most; it knows many more.
MARKETS: Final = (
    *("XNYS", "XNAS", "XASE", "XTSE", "XLON", "XPAR", "XAMS", "XETR", "XSWX", "XMIL", "XMAD"),
    *("XTKS", "XHKG", "XSHG", "XSES", "XBOM", "XASX", "CME_Equity", "24/7"),
)
SPEEDS: Final = (
    Offer("1", "as in the market"),
    Offer("60", "an hour in a minute"),
    Offer("600", "a session in 39 seconds"),
    Offer("max", "as fast as it goes"),
)
CONFIGS_FOLDER: Final = "session_configs"
_SCHEMA = "schema.json"  # of session configs, and none itself
_MOST_KEPT = 200
_TRUTHS = ("True", "False")
COLUMNS: Final = ("time", "open", "high", "low", "close", "volume")


class MachineSources:
    """Reads the folders that the settings name."""

    def __init__(
        self,
        settings: "Settings",
        words: Callable[[], Mapping[str, str]],
        aliases: Callable[[], Mapping[str, str]],
        clock: WallClock,
    ) -> None:
        self.words = words
        self.aliases = aliases
        self._settings = settings
        self._clock = clock
        self._names: dict[str, tuple[int, list[str]]] = {}
        self._kept: dict[tuple[str, ...], tuple[int, list[Offer]]] = {}
        self._kinds: dict[str, Callable[[str, Mapping[str, str]], Iterable[Offer]]] = {
            "account": lambda part, given: self._accounts(),
            "check": lambda part, given: _checks(),
            "column": lambda part, given: [Offer(f"{one}=", goes_on=True) for one in COLUMNS],
            "config": lambda part, given: self._configs(part),
            "config or run": self._configs_and_runs,
            "event level": lambda part, given: map(Offer, SHOWN),
            "file": lambda part, given: path_offers(part),
            "folder": lambda part, given: path_offers(part, folders_only=True),
            "format": lambda part, given: map(Offer, _exported()[0]),
            "interval": lambda part, given: map(Offer, BASE_INTERVALS),
            "key of trades": lambda part, given: map(Offer, _keys_of_trades()),
            "log level": lambda part, given: map(Offer, LEVELS),
            "market": lambda part, given: self._markets(),
            "order": self._orders,
            "parameter": self._parameters,
            "run": lambda part, given: self._runs(),
            "running": lambda part, given: self._running(),
            "source": lambda part, given: _sources(),
            "speed": lambda part, given: SPEEDS,
            "strategy": lambda part, given: self._strategies(),
            "symbol": self._symbols,
            "table": lambda part, given: map(Offer, _exported()[1]),
            "venue": lambda part, given: _venues(),
            "zone": lambda part, given: self._zones(),
        }

    def offers(self, kind: str, part: str, given: Mapping[str, str]) -> list[Offer]:
        """Words of a kind; none where anything at all goes wrong."""
        try:
            return list(self._kinds[kind](part, given))
        except Exception as error:
            logger.opt(exception=error).debug("Nothing of the kind '{}' can be offered.", kind)
            return []

    def _for_a_moment(self, key: tuple[str, ...], read: Callable[[], list[Offer]]) -> list[Offer]:
        """What was read under this key a moment ago, or is read now."""
        now_ns = self._clock.monotonic_ns()
        kept = self._kept.get(key)
        if kept is not None and now_ns - kept[0] < KEPT_SECONDS * 1e9:
            return kept[1]
        found = read()
        if len(self._kept) > _MOST_KEPT:
            self._kept.clear()
        self._kept[key] = self._clock.monotonic_ns(), found
        return found

    # -- the bar store -----------------------------------------------------------------------------

    def _symbols(self, part: str, given: Mapping[str, str]) -> list[Offer]:
        """The symbols stored, of the market that is given where one is."""
        market = given.get("--market")
        found: dict[str, str] = {}
        for name in self._folders_of("bars"):
            if market in (None, unquote(name)):
                for symbol in self._folders_of("bars", name):
                    known = found.get(symbol)
                    found[symbol] = f"{known} {unquote(name)}" if known else unquote(name)
        return [Offer(unquote(symbol), about) for symbol, about in sorted(found.items())]

    def _markets(self) -> list[Offer]:
        stored = [unquote(name) for name in self._folders_of("bars")]
        return [
            *(Offer(name, "has bars") for name in stored),
            *(Offer(name) for name in MARKETS if name not in stored),
        ]

    def _folders_of(self, *parts: str) -> list[str]:
        """The names of a folder's folders in order, read anew when they have changed."""
        path = os.path.join(self._settings.data_folder, *parts)
        try:
            changed_ns = os.stat(path).st_mtime_ns
            kept = self._names.get(path)
            if kept is None or kept[0] != changed_ns:
                with os.scandir(path) as entries:
                    names = sorted(entry.name for entry in entries if entry.is_dir())
                kept = self._names[path] = changed_ns, names
        except OSError:
            return []
        return kept[1]

    # -- runs --------------------------------------------------------------------------------------

    def _runs(self) -> list[Offer]:
        """The newest first."""

        def read() -> list[Offer]:
            with read_runs(self._settings) as runs:
                found = runs.list_runs(NEWEST_RUNS) if runs else []
            newest = [Offer("last", "the newest run")] if found else []
            return newest + [
                Offer(run["run_id"], f"{run['name']}, {run['mode']}, {run['state']}")
                for run in found
            ]

        return self._for_a_moment(("run",), read)

    def _running(self) -> list[Offer]:
        """Sessions that can be steered."""
        from app.managers.system_manager.control.client import running

        def read() -> list[Offer]:
            found = running(self._settings.data_folder)
            about = {offer.text: offer.about for offer in (self._runs() if found else ())}
            return [Offer(run_id, about.get(run_id, "")) for run_id in reversed(found)]

        return self._for_a_moment(("running",), read)

    def _configs(self, part: str) -> list[Offer]:
        """JSON files; those that come with the program without their folder."""
        found = path_offers(part, (".json",), CONFIGS_FOLDER)
        return [offer for offer in found if not offer.text.endswith(_SCHEMA)]

    def _configs_and_runs(self, part: str, given: Mapping[str, str]) -> list[Offer]:
        return [*self._configs(part), *self._runs()]

    def _orders(self, part: str, given: Mapping[str, str]) -> list[Offer]:
        """The newest of the run that is given, or of the newest run."""
        run_id = given.get("RUN", "last")
        if part and not part.isdecimal():
            return []

        def read() -> list[Offer]:
            with read_runs(self._settings) as runs:
                if runs is None:
                    return []
                whole = runs.get_run(run_id)["run_id"]
                return [
                    Offer(str(row["order_id"]), _order(row))
                    for row in runs.newest_orders(whole, part, NEWEST_ORDERS)
                ]

        return self._for_a_moment(("order", run_id, part), read)

    def _accounts(self) -> list[Offer]:
        """The accounts that have traded."""
        from app.repositories.account_risk import AccountRisks

        known = AccountRisks(self._settings.data_folder).accounts()
        return [Offer(name) for name in dict.fromkeys([USUAL_ACCOUNT, *known])]

    # -- strategies --------------------------------------------------------------------------------

    def _strategies(self) -> list[Offer]:
        """Those of the strategies folder and the examples: a class's name where one has it, else as
        a config's `use` does.
        """

        def read() -> list[Offer]:
            found = list(self._written())
            names = Counter(written.name for _, written in found)
            return [
                Offer(written.name if names[written.name] == 1 else use, written.about)
                for use, written in found
            ]

        return self._for_a_moment(("strategy",), read)

    def _written(self) -> Iterator[tuple[str, Written]]:
        """Each strategy under the words that a config's `use` has for it."""
        from app.repositories.strategy_shelf import places

        found = places(self._settings.strategies_folder)
        for place in sorted(found, key=lambda place: place.kind == "example"):
            classes = classes_of(place.path) if place.path and place.classes else []
            is_enough = place.kind == "file" and len(classes) == 1
            for one in classes:
                yield place.use if is_enough else place.use_of(one.name), one

    def _parameters(self, part: str, given: Mapping[str, str]) -> list[Offer]:
        """`NAME=` of the strategy that is given; its default once the name is there."""
        use = next((given[name] for name in ("STRATEGY", "NAME", "USE") if name in given), "")
        found = next((one for name, one in self._written() if use in (name, one.name)), None)
        name, sign, _ = part.partition("=")
        if found is None:
            return []
        if not sign:
            return [
                Offer(f"{n}=", f"{default} unless given", True) for n, default in found.parameters
            ]
        values = [d.strip("'\"") for n, d in found.parameters if n == name]
        values += ["False" if one == "True" else "True" for one in values if one in _TRUTHS]
        return [Offer(f"{name}={value}", shown=value) for value in values]

    def _zones(self) -> list[Offer]:
        from zoneinfo import available_timezones

        key = ("zone",)
        return self._for_a_moment(
            key, lambda: [Offer(one) for one in sorted(available_timezones())]
        )


def sources_of(context: "Context", shell: "Shell") -> MachineSources:
    """What there is for a shell to complete."""
    return MachineSources(
        context.settings,
        lambda: {word: one.usage for word, one in shell.words.items()},
        lambda: shell.aliases.all,
        WallClock(),
    )


@contextmanager
def read_runs(settings: "Settings") -> "Iterator[RunRepository | None]":
    """The runs in SQL, as they are; None where there is no database, for none is made here."""
    from app.repositories.database import open_database, url_of
    from app.repositories.run_repository import RunRepository

    url = url_of(settings)
    path = url.partition(":///")[2]
    if url.startswith("sqlite") and not Path(path).is_file():
        yield None
        return
    engine = open_database(url)
    try:
        yield RunRepository(engine)
    finally:
        engine.dispose()


def _exported() -> tuple[Iterable[str], Iterable[str]]:
    """In what formats, and what."""
    from app.results.exporting import FORMATS, TABLES

    return FORMATS, TABLES


def _keys_of_trades() -> Iterable[str]:
    from app.cli.report.show import SLICES

    return (*SLICES, "all")


def _venues() -> list[Offer]:
    from app.cli.practice.commands import BINANCE, PRACTICE

    return [Offer(PRACTICE, "the program's own"), Offer(BINANCE, "Binance spot")]


def _sources() -> list[Offer]:
    from app.integrations.sources import SOURCES

    return [Offer(name, facts.has) for name, facts in SOURCES.items()]


def _checks() -> list[Offer]:
    """What `doctor` looks at."""
    from app.cli.doctor.examining import NAMES

    return [Offer(name) for name in NAMES]


def _order(row: Any) -> str:
    prices = "".join(
        f" {row[name]:g}" for name in ("limit_price", "stop_price") if row[name] is not None
    )
    return f"{row['side']} {row['quantity']} {row['symbol']} {row['kind']}{prices}, {row['state']}"
