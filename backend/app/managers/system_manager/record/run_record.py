"""A run's record: its folder and its rows in SQL, written while the run streams.

`run.json` holds config, versions, data passport, timings and the summary; `equity.parquet` the
curve; `uncertain_bars.csv` what bars left open; `report.md` the page for people. Orders, their
changes and fills are rows in SQL, made when the replay has ended. Memory is flat in a run's length.
A live run whose disk refuses goes on without it: its journal has all of it.
"""

import json
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loguru import logger

from app.core.errors import AppError, ConfigError, DatabaseAway, DataError
from app.core.orders import Order
from app.core.run_states import FAILED
from app.core.seams import Alarm
from app.managers.system_manager.record.equity_file import EquityFile, record_errors
from app.managers.system_manager.record.summary import Summary, report_page
from app.managers.system_manager.record.uncertain_bars import LocalText, UncertainBars
from app.managers.system_manager.record.waiting_rows import WaitingRows
from app.managers.time_manager import WallClock
from app.threads.stream.results import Results

if TYPE_CHECKING:
    from app.repositories.run_repository import RunRepository


_MORE_TRIES = 5
_TRY_SECONDS = 10.0  # so a minute in all; a file that is locked takes as long to say so


def claim_folder(runs: Path, stem: str, repository: "RunRepository") -> tuple[str, Path]:
    """A run id that nobody has, and its new folder."""
    run_id, number = stem, 1
    while repository.has_run(run_id) or not _made(runs / run_id):
        number += 1
        run_id = f"{stem}-{number}"
    return run_id, runs / run_id


