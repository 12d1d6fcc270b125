"""`runs rebuild`: a live run's rows in SQL and the files of its folder, made again of its journal.

The journal is the truth; these are its projection. The run is run again from it, as `verify` does,
and what comes of it takes the place of what there was. A run that broke off gets what it had come
to: its state stays, so that the next start of its account goes on with it.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from app.core.bars import no_rows
from app.core.errors import AppError, DataError, NotFoundError, StateError
from app.core.folders import need_run_folder
from app.core.messages import Message
from app.core.progress import OnCount, counted
from app.core.run_ids import runs_back
from app.core.run_states import FAILED, FINISHED, RUNNING
from app.core.seams import BarSource
from app.managers.system_manager.journal.journal_feed import RunJournal
from app.managers.system_manager.record.equity_file import record_errors
from app.managers.system_manager.record.figures import figures_of
from app.managers.system_manager.record.run_outcome import (
    RunEnd,
    outcome_facts,
    reload_facts,
    state_of,
    summary_of,
)
from app.managers.system_manager.record.run_record import RunRecord
from app.managers.system_manager.record.summary import Summary
from app.managers.system_manager.record.uncertain_bars import FILE as UNCERTAIN_BARS
from app.managers.system_manager.rerun.hung_again import HungAgain
from app.managers.system_manager.rerun.recovery import Recovery
from app.managers.system_manager.rerun.rewiring import HeardFeed, wired_again
from app.managers.system_manager.wiring import Run
from app.managers.time_manager import TimeManager, WallClock
from app.repositories.account_locks import AccountLocks, is_under_way
from app.repositories.journal_reader import JOURNAL_FOLDER
from app.strategies.failure import HookInterrupted
from app.threads.stream.results import Results

if TYPE_CHECKING:
    from sqlalchemy import Engine, RowMapping

    from app.repositories.run_repository import RunRepository

_NEW: Final = "rebuilding"  # where the files are made, in the run's folder
_FILES: Final = ("equity.parquet", UNCERTAIN_BARS, "run.json", "report.md")
_NOBODY: Final = 0  # the process of a run that SQL did not know


def rebuild_run(
    words: str,
    runs: Path,
    engine: "Engine",
    times: TimeManager,
    source: BarSource,
    on_count: OnCount | None = None,
) -> Summary:
    """Rebuild the run of this id or beginning; nobody can go on with it meanwhile.

    `on_count` is told of the inputs of its journal.
    """
    from app.repositories.run_repository import RunRepository

    repository = RunRepository(engine)
    run_id = _run_id_of(words, runs, repository)
    rebuilding = Rebuilding(run_id, runs / run_id, repository, times, source, on_count)
    if not rebuilding.is_unfinished:
        return rebuilding.rebuild()
    config, wall = rebuilding.header.session_config, WallClock()
    since = times.to_local(wall.now_ns(), config.market).isoformat(timespec="seconds")
    locks = AccountLocks(engine, wall)
    token = locks.acquire(config.lived.account, run_id, since=since)
    try:
        return rebuilding.rebuild()
    finally:
        locks.release(config.lived.account, token)


def _run_id_of(words: str, runs: Path, repository: "RunRepository") -> str:
    """As SQL knows it; else as its folder is called."""
    try:
        return str(repository.get_run(words)["run_id"])
    except NotFoundError:
        found = [path.parent.name for path in runs.glob(f"*/{JOURNAL_FOLDER}")]
        back = runs_back(words)
        if back is not None and back < len(found):
            return sorted(found)[-1 - back]
        found = [name for name in found if name.startswith(words)]
        if words in found or len(found) == 1:
            return words if words in found else found[0]
        raise


class Rebuilding:
    """Rebuilds one run; used once."""

    def __init__(
        self,
        run_id: str,
        folder: Path,
        repository: "RunRepository",
        times: TimeManager,
        source: BarSource,
        on_count: OnCount | None,
    ) -> None:
        """`folder` is the run's."""
        self._on_count = on_count
        self._run_id = run_id
        self._folder = folder
        self._repository = repository
        self._times = times
        self._source = source
        self._row = self._known_row()
        need_run_folder(folder)
        self._journal = RunJournal(folder)
        self.header = self._journal.header()
        self._end = self._journal.end()
        self._hangs = HungAgain(self._journal, self._end)
        self._recovery = Recovery(self._journal)
        self._difference: AppError | None = None
        self._run: Run | None = None
        self._record: RunRecord | None = None
        self._bars = 0

    @property
    def is_unfinished(self) -> bool:
        """Whether the next start of its account goes on with this run."""
        return self._end is None and (self._row is None or self._row["state"] == RUNNING)

    def rebuild(self) -> Summary:
        """Run it again, and put what comes of it in place."""
        feed = _EndingFeed(self._journal, self._hear, self._at_end, self._on_count)
        with (
            self._new_folder() as folder,
            wired_again(self.header, self._times, self._source, feed, self._take) as run,
        ):
            self._run = run
            self._hangs.begin(run)
            self._record = record = self._begun_record(run, folder)
            try:
                raised = self._execute(run)
                if not self.is_unfinished:
                    for news in self._journal.last_news():
                        run.book(news)
                summary, facts, error = self._outcome(run, raised)
            except BaseException:
                record.discard()
                raise
            self._begin_row()
            record.replace(summary, facts, self._ended_at(), error)
            with record_errors(self._folder):
                for name in _FILES:
                    if (folder / name).exists():
                        (folder / name).replace(self._folder / name)
                    else:
                        (self._folder / name).unlink(missing_ok=True)
        return summary

    # -- the run again ---------------------------------------------------------------------------

    def _hear(self, message: Message) -> None:
        if self._run is not None:
            self._hangs.hear(self._run, message)

    def _take(self, results: Results) -> None:
        """One input's results, which must be those on record."""
        try:
            self._recovery.take(results)
        except DataError as error:
            self._difference = error
            raise
        record = self._record
        assert record is not None, "the run begins after its record"
        if results.sequence <= self._recovery.last_sequence or not self.is_unfinished:
            self._bars += results.bars
            record.take(results)

    def _at_end(self) -> None:
        """The record ends: so does the run, as it ended then, or as it stood when it broke off."""
        run, record = self._run, self._record
        assert run is not None
        assert record is not None
        if self.is_unfinished:
            working, void = run.execution.broker.working.values(), self._recovery.void
            record.take(_orders_alone(run, [o for o in working if o.order_id not in void]))
            run.pipeline.stop("broken off")
        elif self._end is not None and self._end.ended != FINISHED:
            run.pipeline.stop(self._end.ended)

    def _execute(self, run: Run) -> BaseException | None:
        """What ended it, where it raised then too."""
        try:
            run.execute()
        except (Exception, HookInterrupted) as error:
            if self._difference is not None:
                raise DataError(
                    f"Run {self._run_id} cannot be rebuilt: run again from its journal it decides "
                    "otherwise, as this program, its libraries or a strategy have changed since. "
                    f"'verify {self._run_id}' shows the first difference. Nothing was changed."
                ) from error
            if self._end is not None and not self._hangs.is_as_then(error):
                raise
            is_failure = self._end is None or self._end.ended == FAILED
            return error if is_failure else None
        return None

    def _outcome(
        self, run: Run, raised: BaseException | None
    ) -> tuple[Summary, dict[str, Any], str | None]:
        """The summary, what run.json says, and the error that ended the run."""
        end = self._end or RunEnd(FINISHED if raised is None else FAILED)
        figures = figures_of(run)
        summary = summary_of(run, figures, self._run_id, self._folder, end.ended, None, self._bars)
        orders = summary.orders - len(self._recovery.void)
        summary = msgspec.structs.replace(summary, state=self._state(raised), orders=orders)
        header = self.header
        facts = {
            "started_at": self._started_at(),
            "config": header.config,
            "hard_limits": header.hard_limits,
            "versions": header.versions,
            "platform": header.platform,
            "program": header.program,
            "strategies": header.strategies,
            "run_id": self._run_id,
            **outcome_facts(run, end.timings, figures),
            "killed": end.killed,
            "reloads": [reload_facts(one, self._local_text) for one in self._journal.reloads()],
        }
        told = None if raised is None else str(raised)
        known = None if self._row is None else self._row["error"]
        return summary, facts, end.error or told or (None if self._end else known)

    def _state(self, raised: BaseException | None) -> str:
        """What the journal says; where it breaks off, what SQL says unless that is nothing."""
        if self._end is not None:
            return state_of(self._end.ended)
        if self.is_unfinished:
            return RUNNING if raised is None else FAILED
        assert self._row is not None
        return str(self._row["state"])

    # -- its record ------------------------------------------------------------------------------

    def _known_row(self) -> "RowMapping | None":
        """The run in SQL; a run that is under way is refused."""
        if not self._repository.has_run(self._run_id):
            return None
        row = self._repository.get_run(self._run_id)
        if row["mode"] != "live":
            raise DataError(
                f"Run {self._run_id} is a replay and has no journal; start it again instead."
            )
        if is_under_way(row, self._repository.engine, WallClock()):
            raise StateError(
                f"Run {self._run_id} goes on in process {row['pid']}. When it has ended, or "
                "'system stop' has ended it, it can be rebuilt."
            )
        return row

    def _begun_record(self, run: Run, folder: Path) -> RunRecord:
        header = self.header
        return RunRecord(
            folder, self._run_id, self._repository, [seat.name for seat in run.seats],
            header.session_config.symbols, [item.currency for item in header.instruments],
            self._local_text,
        )  # fmt: skip

    def _local_text(self, ns: int) -> str:
        market = self.header.session_config.market
        return self._times.to_local(ns, market).isoformat()

    def _begin_row(self) -> None:
        """The run's own row, where SQL has none."""
        if self._row is None:
            config = self.header.session_config
            self._repository.start_run(
                self._run_id, name=config.name, mode=config.mode, config=self.header.config,
                started_at=self._started_at(), pid=_NOBODY,
            )  # fmt: skip

    def _started_at(self) -> str:
        return self.header.started_at or ("" if self._row is None else str(self._row["started_at"]))

    def _ended_at(self) -> str | None:
        if self._end is not None and self._end.at:
            return self._end.at
        return None if self._row is None else self._row["ended_at"]

    @contextlib.contextmanager
    def _new_folder(self) -> Iterator[Path]:
        """Where the files are made: what is there stays whole until they are."""
        folder = self._folder / _NEW
        shutil.rmtree(folder, ignore_errors=True)  # of a rebuilding that died
        with record_errors(self._folder):
            folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


class _EndingFeed(HeardFeed):
    """The same, counted; `at_end` comes before the stream ends."""

    def __init__(
        self,
        journal: RunJournal,
        hear: Callable[[Message], None],
        at_end: Callable[[], None],
        on_count: OnCount | None,
    ) -> None:
        super().__init__(journal, hear)
        self._at_end = at_end
        self._on_count = on_count
        self._inputs = 0 if on_count is None else journal.input_count()

    def messages(self) -> Iterator[Message]:
        """The recorded inputs."""
        yield from counted(super().messages(), self._inputs, self._on_count)
        self._at_end()


def _orders_alone(run: Run, orders: list[Any]) -> Results:
    """Orders for the record, as they stand."""
    records = msgspec.structs.replace(run.execution.diary.take(), orders=orders)
    empty = no_rows()
    return Results(records, empty.start_ns, empty.open, 0, run.engine.now_ns)
