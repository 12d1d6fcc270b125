"""`report open`, `report html`, and the page that a config asks for at its run's end."""

import json
import os
import sys
from pathlib import Path

import pytest
from tests.system_house import SystemHouse, stored_market, system_house

from app.cli.main import main
from app.cli.report.html import report_at_end

__all__ = ["stored_market", "system_house"]


@pytest.fixture(autouse=True)
def here(system_house: SystemHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of this process work on the house's folders."""
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(system_house.folder))
    monkeypatch.setenv("MISMARTERA_STRATEGIES_FOLDER", str(system_house.strategies))


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What a command says on the side that its exit code means."""
    assert main(words) == code
    found = capsys.readouterr()
    assert "Traceback" not in found.out + found.err
    return found.err if code else found.out


def test_a_config_that_asks_for_it_ends_with_a_page(
    system_house: SystemHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    asks = system_house.config(report={"html": True}, end="2024-06-03")
    path = system_house.file(asks)
    told = said(capsys, "system", "start", str(path))
    (found,) = (system_house.folder / "runs").glob("*/report.html")
    assert "report.html" in told
    assert found.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    as_json = json.loads(said(capsys, "system", "start", str(path), "--json"))
    assert Path(as_json["html"]).is_file()
    fingerprints = {run["fingerprint"] for run in system_house.runs().list_runs()}
    assert len(fingerprints) == 1


def test_a_run_that_failed_has_its_page_too(
    system_house: SystemHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    system_house.strategy(
        "failing.py",
        """
        from app.strategies import Strategy

        class Failing(Strategy):
            def on_bar(self, bar):
                raise ValueError("enough")
        """,
    )
    path = system_house.file(system_house.config(use="failing.py", report={"html": True}))
    assert "enough" in said(capsys, "system", "start", str(path), code=1)
    (page,) = (system_house.folder / "runs").glob("*/report.html")
    assert "It failed." in page.read_text(encoding="utf-8")


def test_a_page_is_written_once_and_again_when_the_record_is_younger(
    system_house: SystemHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = system_house.system.run(system_house.config(end="2024-06-03"))
    folder = system_house.folder / "runs" / summary.run_id
    page = folder / "report.html"
    assert not page.exists()  # the config does not ask for it
    told = said(capsys, "report", "open")
    assert told.replace("\n", "").endswith(f"is {page}")
    page.write_text("mine", encoding="utf-8")
    answer = json.loads(said(capsys, "report", "open", "last", "--json"))
    assert answer == {"run_id": summary.run_id, "html": str(page), "bytes": 4}
    past_ns = (folder / "run.json").stat().st_mtime_ns - 10**9
    os.utime(page, ns=(past_ns, past_ns))
    assert json.loads(said(capsys, "report", "open", "--json"))["bytes"] > 10_000


def test_a_page_goes_where_it_is_asked_to_or_says_why_not(
    system_house: SystemHouse, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run_id = system_house.system.run(system_house.config(end="2024-06-03")).run_id
    assert "Wrote mine.html, 0." in said(capsys, "report", "html", "last", "--output", "mine.html")
    assert Path("mine.html").is_file()
    where = str(tmp_path / "nowhere" / "x.html")
    told = said(capsys, "report", "html", run_id, "--output", where, code=1)
    assert "cannot be written: No such file or directory" in told
    assert "There is no run 'lest'." in said(capsys, "report", "html", "lest", code=3)
    (system_house.folder / "runs" / run_id / "report.html").mkdir()
    assert report_at_end(run_id) is None
    assert "is recorded; its HTML report is not written" in capsys.readouterr().err


def test_at_a_screen_the_page_is_shown(
    system_house: SystemHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = system_house.system.run(system_house.config(end="2024-06-03")).run_id
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/shown\n', encoding="utf-8")
    browser.chmod(0o755)
    monkeypatch.setenv("DISPLAY", ":77")
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    monkeypatch.delitem(sys.modules, "webbrowser", raising=False)  # it reads BROWSER once
    mine, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal, os.fdopen(mine, "rb") as reader:
        monkeypatch.setattr(sys, "stdout", terminal)
        assert main(["report", "open"]) == 0
        terminal.flush()
        told = os.read(reader.fileno(), 4096).decode()
    assert "is shown in the browser" in " ".join(told.split())
    where = system_house.folder / "runs" / run_id / "report.html"
    assert (tmp_path / "shown").read_text().strip() == where.as_uri()
