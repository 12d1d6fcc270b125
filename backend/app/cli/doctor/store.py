"""What is stored: the database, the calendars, the bars, and the runs that broke off."""

import datetime as dt
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.cli.doctor.finding import Ground, Verdict, failing, ok, warning
from app.core.accounts import account_of
from app.core.errors import AppError
from app.managers.time_manager.clock import WallClock

if TYPE_CHECKING:
    from sqlalchemy import Engine

LOOK_SECONDS: Final = 1.0  # that pages and files are looked at; then the rest is left
_LOOPBACK: Final = ("", "localhost", "127.0.0.1", "::1")
_AHEAD: Final = dt.timedelta(days=30)  # calendars should reach this far


class Deadline:
    """Says when a look has taken long enough."""

    def __init__(self, seconds: float) -> None:
        self._clock = WallClock()
        self._until_ns = self._clock.monotonic_ns() + int(seconds * 1e9)

    def is_past(self) -> bool:
        return self._clock.monotonic_ns() > self._until_ns


def check_database(ground: Ground) -> Iterator[Verdict]:
    """It can be reached, its schema is this program's, and its pages are whole."""
    from app.repositories.database import shown_url
    from app.repositories.database_health import examined

    path = sqlite_path(ground)
    if path is not None and not path.exists():
        yield ok(f"none yet: the first command that needs one makes {path}")
        return
    engine = open_engine(ground)
    try:
        host = str(engine.url.query.get("host") or engine.url.host or "")
        if path is None and host not in _LOOPBACK and not host.startswith("/"):
            yield ok(f"at {host}; not looked at, as this uses no network")
            return
        health = examined(engine, Deadline(LOOK_SECONDS).is_past)
    except AppError as error:
        yield failing(str(error), _move_away(path))
        return
    finally:
        engine.dispose()
    name = path or shown_url(engine.url)
    if health.faults:
        yield failing(f"{name} is damaged: {health.faults[0]}", _move_away(path))
    elif health.revision is None:
        yield ok(f"{name} is empty: the first command that needs it makes its tables")
    elif not health.is_current:
        yield warning(
            f"{name} has the schema {health.revision}, which is not this program's",
            "./start_cli.sh init-db",
        )
    else:
        part = "its pages are whole" if health.is_whole else "too large to look at all pages"
        yield ok(f"{name}: schema {health.revision}, {part}")


def sqlite_path(ground: Ground) -> Path | None:
    """The database's file; None where it is a server's."""
    from sqlalchemy import make_url

    from app.repositories.database import url_of

    parsed = make_url(url_of(ground.settings))
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def open_engine(ground: Ground) -> "Engine":
    from app.repositories.database import open_database, url_of

    return open_database(url_of(ground.settings))


def _move_away(path: Path | None) -> str:
    """A command that takes a damaged file out of the way, with what belongs to it and is there by
    then: what others hold open beside it goes as they close it.
    """
    if path is None:
        return "./start_cli.sh init-db"
    folder = path.with_name(f"{path.name}.damaged")
    found = ["find", str(path.parent), "-maxdepth", "1", "-type", "f", "-name", f"{path.name}*"]
    moved = f"{shlex.join([*found, '-exec', 'mv', '{}', str(folder)])} ';'"
    return f"mkdir -p {shlex.quote(str(folder))} && {moved}"


def check_runs(ground: Ground) -> Iterator[Verdict]:
    """No live run broke off and waits to be gone on with, and the database knows them all."""
    from app.core.processes import is_running
    from app.repositories.journal_reader import JOURNAL_FOLDER, has_begun
    from app.repositories.run_repository import RunRepository

    folder = ground.settings.runs_folder
    journals = {path.parent.name for path in folder.glob(f"*/{JOURNAL_FOLDER}/")}  # of live runs
    path = sqlite_path(ground)
    unfinished, known = [], set[str]()
    if path is not None and path.exists():
        engine = open_engine(ground)
        try:
            runs = RunRepository(engine)
            unfinished, known = runs.unfinished_runs(), runs.run_ids()
        except AppError:
            yield ok("not known: see the database")
            return
        finally:
            engine.dispose()
    gone = [run for run in unfinished if not is_running(int(run["pid"] or 0))]
    broken = [run for run in gone if has_begun(folder / run["run_id"])]
    for run in broken:
        account = account_of(run["config"])
        yield warning(
            f"run {run['run_id']} broke off, and may have orders at its venue",
            f"./start_cli.sh system recover --account {shlex.quote(account)} --dry-run",
        )
    unknown = sorted(journals - known) if path is not None else []
    forgotten = [run_id for run_id in unknown if has_begun(folder / run_id)]
    for run_id in forgotten:
        what = f"run {run_id} has a journal, and the database does not know it"
        yield warning(what, f"./start_cli.sh runs rebuild {shlex.quote(run_id)}")
    if not broken and not forgotten:
        yield ok(f"{len(unfinished) - len(gone)} under way, no live run broke off")


def check_calendars(ground: Ground) -> Iterator[Verdict]:
    """Trading sessions are at hand for the weeks to come."""
    from app.managers.time_manager.library import source
    from app.repositories.bar_store_files import unescape
    from app.repositories.calendar_files import CalendarFiles

    folder = ground.settings.data_folder / "calendars"
    kept = (
        sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    )
    if not kept:
        yield ok("none kept yet: the first command that needs one works it out")
        return
    files = CalendarFiles(folder, source())
    today = dt.datetime.fromtimestamp(WallClock().now_ns() / 1e9, dt.UTC).date()
    last = (today + _AHEAD).year
    for folder_name in kept:
        name = unescape(folder_name)
        missing = [year for year in range(today.year, last + 1) if files.year(name, year) is None]
        remedy = f"./start_cli.sh time import-holidays --market {shlex.quote(name)} --to {last}"
        if files.market(name) is None:
            yield warning(f"{name} is of another version of the library, or damaged", remedy)
        elif not any((folder / folder_name).glob("[0-9]*.json")):  # only its zone was asked for
            yield ok(f"{name}: none kept yet")
        elif missing:
            yield warning(f"{name} lacks {missing[0]}", remedy)
        else:
            while files.year(name, last + 1) is not None:
                last += 1
            yield ok(f"{name} kept to the end of {last}, from {source()}")


def check_bars(ground: Ground) -> Iterator[Verdict]:
    """Every file of bars can be opened; how many there are, and how new."""
    from app.repositories.bar_store_codec import read_label
    from app.repositories.bar_store_files import is_year

    root = ground.settings.data_folder / "bars"
    paths = sorted(path for path in root.glob("*/*/*/*.parquet") if is_year(path.name))
    if not paths:
        yield ok("none yet: './start_cli.sh data sample' or 'data import-csv' brings some")
        return
    deadline = Deadline(LOOK_SECONDS)
    bars, newest_ns, seen = 0, 0, 0
    for path in paths:
        if deadline.is_past():
            break
        seen += 1
        try:
            label = read_label(path)
        except AppError as error:
            moved = shlex.join([str(path), f"{path}.damaged"])
            yield failing(f"{path} cannot be read: {error}", f"mv {moved}")
            continue
        bars, newest_ns = bars + label.rows, max(newest_ns, label.last_ns)
    newest = dt.datetime.fromtimestamp(newest_ns // 10**9, dt.UTC).date()
    part = "" if seen == len(paths) else f" in the first {seen} of {len(paths)} files"
    yield ok(f"{bars:,} bars{part}, the newest of {newest}")
