"""A shadow run: a strategy's new code over today's bars, in a process of its own.

The bars are those that the run has seen, the broker is simulated, and nothing leaves. A file that
hangs, fills memory or ends its process harms nobody here: `python -m` this module reads a task, and
leaves a verdict beside it. With the code in force it goes over the bars too, and is then replaced
by the new one as the run will do it.
"""

import os
import resource
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Final

import msgspec
import numpy as np
from loguru import logger

from app.core import message_codec as codec
from app.core.bars import Block, SessionSpan, Table, fields_of, interleave, no_rows
from app.core.calendar import TradingSession
from app.core.config import SessionConfig, StrategyConfig
from app.core.errors import AppError, StrategyError
from app.core.import_path import look_here_last
from app.core.memory import free_mb
from app.core.messages import Bars, Command, History, Message
from app.managers.data_manager.stored_bars import HistorySources
from app.managers.system_manager.journal.run_header import RunHeader, read_header
from app.managers.system_manager.needs.workshop import SeatWorkshop
from app.managers.system_manager.rerun.rewiring import market_from, quiet
from app.managers.system_manager.wiring import Parts, Run
from app.managers.time_manager import TimeManager
from app.services.blocks import cut_block
from app.strategies.failure import HookInterrupted
from app.strategies.indicator import Cursor
from app.threads.data_processor import SessionPart
from app.threads.stream.plan import Plan
from app.threads.stream.reloading import Reload, ReloadOutcome
from app.threads.stream.results import Results

VERDICT: Final = ".verdict"  # behind the task's name
SHADOW_SECONDS: Final = 120.0
_TODAY: Final = ""  # in the place of an interval
_WINDOW_COLUMNS: Final = ("start_ns", "known_ns", "open", "high", "low", "close", "volume")
_BLOCK_ROWS: Final = 8_000
_NICE: Final = 10  # the run goes first
_MEMORY_SHARE: Final = 0.5  # of what is free


class Task(msgspec.Struct, frozen=True):
    """All that it needs to know."""

    header: dict[str, Any]
    reload: Reload
    before: Reload  # the code in force, in the same words; of a module without text
    data_folder: str
    intervals: tuple[str, ...]
    history: dict[str, int | None]
    session: TradingSession | None  # none has begun
    inputs: list[bytes]


class Verdict(msgspec.Struct, frozen=True):
    """What came of it."""

    refused: str = ""
    exit_code: int = 0
    bars: int = 0
    orders: int = 0


def seen_inputs(
    header: RunHeader, part: SessionPart, symbols: int, base_interval: str, through_ns: int
) -> Iterator[Message]:
    """A session as a run has seen it, and what it looks back on, as inputs."""
    by_open = {one.open_ns: one for one in (*header.sessions_before, *header.sessions)}
    past: set[int] = set()
    tables: dict[tuple[int, str], Table] = {}
    for (symbol, interval), window in part.windows.items():
        past |= {*window.session_open_ns[:-1].tolist()}
        count, end = len(window), window.today
        columns = [getattr(window, name)[:end] for name in _WINDOW_COLUMNS]
        if end:
            tables[symbol, interval] = Table(np.full(end, symbol, np.int32), *columns)
        if interval == base_interval and count > end:
            columns = [getattr(window, name)[end:] for name in _WINDOW_COLUMNS]
            tables[symbol, _TODAY] = Table(np.full(count - end, symbol, np.int32), *columns)
    today = [tables.pop((n, _TODAY)) for n in range(symbols) if (n, _TODAY) in tables]
    sessions = tuple(by_open[open_ns] for open_ns in sorted(past))
    yield History(sessions, tables, ())
    rows = interleave(today) if today else no_rows()
    own = {name: getattr(rows, name) for name in fields_of(rows)}
    span = SessionSpan(part.session, 0, len(rows))
    rest = Block(**own, spans=(span,), through_ns=through_ns)
    while len(rest) > _BLOCK_ROWS:
        known_ns = rest.known_ns
        end = int(known_ns.searchsorted(known_ns[_BLOCK_ROWS]))
        block, rest = cut_block(rest, end, int(known_ns[end - 1]))
        yield Bars(block)
    yield Bars(rest)


class _Feed:
    """What was seen, and what is asked for then."""

    history_sources: ClassVar[HistorySources] = {}

    def __init__(self, inputs: Sequence[bytes], last: Command | None) -> None:
        self._inputs = inputs
        self._last = last

    def messages(self) -> Iterator[Message]:
        yield from map(codec.decode_message, self._inputs)
        if self._last is not None:
            yield self._last


