"""One life of the program: a live run from its start, or its journal, to its end or a crash."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from app.core.config import SessionConfig
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.system_manager.journal.journal_feed import RunJournal
from app.managers.system_manager.journal.past import past_of
from app.managers.system_manager.journal.program import program_of
from app.managers.system_manager.journal.run_header import RunHeader, header_of
from app.managers.system_manager.live.live_line import LiveLine
from app.managers.system_manager.rerun.recovery import Recovery
from app.managers.system_manager.rerun.rewiring import market_from
from app.managers.system_manager.venue.holdings import Holdings, opened_account
from app.managers.system_manager.wiring import Run
from app.repositories.journal_file import JournalWriter
from app.repositories.journal_reader import JOURNAL_FOLDER, has_begun
from app.strategies.loader import load_strategy
from app.threads.stream.results import Results
from tests.faults.day import SYMBOLS, Day
from tests.faults.means import SimMeans
from tests.faults.venue_side import Link
from tests.market import Time
from tests.memory_disk import MemoryDisk

RUN_ID: Final = "20241104-093000-faults"
FOLDER: Final = Path("runs") / RUN_ID
NOWHERE: Final = Path("strategies")


class Times(Time):
    """A TimeManager's conversions, without its calendars."""

    def to_local(self, ns: int, market: str = "") -> Any:
        return super().to_local(ns)


class Alarms:
    """What a human would have heard."""

    def __init__(self, hear: Callable[[str, str], None]) -> None:
        self.told: list[tuple[str, str]] = []
        self._hear = hear

    def alarm(self, what: str, details: str) -> None:
        self.told.append((what, details))
        self._hear(what, details)


def config_from(
    salt: int,
    external: str,
    on_error: str,
    stale_seconds: int,
    grace_ms: int,
    fails_at: int = 0,
    *,
    cover: Mapping[str, Any] | None = None,
    symbols: Sequence[str] = SYMBOLS,
    goes_short: bool = True,
    second: Mapping[str, Any] | None = None,
) -> SessionConfig:
    """The session config of a schedule; with a `cover` the first strategy has no exits itself. The
    `second` one has symbols of its own, unless it is said to share some.
    """
    keeper = "Keeper" if cover is None else "Covered"
    second = dict(second or {"use": "Trader", "first": 2})
    other = second.pop("use")
    return SessionConfig.model_validate(
        {
            "name": "faults",
            "mode": "live",
            "symbols": symbols,
            "account": {"cash": 1_000_000},
            "risk": {"allow_short": goes_short},
            "live": {
                "broker": "venue",
                "sessions": 3,
                "external": external,
                "on_error": on_error,
                "stale_seconds": stale_seconds,
                "grace_ms": grace_ms,
            },
            "engine": {"runner": "inline"},
            "protection": {"strategies": {keeper: {} if cover is None else cover}},
            "strategies": [
                {
                    "use": f"tests.faults.traders:{keeper}",
                    "params": {"salt": salt, "fails_at": fails_at},
                },
                {
                    "use": f"tests.faults.traders:{other}",
                    "name": "Second" if other == keeper else other,
                    "params": {"salt": salt + 1, **second},
                },
            ],
        }
    )


def has_journal(disk: MemoryDisk) -> bool:
    """Whether a run was begun on this disk, and its first input is there."""
    return has_begun(FOLDER, disk)


def forget(disk: MemoryDisk) -> None:
    """A run that never began is left behind: the next has a folder of its own."""
    for name in disk.names(FOLDER / JOURNAL_FOLDER):
        disk.remove(FOLDER / JOURNAL_FOLDER / name)


class Life:
    """Wired as the run builder wires it; an error of the start leaves nothing behind."""

    def __init__(
        self,
        means: SimMeans,
        link: Link,
        day: Day,
        config: SessionConfig,
        alarms: Alarms,
        on_results: Callable[["Life", Results], None],
    ) -> None:
        self.means = means
        self.link = link
        self.results: Callable[[Life, Results], None] = on_results
        self.header: RunHeader | None = None
        journal = None
        if has_journal(means.disk):
            JournalWriter(FOLDER / JOURNAL_FOLDER, means.disk).close()
            journal = RunJournal(FOLDER, means.disk)
            self.header = journal.header()
            config = self.header.session_config
        else:
            forget(means.disk)
        self.recovery = None
        if journal is not None:
            kinds = {item.label: load_strategy(item.use, NOWHERE) for item in config.strategies}
            self.recovery = Recovery(journal, past_of(journal, program_of(kinds)))
        market = day.market()
        self.line = LiveLine(config, market.source, link.adapter(), alarms, means, self.recovery)
        held = Holdings()
        if self.header is not None:
            market = market_from(self.header, Times(), market.source)  # type: ignore[arg-type]
        else:
            config, held = opened_account(
                self.line.venue, config, market.instruments, self.line.clock.now_ns()
            )
        self.run = Run(config, market, NOWHERE, self._take, parts=self.line.parts())
        if self.header is None:
            self.header = header_of(
                RUN_ID, config, market, 1, self.run.strategies, self.line.clock.now_ns(), held, "",
                self.line.venue.abilities,
            )  # fmt: skip
        self.line.begin(self.run, self.header, FOLDER)

    @property
    def book(self) -> GateBook:
        """The gate's."""
        gate = self.means.made_gate
        assert gate is not None
        return gate._book

    def execute(self) -> str:
        """To its end; a crash and an error of a worker are raised."""
        return self.run.execute()

    def _take(self, results: Results) -> None:
        if not self.link.is_dead:
            self.results(self, results)
            self.line.take(results)


def states_of(run: Run) -> Sequence[str]:
    """The states that the run's orders are in just now."""
    return sorted({str(order.state) for order in run.execution.broker.working.values()})
