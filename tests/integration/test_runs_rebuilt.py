"""`runs rebuild`: what a live run left in SQL and its folder is what its journal says."""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.data_house import Counts
from tests.integration.test_report_file import Page
from tests.live_run_house import LiveRunHouse
from tests.report_house import report_of

from app import open_run
from app.cli.runs.commands import described
from app.core.errors import DataError, NotFoundError, StateError
from app.core.message_codec import (
    decode,
    decode_message,
    decode_output,
    encode_message,
    encode_note,
)
from app.core.messages import BrokerNews
from app.core.order_events import Halted, Resumed
from app.managers.system_manager.journal.journal_feed import RunJournal
from app.managers.system_manager.rerun.verification import Repetition
from app.repositories import journal_format as form
from app.repositories.journal_file import Entry, JournalWriter
from app.repositories.journal_format import Record
from app.repositories.journal_reader import JournalReader

pytestmark = pytest.mark.live

TABLES = ("fills", "order_changes", "orders")
FILES = ("equity.parquet", "report.md", "run.json")


def house_in(folder: Path) -> LiveRunHouse:
    return LiveRunHouse(folder, at="2024-11-01T13:00", rate=900)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveRunHouse]:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))
    made = house_in(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[LiveRunHouse, str]:
    """A run that has ended, and its id: for all that only look at what it left."""
    folder = tmp_path_factory.mktemp("recorded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MISMARTERA_DATA_FOLDER", str(folder / "data"))
        made = house_in(folder)
        try:
            return made, made.to_the_end(made.config())
        finally:
            made.close()


@pytest.fixture
def finished(recorded: tuple[LiveRunHouse, str]) -> Iterator[tuple[LiveRunHouse, str]]:
    """It, as it was left; what a test does to it is undone."""
    data = recorded[0].data
    whole = data.with_name("whole")
    shutil.copytree(data, whole)
    yield recorded
    shutil.rmtree(data)
    whole.rename(data)


def test_rows_and_files_that_are_gone_come_back_as_they_were(
    finished: tuple[LiveRunHouse, str],
) -> None:
    house, run_id = finished
    rows, files = house.rows(run_id), house.files(run_id)
    measured = open_run(run_id, data_folder=house.data).metrics.as_json()
    assert measured["undefined"]["slippage_paid"].startswith("a venue filled the orders")
    assert len(rows["fills"]) > 10, "a run in which nothing happens proves nothing"
    assert {row["state"] for row in rows["orders"]} > {"FILLED"}
    house.forget_rows(run_id, *TABLES)
    for name in FILES:
        (house.data / "runs" / run_id / name).unlink()
    assert house.rebuild(run_id).state == "finished"
    assert house.rows(run_id) == rows
    assert house.files(run_id) == files
    assert open_run(run_id, data_folder=house.data).metrics.as_json() == measured

    told = house.command("runs", "rebuild", run_id[:13])  # again: what is there is no hindrance
    assert told == rows["run"][0]["summary"]
    assert house.rows(run_id) == rows

    house.forget_rows(run_id, *TABLES, "runs")
    house.rebuild(run_id[:13])
    rows["run"][0]["pid"] = 0
    assert house.rows(run_id) == rows
    assert house.files(run_id) == files


def test_a_run_that_was_killed_has_its_rows_up_to_then_and_goes_on(house: LiveRunHouse) -> None:
    config = house.config()
    process = house.start(config, "--json")
    house.until_it_trades(6)
    (run,) = house.runs.list_runs()
    run_id = run["run_id"]
    assert described(run, house.runs.engine)["state"] == "running"
    with pytest.raises(StateError, match=f"Run {run_id} goes on in process {process.pid}"):
        house.rebuild(run_id)
    process.kill()
    process.communicate(timeout=20)
    assert described(house.runs.get_run(run_id), house.runs.engine)["state"] == "abandoned"
    assert not house.rows(run_id)["fills"]

    house.rebuild(run_id)
    half = house.rows(run_id)
    (row,) = half["run"]
    assert (described(row, house.runs.engine)["state"], row["ended_at"]) == ("abandoned", None)
    assert len(half["fills"]) >= 5
    assert row["summary"]["fills"] == len(half["fills"])
    assert row["summary"]["orders"] == len(half["orders"])
    opened = open_run(run_id, data_folder=house.data)
    assert (opened.state, len(opened.fills)) == ("abandoned", len(half["fills"]))
    assert opened.metrics["trades"] == row["summary"]["trades"]
    told = json.loads(house.files(run_id)["run.json"])
    assert (told["run_id"], told["summary"]["state"]) == (run_id, "running")

    assert house.to_the_end(config) == run_id
    whole = house.rows(run_id)
    assert whole["run"][0]["state"] == "finished"
    assert len(whole["fills"]) > len(half["fills"])
    assert whole["fills"][: len(half["fills"])] == half["fills"]
    journal = RunJournal(house.data / "runs" / run_id)
    assert Repetition(journal, house.times, house.bars.store).verdict().equal
    files = house.files(run_id)
    house.rebuild(run_id)
    assert house.rows(run_id) == whole
    assert house.files(run_id) == files


def test_what_is_run_again_is_counted_by_the_inputs_of_its_journal(
    finished: tuple[LiveRunHouse, str],
) -> None:
    house, run_id = finished
    journal, again, rebuilt = RunJournal(house.data / "runs" / run_id), Counts(), Counts()
    inputs = journal.input_count()
    repetition = Repetition(journal, house.times, house.bars.store, on_count=again)
    assert repetition.verdict().equal
    assert again.goes_to(repetition.inputs, of=inputs)
    house.rebuild(run_id, rebuilt)
    assert inputs - 2 <= rebuilt.told[-1][0] <= inputs
    assert len(rebuilt.told) > 10


def test_a_live_run_has_its_report_with_candles_of_the_bars_it_kept(
    finished: tuple[LiveRunHouse, str], cli: Callable[..., Any]
) -> None:
    house, run_id = finished
    own = {"MISMARTERA_DATA_FOLDER": str(house.data)}
    shown = cli("report", "show", run_id[:13], **own)
    assert f"Run {run_id}, live, finished: SYN1, SYN2, 2024-11-01" in shown.stdout
    assert "a venue filled the orders" in " ".join(shown.stdout.split())
    told = json.loads(cli("report", "html", run_id, "--json", **own).stdout)
    page, run = Page(Path(told["html"])), open_run(run_id, data_folder=house.data)
    assert page.table("trades")["profit"] == run.trades.profit.tolist()
    assert page.table("fills")["price"] == run.fills.price.tolist()
    final = run.summary["final_equity"]  # of fills behind the last bar too
    assert page.table("equity")["equity"][-1] == pytest.approx(final, abs=0.006)
    assert f"to {final:,.2f} USD" in shown.stdout
    for symbol in ("SYN1", "SYN2"):
        bars, stored = page.table(page.facts["bars"][symbol]["table"]), run.bar_columns(symbol)
        assert bars["close"] == stored.close.tolist()
        assert len(bars["close"]) > 100
        assert page.facts["bars"][symbol]["holes"] == []
        assert f"<td>{symbol}</td><td>390</td><td>390</td><td>100.000%</td>" in page.content
    for words in (
        "Fills are the venue",
        "2024-11-01",
        f"verify {run_id}",
        "It read no stored bars",
    ):
        assert words in page.content
    assert "happened to its trading" not in page.content


def test_an_alarm_of_a_live_run_stands_in_its_report(house: LiveRunHouse) -> None:
    process = house.start(house.config(), "--json")
    house.until_it_trades(2)
    house.command("system", "halt", "--reason", "a look")
    house.command("system", "release", "--reason", "it was <nothing>")
    house.command("system", "stop")
    process.communicate(timeout=60)
    (run,) = house.runs.list_runs()
    noted = [note["alarm"] for note in RunJournal(house.data / "runs" / run["run_id"]).notes()
             if "alarm" in note]  # fmt: skip
    assert ["released", "it was <nothing>"] in noted
    _, path = report_of(house.data, house.data / "report.html", run["run_id"])
    page = path.read_text(encoding="utf-8")
    assert "alarm</td><td>released</td><td>it was &lt;nothing&gt;</td>" in page


def test_halts_of_its_journal_a_kill_and_new_code_are_told_in_its_report(
    finished: tuple[LiveRunHouse, str],
) -> None:
    house, run_id = finished
    folder = house.data / "runs" / run_id
    records: list[Record] = []
    told = [Resumed(1, "all there", "feed"), Halted(1, "its <bars> lack", "feed")]
    for record in JournalReader(folder / "journal"):
        message = decode_message(record.payload) if record.kind == form.INPUT else None
        if isinstance(message, BrokerNews) and told:
            news = msgspec.structs.replace(message, events=(*message.events, told.pop()))
            record = msgspec.structs.replace(record, payload=encode_message(news))
        records.append(record)
        if not told and isinstance(message, BrokerNews):
            break  # the rest would only take its time
    alarms = [("halted", "twice?"), ("risk: loss", "twice?")]
    alarms += [("late fill", f"<the> {number}. one") for number in range(103)]
    for alarm in alarms:
        records.append(Record(1, 0, form.NOTE, 0, encode_note({"alarm": alarm})))
    rewritten(folder / "journal", records)
    facts = json.loads((folder / "run.json").read_text())
    facts["killed"] = {"mode": "flatten", "reason": "enough", "at": "2024-11-01T15:00:00-04:00",
                       "session_time": "2024-11-01T15:00:00-04:00"}  # fmt: skip
    facts["reloads"] = [{"at": "2024-11-01T14:00:00-04:00", "strategy": "t", "outcome": "replaced"}]
    (folder / "run.json").write_text(json.dumps(facts))
    _, path = report_of(house.data, folder / "report.html", run_id)
    page = path.read_text(encoding="utf-8")
    rows = re.findall(r"<tr><td>(?:2024-11-01 [0-9:]{8})?</td><td>(.*?)</tr>", page)
    kinds = [row.split("</td><td>")[0] for row in rows]
    others = [kind for kind in kinds if kind != "alarm"]
    assert sorted(others) == ["alarms", "halted", "killed, flatten", "new code", "resumed"]
    assert kinds.count("alarm") == 100
    assert "alarms</td><td>3 before</td><td>left out here</td>" in rows
    assert "alarm</td><td>late fill</td><td>&lt;the&gt; 102. one</td>" in rows
    assert not [row for row in rows if "twice?" in row or " 2. one" in row]
    assert "halted</td><td>SYN2</td><td>its &lt;bars&gt; lack</td>" in rows
    assert "It was not left alone." in page
    assert "It was killed." in page


def rewritten(journal: Path, records: Sequence[Record], old: str = "", new: str = "") -> None:
    """A journal of these records, of a strategy with another text."""
    shutil.rmtree(journal)
    writer = JournalWriter(journal)
    for record in records:
        if record.kind == form.HEADER:
            header = decode(record.payload, form.PartHeader).header
            assert old in header["sources"]["trader.py"]
            header["sources"]["trader.py"] = header["sources"]["trader.py"].replace(old, new)
            writer.begin_part(header)
        elif record.kind != form.END:
            writer.append([Entry(record.kind, record.sequence, record.payload)])
    writer.close()


def test_an_order_that_was_never_durable_is_in_no_row(
    finished: tuple[LiveRunHouse, str],
) -> None:
    house, run_id = finished
    journal = house.data / "runs" / run_id / "journal"
    records = list(JournalReader(journal))
    placing = {
        number: [one.order_id for one in decode_output(record.payload).intents]
        for number, record in enumerate(records)
        if record.kind == form.OUTPUT and decode_output(record.payload).intents
    }
    cut, void = list(placing.items())[-3]
    rewritten(journal, records[:cut])  # its input is there, what came of it is not
    house.forget_rows(run_id, *TABLES, "runs")
    summary = house.rebuild(run_id)
    rows = house.rows(run_id)
    given = [row["order_id"] for row in rows["orders"]]
    assert given
    assert not set(given) & set(void)
    assert (summary.state, summary.orders) == ("running", len(given))
    assert described(rows["run"][0], house.runs.engine)["state"] == "abandoned"


def test_a_strategy_that_decides_otherwise_leaves_all_as_it_is(
    finished: tuple[LiveRunHouse, str],
) -> None:
    house, run_id = finished
    rows, files = house.rows(run_id), house.files(run_id)
    journal = house.data / "runs" / run_id / "journal"
    rewritten(journal, list(JournalReader(journal)), "20 if minute", "30 if minute")
    with pytest.raises(DataError, match=f"Run {run_id} cannot be rebuilt.* it decides otherwise"):
        house.rebuild(run_id)
    assert (house.rows(run_id), house.files(run_id)) == (rows, files)
    assert not (house.data / "runs" / run_id / "rebuilding").exists()


def test_what_has_no_journal_is_refused_by_its_name(finished: tuple[LiveRunHouse, str]) -> None:
    house, _ = finished
    with pytest.raises(NotFoundError, match="There is no run 'x'"):
        house.rebuild("x")
    house.runs.start_run(
        "r1", name="r", mode="replay", config={}, started_at="2026-01-05T10:00:00Z", pid=0
    )
    with pytest.raises(DataError, match="Run r1 is a replay and has no journal"):
        house.rebuild("r1")


FAILING = """
from app.strategies import Strategy

class Failing(Strategy):
    def on_bar(self, bar):
        if self.position(bar.symbol).quantity:
            raise ValueError("no such thing")
        self.order_target(bar.symbol, 10)
"""


def test_what_is_closed_when_a_run_has_failed_is_in_its_rows_its_figures_and_its_proof(
    house: LiveRunHouse,
) -> None:
    (house.strategies / "failing.py").write_text(FAILING, encoding="utf-8")
    use = [{"use": "failing.py"}]
    process = house.start(house.config(live={"on_error": "flatten"}, strategies=use), "--json")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "no such thing" in errors
    assert "Traceback" not in errors
    (run,) = house.runs.list_runs()
    rows, files = house.rows(run["run_id"]), house.files(run["run_id"])
    shares: dict[str, float] = {}
    for fill in rows["fills"]:
        shares[fill["symbol"]] = shares.get(fill["symbol"], 0) + float(fill["quantity"])
    assert shares and not any(shares.values())
    venue = house.practice.adapter
    assert venue is not None
    assert len(rows["fills"]) == len(venue.executions(0))
    assert round(run["summary"]["final_equity"] * 10**8) == venue.cash()["USD"]
    told = house.command("verify", run["run_id"])
    assert told["equal"]
    assert told["fingerprint"] == run["fingerprint"]
    assert "it failed then, and again" in told["notes"][0]
    house.forget_rows(run["run_id"], *TABLES)
    assert house.rebuild(run["run_id"]).state == "failed"
    assert house.rows(run["run_id"]) == rows
    again = house.files(run["run_id"])
    before, after = (json.loads(one.pop("run.json")) for one in (files, again))
    assert again == files
    differs = {name for name in before if before[name] != after[name]}
    assert differs <= {"quality", "dropped"}  # what was on its way to the engine as it failed
