"""A run wired once more as its record has it: its market, its strategies' files, its inputs."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from app.core.calendar import TradingSession
from app.core.errors import ConfigError
from app.core.messages import Message
from app.core.seams import BarSource
from app.managers.execution_manager.live.shared_broker import broker_of
from app.managers.system_manager.journal.journal_feed import JournalFeed, RunJournal
from app.managers.system_manager.journal.run_header import RunHeader
from app.managers.system_manager.needs.market import Market, MarketTime
from app.managers.system_manager.wiring import Parts, Run, RunFeed
from app.managers.time_manager import TimeManager, WallClock
from app.strategies.loader import source_hash
from app.threads.engines.watched_engine import Witness
from app.threads.hooks.engine_state import OnState
from app.threads.stream.results import Results


def quiet(what: str, details: str) -> None:
    """The alarm of a run that nobody trades by: what it came to is told when it is over."""


@contextlib.contextmanager
def wired_again(
    header: RunHeader,
    times: TimeManager,
    source: BarSource,
    feed: RunFeed,
    on_results: Callable[[Results], None],
    runner: str = "inline",
    on_state: OnState = lambda sequence, state: None,
    witness: Witness | None = None,
) -> Iterator[Run]:
    """The run as it was wired, with nobody behind its orders; while its strategies' files are."""
    config = header.session_config
    engine = config.engine.model_copy(update={"runner": runner})
    goes_to_venue = config.lived.goes_to_venue
    strategies = len(config.strategies)
    with strategies_then(header) as folder:
        yield Run(
            config.model_copy(update={"engine": engine}),
            market_from(header, times, source),
            folder,
            on_results,
            alarm=quiet,  # a hook that hung then hangs again, and is interrupted again
            parts=Parts(
                make_feed=lambda _: feed,
                make_broker=broker_of(header.abilities, strategies) if goes_to_venue else None,
                on_gap=lambda gap: None,  # they were asked for then
                on_trouble=quiet,
                on_state=on_state,
                witness=witness,
            ),
        )


class HeardFeed(JournalFeed):
    """A journal's inputs; each is heard before it is run."""

    def __init__(self, journal: RunJournal, hear: Callable[[Message], None]) -> None:
        super().__init__(journal)
        self._hear = hear

    def messages(self) -> Iterator[Message]:
        """The recorded inputs."""
        for message in super().messages():
            self._hear(message)
            yield message


def market_from(header: RunHeader, times: TimeManager, source: BarSource) -> Market:
    """The world as the journal's header keeps it."""
    before = header.sessions_before

    def sessions_before(count: int) -> tuple[TradingSession, ...]:
        return tuple(before[max(len(before) - count, 0) :])  # as many as there are

    return Market(
        sessions=tuple(header.sessions),
        sessions_before=sessions_before,
        instruments=header.instruments,
        adjustments=lambda _: (),  # the recorded history has them
        source=source,
        time=MarketTime(times, header.session_config.market),
        clock=WallClock(),
        rates={
            session.date: header.rates.get(str(session.date), {}) for session in header.sessions
        },
        hard_limits=header.account_limits,
        risk_past=header.risk_past,
    )


def are_as_then(header: RunHeader, folder: Path) -> bool:
    """Whether the strategies' files of a folder are still those that the run began with."""
    names = {use: use.partition(":")[0] for use in header.sources}
    try:
        return all(
            (folder / name).read_bytes().decode("utf-8", "replace") == header.sources[use]
            for use, name in names.items()
            if name.endswith(".py")
        )
    except OSError:
        return False


@contextlib.contextmanager
def strategies_then(header: RunHeader) -> Iterator[Path]:
    """The strategies' files as the run began with them, for those of a folder of the user's."""
    with tempfile.TemporaryDirectory() as folder:
        for use, text in header.sources.items():
            name = use.partition(":")[0]
            if name.endswith(".py"):
                path = Path(folder) / name
                if not path.resolve().is_relative_to(Path(folder).resolve()):
                    raise ConfigError(f"The journal names a strategy outside its folder: {use}.")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8", newline="")
        yield Path(folder)


def changed_strategies(run: Run, hashes: Mapping[str, str]) -> list[str]:
    """The strategies whose code is not what was recorded, by the hashes of their names."""
    kinds = run.strategies.items()
    return [name for name, kind in kinds if source_hash(kind) != hashes.get(name)]