class Shadow:
    """Runs one task."""

    def __init__(self, task: Task, folder: Path) -> None:
        self._task = task
        self._folder = folder
        self._header = read_header(task.header, folder)
        self._times = TimeManager(Path(task.data_folder), self._header.session_config.market)
        self._outcome: ReloadOutcome | None = None
        self._bars = self._orders = 0

    def verdict(self) -> Verdict:
        """Check the seat, run the new code, then hand over to it."""
        task = self._task
        self._write(task.reload)
        self._check_seat()
        self._execute(task.reload, None)
        found = Verdict(bars=self._bars, orders=self._orders)
        with suppress(StrategyError):  # what it is replaced for; the run itself will hand over
            self._execute(task.before, task.reload.command())
        if self._outcome is not None and self._outcome.refused:
            raise StrategyError(self._outcome.refused)
        return found

    def _check_seat(self) -> None:
        """What is wrong with its seat is told in the words that the run would find."""
        config = self._header.session_config
        market = market_from(self._header, self._times, _NO_BARS)
        plan = Plan(
            config.symbols, config.base_interval, self._task.intervals, self._task.history,
            config.extended_hours, (),
        )  # fmt: skip
        shop = SeatWorkshop(
            config, (), plan, market.sessions, market.sessions_before, market.time, self._folder,
            Cursor(),
        )  # fmt: skip
        shop.prepare(self._task.reload)

    def _write(self, reload: Reload) -> None:
        """Put its file in place; an error then shows its lines."""
        name = reload.use.partition(":")[0]
        if name.endswith(".py"):
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(reload.text, encoding="utf-8", newline="")

    def _execute(self, reload: Reload, last: Command | None) -> None:
        self._write(reload)
        task, header = self._task, self._header
        session = task.session or header.sessions[0]
        market = market_from(header, self._times, _NO_BARS)
        # The others tell how long a session can be: what never has a value is refused by that.
        sessions = (session, *header.sessions_before, *header.sessions)
        market = msgspec.structs.replace(
            market, sessions=sessions, sessions_before=lambda count: (), risk_past=None
        )
        feed = _Feed(task.inputs, last)
        run = Run(
            self._config(reload), market, self._folder, self._take, alarm=quiet,
            parts=Parts(make_feed=lambda _: feed, on_gap=lambda _: None),
        )  # fmt: skip
        try:
            run.execute()
        except HookInterrupted as error:
            raise StrategyError(f"Strategy {reload.strategy} hung: {error}.") from None
        run.processor.check_causality()
        with run.workshop.bounded():
            for seat in run.seats:
                if seat.keeps_state and last is None:
                    seat.check_state()
        self._orders = run.execution.order_count

    def _take(self, results: Results) -> None:
        self._bars += results.bars
        self._outcome = results.reload or self._outcome

    def _config(self, reload: Reload) -> SessionConfig:
        """The run's, with this strategy alone, on paper, as the run computes and keeps bars."""
        config, task = self._header.session_config, self._task
        item = next(one for one in config.strategies if one.label == reload.strategy)
        own: dict[str, Any] = {"use": reload.use, "params": reload.params, "name": item.label}
        strategy: StrategyConfig = item.model_copy(update=own)
        others = [one for one in task.intervals if one != config.base_interval]
        history = {name: "all" if n is None else n for name, n in task.history.items()}
        risk, protection = config.risk, config.protection
        return config.model_copy(
            update={
                "strategies": (strategy,),
                "live": config.lived.model_copy(update={"broker": "paper"}),
                "derived_intervals": tuple(others),
                "history": history,
                "engine": config.engine.model_copy(update={"runner": "pool"}),
                "risk": risk.model_copy(update={"strategies": _only(item, risk.strategies)}),
                "protection": protection.model_copy(
                    update={"strategies": _only(item, protection.strategies)}
                ),
            }
        )


def _only(item: StrategyConfig, scopes: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in scopes.items() if name == item.label}


class _NoBars:
    """Nobody asks for bars at rest."""


_NO_BARS: Any = _NoBars()


def _keep_small(memory_mb: int | None) -> None:
    """What is asked for beyond this is refused by the system."""
    free = free_mb()
    most_mb = memory_mb or (None if free is None else free * _MEMORY_SHARE)
    if most_mb is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        with suppress(ValueError, OSError):  # less is the most already, or it cannot be set
            resource.setrlimit(resource.RLIMIT_DATA, (int(most_mb) << 20, hard))


def main(path: Path) -> None:
    """Leave a verdict, whatever becomes of the strategy."""
    os.nice(_NICE)
    look_here_last()
    signal.setitimer(signal.ITIMER_REAL, SHADOW_SECONDS)  # its end, also where the run has ended
    logger.remove()
    task = codec.decode(path.read_bytes(), Task)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:  # goes with the task
        shadow = Shadow(task, Path(folder))
        _keep_small(shadow._header.session_config.engine.memory_mb)
        try:
            found = shadow.verdict()
        except AppError as error:
            found = Verdict(str(error), error.exit_code)
        except BaseException as error:
            found = Verdict(f"{type(error).__name__}: {error}", 1)
    new = path.with_name(path.name + ".new")
    new.write_bytes(codec.encode(found))
    new.replace(path.with_name(path.name + VERDICT))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    os._exit(0)  # threads that a strategy began, or that hang in it, hold nobody up
