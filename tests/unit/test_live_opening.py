"""A start looks for runs that broke off, whatever else lies beside them."""

from pathlib import Path

from sqlalchemy import create_engine

from app.managers.system_manager.live.live_opening import unfinished_run
from app.repositories.database import ensure_database, sqlite_url
from app.repositories.journal_file import JournalWriter
from app.repositories.journal_reader import JOURNAL_FOLDER


def test_a_journal_of_another_run_that_lacks_a_part_keeps_no_run_from_its_start(
    tmp_path: Path,
) -> None:
    engine = create_engine(sqlite_url(tmp_path))
    ensure_database(engine)
    folder = tmp_path / "runs" / "kept"
    writer = JournalWriter(folder / JOURNAL_FOLDER)
    writer.begin_part({"format": 1})
    writer.begin_part({"format": 1})
    writer.close()
    (folder / JOURNAL_FOLDER / "part-0001.journal").unlink()
    assert unfinished_run(engine, tmp_path / "runs", "default") is None
