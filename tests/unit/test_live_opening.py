"""A start looks for what the runs before it left, whatever else lies beside that."""

from pathlib import Path
from typing import Any

import pytest

from app.cli.main import main
from app.core.config import SessionConfig
from app.core.config_json import InvalidConfigError
from app.core.errors import StateError
from app.core.settings import Settings
from app.core.trading_state import RiskPast
from app.managers.system_manager.control.alarms import Alarms
from app.managers.system_manager.live.live_opening import (
    LiveOpening,
    check_means,
    unfinished_run,
)
from app.managers.time_manager import WallClock
from app.repositories.account_risk import AccountRisk, AccountRisks
from app.repositories.database import ensure_database, open_database, sqlite_url
from app.repositories.journal_file import JournalWriter
from app.repositories.journal_reader import JOURNAL_FOLDER
from app.repositories.run_repository import RunRepository


def test_a_journal_of_another_run_that_lacks_a_part_keeps_no_run_from_its_start(
    tmp_path: Path,
) -> None:
    engine = open_database(sqlite_url(tmp_path))
    ensure_database(engine)
    folder = tmp_path / "runs" / "kept"
    writer = JournalWriter(folder / JOURNAL_FOLDER)
    writer.begin_part({"format": 1})
    writer.begin_part({"format": 1})
    writer.close()
    (folder / JOURNAL_FOLDER / "part-0001.journal").unlink()
    assert unfinished_run(engine, tmp_path / "runs", "default") is None


def test_a_run_that_broke_off_elsewhere_is_left_to_nobody_by_no_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path))
    engine, folder = open_database(sqlite_url(tmp_path)), tmp_path / "runs"
    ensure_database(engine)
    runs = RunRepository(engine)
    for run_id, account, broker in (("1", "mine", "venue"), ("2", "toy", "paper")):
        config = {"live": {"account": account, "broker": broker}}
        runs.start_run(run_id, name="n", mode="live", config=config, started_at="2026", pid=0)
    assert unfinished_run(engine, folder, "toy") is None
    with pytest.raises(StateError, match=r"Run 1 of the account 'mine' broke off, and may .*copy"):
        unfinished_run(engine, folder, "mine")
    for words, code, told in (
        ("--dry-run", 1, "'system recover --account mine --give-up' ends the run then."),
        ("--give-up", 0, "Run 1 is given up."),
        ("--give-up", 3, "No live run of the account 'mine' broke off"),
    ):
        assert main(["system", "recover", "--account", "mine", words]) == code
        assert told in " ".join("".join(capsys.readouterr()).split())
    assert unfinished_run(engine, folder, "mine") is None
    engine.dispose()


@pytest.mark.parametrize(("left", "counts"), [("", True), ("USD", True), ("EUR", False)])
def test_losses_of_one_currency_are_not_taken_for_those_of_another(
    tmp_path: Path, left: str, *, counts: bool
) -> None:
    engine = open_database(sqlite_url(tmp_path))
    ensure_database(engine)
    past = RiskPast("XNYS", currency=left)
    AccountRisks(tmp_path).change("default", lambda found: AccountRisk("default", past=past))
    config = SessionConfig.model_validate(
        {"name": "x", "mode": "live", "symbols": ["SYN1"], "strategies": [{"use": "trader.py"}]}
    )
    settings: Any = Settings(data_folder=tmp_path)
    nothing: Any = None
    opening = LiveOpening(
        settings, engine, WallClock(), config, "", nothing, nothing, Alarms(lambda: "")
    )  # fmt: skip
    if counts:
        assert opening.risk_past() == past
    else:
        with pytest.raises(StateError, match="counted in EUR, and this one counts in USD"):
            opening.risk_past()


@pytest.mark.parametrize("rate", ["margin_rate", "borrow_rate"])
def test_what_a_venue_charges_by_itself_is_not_charged_beside_it(rate: str) -> None:
    """Our cash would not be the venue's any more, and after a break that halts the run."""
    given = {
        "name": "x", "mode": "live", "symbols": ["SYN1"], "strategies": [{"use": "trader.py"}],
        "account": {rate: 0.06},
    }  # fmt: skip
    check_means(SessionConfig.model_validate(given))  # on paper nobody else does
    at_venue = SessionConfig.model_validate({**given, "live": {"broker": "venue"}})
    with pytest.raises(InvalidConfigError, match=rf"account\.{rate}: the venue keeps the account"):
        check_means(at_venue)
