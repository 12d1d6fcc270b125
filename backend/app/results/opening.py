"""Opens a finished run by its id or its folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from app.core.errors import NotFoundError, StateError, UsageError
from app.core.run_states import ABANDONED, RUNNING
from app.core.settings import Settings, get_settings
from app.managers.system_manager.record.recorded_run import read_run
from app.managers.time_manager import WallClock
from app.repositories.account_locks import is_under_way
from app.repositories.journal_reader import JOURNAL_FOLDER
from app.results.run import Run
from app.results.sources import Sources

if TYPE_CHECKING:
    from app.managers.system_manager.record.recorded_run import RecordedRun

_RUNS: Final = "runs"


def open_run(run: str | Path = "last", *, data_folder: Path | str | None = None) -> Run:
    """A run that has ended: by its id, its unique beginning, `last`, `last-1`, or its folder.

    `data_folder` is where runs lie, unless MISMARTERA_DATA_FOLDER says it. A run under way, or one
    that broke off and left no record, is a StateError.
    """
    for name, given_as in (
        ("run", run),
        ("data_folder", "" if data_folder is None else data_folder),
    ):
        if not isinstance(given_as, str | Path):
            raise UsageError(
                f"open_run: {name} is {given_as!r}, of type {type(given_as).__name__}; it takes "
                "text, as a run's id or 'last', or a folder. 'runs list' shows the ids."
            )
    given = Path(run)
    if isinstance(run, Path) or len(given.parts) > 1:
        if not given.is_dir():
            raise NotFoundError(
                f"There is no folder {given}. A run's folder is runs/ID of its data."
            )
        given = given.resolve()
        if given.parent.name != _RUNS:
            raise NotFoundError(
                f"{given} is no run's folder: that is runs/ID of a data folder, whose database has "
                "its orders and fills."
            )
        return _opened(Sources(_settings(given.parent.parent)), given.name)
    return _opened(Sources(_settings(data_folder)), str(run))


def open_from(sources: Sources, words: str) -> Run:
    """The same, for those who have the managers."""
    return _opened(sources, words)


def _settings(data_folder: Path | str | None) -> Settings:
    settings = get_settings()
    if data_folder is None:
        return settings
    return settings.model_copy(update={"data_folder": Path(data_folder)})


def _opened(sources: Sources, words: str) -> Run:
    sources.need_runs()
    record = read_run(words, sources.runs, sources.repository)
    row = record.row
    if is_under_way(row, sources.engine, WallClock()):
        raise StateError(
            f"Run {record.run_id} is under way in process {row['pid']}: it is read when it has "
            "ended. 'system stop' ends it."
        )
    if not (record.facts or record.summary):
        raise StateError(_left_nothing(record.run_id, sources.runs / record.run_id))
    return Run(_broken_off(record) if row["state"] == RUNNING else record, sources)


def _left_nothing(run_id: str, folder: Path) -> str:
    """Its process ended before its record was written."""
    remedy = (
        f"'runs rebuild {run_id}' makes what it had come to of its journal."
        if (folder / JOURNAL_FOLDER).exists()
        else "Start it again: a replay comes to the same."
    )
    return f"Run {run_id} broke off, and left no record. {remedy}"


def _broken_off(record: "RecordedRun") -> "RecordedRun":
    """A run that broke off and was rebuilt as far as it had come."""
    row = record.row
    summary = {**(record.facts.get("summary") or {}), "state": ABANDONED}
    return replace(record, row={**row, "state": ABANDONED, "summary": row["summary"] or summary})