class RunRecord:
    """Takes the engine's results; `finish` closes the record whatever happened.

    Its folder is there and empty when it begins.
    """

    def __init__(
        self,
        folder: Path,
        run_id: str,
        repository: "RunRepository",
        strategies: Sequence[str],
        symbols: Sequence[str],
        currencies: Sequence[str],
        local_text: LocalText,
    ) -> None:
        self.folder = folder
        self.run_id = run_id
        self.local_text = local_text
        self._repository = repository
        self._strategies = strategies
        self._symbols = symbols
        self._unended: Sequence[Order] = ()
        self._curve = EquityFile(folder)
        with record_errors(folder):
            self._rows = WaitingRows(folder)
            self._uncertain = UncertainBars(folder, symbols, currencies, local_text)
        self._wall = WallClock()
        self._alarm: Alarm | None = None  # of a live run
        self._make_of_journal: Callable[[], object] | None = None
        self._is_given_up = False  # the disk refused: it is made of the journal at the end

    def rest_on_journal(self, alarm: Alarm, make: Callable[[], object]) -> None:
        """From now on a disk that refuses costs an alarm, and no run: `make` puts the record in its
        place once the run has ended.
        """
        self._alarm, self._make_of_journal = alarm, make

    def discard(self) -> None:
        """The run did not begin: leave nothing of it."""
        self._curve.close()
        self._rows.delete()
        shutil.rmtree(self.folder, ignore_errors=True)

    def take(self, results: Results) -> None:
        """Write down one block's results."""
        if self._is_given_up:
            return
        try:
            with record_errors(self.folder):
                records = results.records
                self._rows.add(records.orders, records.order_changes, records.fills)
                self._uncertain.add(records.uncertain)
            self._curve.add(results.equity_ns, results.equity)
        except DataError as error:
            if self._make_of_journal is None:
                raise
            self._give_up(error)

    def _give_up(self, error: DataError) -> None:
        """Leave the files alone: what the disk took of them may be torn."""
        self._is_given_up = True
        with suppress(AppError, OSError):
            self._curve.close()
        with suppress(OSError):
            self._rows.delete()  # the journal may need the room
        if self._alarm is not None:
            self._alarm(
                "record waits",
                f"{error} The run goes on, and its record is made of its journal when it ends: "
                "have room on the disk by then.",
            )

    def keep(self, unended: Sequence[Order]) -> None:
        """Orders that go on record as they stood, as nobody waits for their end."""
        self._unended = unended

    def finish(
        self,
        summary: Summary,
        facts: Mapping[str, Any],
        passport: Sequence[Mapping[str, Any]],
        ended_at: str,
        error: str | None,
    ) -> None:
        """Write what is left, the page and the run's end; SQL learns of it in any case."""
        state, trouble = summary.state, None
        try:
            if self._is_given_up:
                self._tell_sql(summary, state, ended_at, error)  # of a run under way none is made
                self._make_again()
                return
            self._curve.close()
            with record_errors(self.folder):
                self._rows.add(self._unended, (), ())
            self._store_patiently()
            self._write_pages(summary, facts, passport, error)
        except AppError as raised:
            state, trouble = FAILED, raised
            error = error or str(raised)
        self._tell_sql(summary, state, ended_at, error)
        if trouble is not None:
            raise trouble

    def _make_again(self) -> None:
        assert self._make_of_journal is not None, "it was given up for that"
        logger.info("The record of run {} is made of its journal", self.run_id)
        try:
            self._make_of_journal()
        except AppError as error:
            raise DataError(
                f"The record of run {self.run_id} could not be written while it ran, nor made of "
                f"its journal: {error} 'runs rebuild {self.run_id}' tries that again."
            ) from error

    def amend(
        self,
        summary: Summary,
        facts: Mapping[str, Any],
        passport: Sequence[Mapping[str, Any]],
        ended_at: str,
    ) -> None:
        """More is known of a run that has finished and been recorded."""
        self._write_pages(summary, facts, passport, None)
        self._tell_sql(summary, summary.state, ended_at, None)

    def replace(
        self, summary: Summary, facts: Mapping[str, Any], ended_at: str | None, error: str | None
    ) -> None:
        """Put it in the place of what SQL has; on an error, its word on the run's state stays."""
        self._curve.close()
        self._write_pages(summary, facts, (), error)
        self._store_rows()
        self._tell_sql(summary, summary.state, ended_at, error)

    def leave(self) -> None:
        """The run is as unfinished as it was found: SQL is told nothing, and goes on saying so."""
        self._curve.close()
        self._rows.delete()

    def give_up(self, state: str, ended_at: str, error: str) -> None:
        """SQL alone learns that the run ended; what waits in the folder stays there."""
        self._repository.finish_run(self.run_id, state=state, ended_at=ended_at, error=error)

    def _tell_sql(
        self, summary: Summary, state: str, ended_at: str | None, error: str | None
    ) -> None:
        self._repository.finish_run(
            self.run_id,
            state=state,
            ended_at=ended_at,
            summary=summary.as_json(),
            error=error,
            fingerprint=summary.fingerprint,
        )

    def _write_pages(
        self,
        summary: Summary,
        facts: Mapping[str, Any],
        passport: Sequence[Mapping[str, Any]],
        error: str | None,
    ) -> None:
        """What scripts read, and what people read."""
        figures = summary.as_json()
        with record_errors(self.folder):
            whole = {**facts, "passport": list(passport), "summary": figures, "error": error}
            self._write("run.json", json.dumps(whole, indent=2, default=str) + "\n")
            self._write("report.md", report_page(summary, passport, error))

    def _store_patiently(self) -> None:
        """Try again while somebody else has the database, or its server is away."""
        for _ in range(_MORE_TRIES):
            began_ns = self._wall.monotonic_ns()
            try:
                return self._store_rows()
            except DatabaseAway as error:
                logger.warning("Rows of run {} have to wait. {}", self.run_id, error)
            spent_seconds = (self._wall.monotonic_ns() - began_ns) / 1e9
            self._wall.wait(threading.Event(), _TRY_SECONDS - spent_seconds)
        return self._store_rows()

    def _store_rows(self) -> None:
        """Give orders, their changes and fills their place in SQL; a run that goes on, again."""
        with record_errors(self.folder):
            rows = self._rows
            self._repository.clear_rows(self.run_id)
            self._repository.add_orders(self.run_id, rows.orders(), self._strategies)
            self._repository.add_order_changes(self.run_id, rows.changes())
            self._repository.add_fills(self.run_id, rows.fills(), self._symbols)
            rows.delete()

    def _write(self, name: str, text: str) -> None:
        new = self.folder / f"{name}.new"  # what is there stays whole until this one is
        new.write_text(text, encoding="utf-8")
        new.replace(self.folder / name)


def _made(folder: Path) -> bool:
    """Make a run's folder; False when another run has it, which may run in another process."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    except OSError as error:
        raise ConfigError(
            f"The run's folder {folder} cannot be made: {error.strerror}. "
            "Set MISMARTERA_DATA_FOLDER to a folder that can be written."
        ) from error
    return True
