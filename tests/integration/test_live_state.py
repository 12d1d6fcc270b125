"""State records of a live run: it goes on from the last one, and `verify` checks each."""

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import msgspec
import pytest
from tests.live_run_house import LiveRunHouse

from app.core.message_codec import decode, encode
from app.managers.system_manager.journal.journal_feed import RunJournal
from app.managers.system_manager.journal.saved_states import SavedState
from app.managers.system_manager.rerun.verification import Repetition, Verdict
from app.repositories import journal_format as form
from app.repositories.journal_file import Entry, JournalWriter
from app.repositories.journal_reader import JournalReader

pytestmark = pytest.mark.live

COUNTER = """
from app.strategies import Strategy

class Counter(Strategy):
    def setup(self):
        self.bars_seen = 0
        self.average = self.indicator("SMA", 20)

    def on_bar(self, bar):
        self.bars_seen += 1
        self.order_target(bar.symbol, self.bars_seen // 20 % 3)
        if self.bars_seen % 12 == 0:
            self.order(bar.symbol, 5, limit=round(bar.close * 0.9, 2), tif="gtc")
        if self.bars_seen % 31 == 0 and self.average.ready:
            near = round(self.average.value * 0.01, 2)
            self.bracket(bar.symbol, 3, target=bar.close + near, stop=bar.close - near, tif="gtc")
"""

SAVES = """
    def save_state(self):
        return {"bars_seen": self.bars_seen}

    def load_state(self, state):
        self.bars_seen = state["bars_seen"]
"""

LOSSES = {"max_drawdown_percent": "0.05", "strategies": {"counter": {"max_daily_loss": 40}}}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveRunHouse]:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))
    made = LiveRunHouse(tmp_path, at="2024-11-05T06:00", rate=8_000, symbols="SYN1")
    (made.strategies / "counter.py").write_text(COUNTER + SAVES, encoding="utf-8")
    yield made
    made.close()


def killed_in_its_second_session(house: LiveRunHouse, config: Path, records: int) -> Path:
    """A run that dies when its second part has so many records; its folder."""
    process = house.start(config, "--json")
    for _ in range(900):
        Event().wait(0.05)
        found = [*(house.data / "runs").glob("*/journal/part-0002.journal")]
        if found and sum(one.part == 2 for one in JournalReader(found[0].parent)) >= records:
            process.kill()
            process.communicate(timeout=20)
            return found[0].parent.parent
    raise AssertionError("there was no second session in 45 s")


@pytest.mark.parametrize("broker", ["venue", "paper"])
def test_a_run_goes_on_from_its_last_state_and_is_the_run_it_was(
    house: LiveRunHouse, broker: str
) -> None:
    live = {"sessions": 2, "broker": broker}
    config = house.config(live=live, strategies=[{"use": "counter.py"}], risk=LOSSES)
    folder = killed_in_its_second_session(house, config, 400)
    ((part, sequence, saved),) = RunJournal(folder).saved_states()
    whole, own, *_ = saved.run_state().engine.execution.risk  # the account's, and the strategy's
    assert whole["peak_units"] > whole["day_units"]
    assert own == whole
    process = house.start(config, "--json")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert f"goes on from part {part} of its journal" in errors
    assert sequence > 20
    rows, files = house.rows(folder.name), house.files(folder.name)
    assert len(rows["fills"]) > 10
    reasons = [order["reason"] or "" for order in rows["orders"]]
    assert any(reason.startswith("max_drawdown_percent: ") for reason in reasons)
    assert verdict(house, folder).equal
    house.rebuild(folder.name)  # from the first part
    again = house.rows(folder.name)
    for name, found in rows.items():
        assert again[name] == found, name
    assert house.files(folder.name)["equity.parquet"] == files["equity.parquet"]


def test_a_run_whose_strategy_saves_nothing_goes_on_from_the_first_part(
    house: LiveRunHouse,
) -> None:
    (house.strategies / "counter.py").write_text(COUNTER, encoding="utf-8")
    config = house.config(live={"sessions": 2}, strategies=[{"use": "counter.py"}])
    folder = killed_in_its_second_session(house, config, 200)
    assert list(RunJournal(folder).saved_states()) == []
    process = house.start(config, "--json")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "goes on from part 1 of its journal" in errors
    assert verdict(house, folder).equal


def test_a_part_begins_with_the_state_and_a_changed_one_is_found(house: LiveRunHouse) -> None:
    config = house.config(live={"sessions": 2}, strategies=[{"use": "counter.py"}])
    run_id = house.to_the_end(config)
    folder = house.data / "runs" / run_id
    ((part, sequence, saved),) = RunJournal(folder).saved_states()
    inputs = [one for one in JournalReader(folder / "journal") if one.kind == form.INPUT]
    first = next(one for one in inputs if one.part == part)
    assert (part, sequence) == (2, first.sequence - 1)
    state = saved.run_state().engine.strategies["counter"]
    assert 0 < state["bars_seen"] <= 390

    changed = decode(saved.state, dict)
    changed["engine"]["strategies"]["counter"]["bars_seen"] += 1
    here = {**saved.program, "hash seed": os.environ.get("PYTHONHASHSEED", "random")}
    rewrite_state(folder / "journal", SavedState(here, raw(changed), saved.chapter))
    found = verdict(house, folder).difference
    assert found is not None
    assert (found.what, found.number) == ("state", 1)
    assert found.recorded == f"engine.strategies.counter.bars_seen: {state['bars_seen'] + 1}"
    assert found.repeated == f"engine.strategies.counter.bars_seen: {state['bars_seen']}"

    rewrite_state(folder / "journal", SavedState({"program": "x"}, saved.state, saved.chapter))
    again = verdict(house, folder)
    assert again.equal
    assert "1 saved states are of another program and not compared" in again.notes


def verdict(house: LiveRunHouse, folder: Path) -> Verdict:
    return Repetition(RunJournal(folder), house.times, house.bars.store).verdict()


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(encode(value))


def rewrite_state(journal: Path, saved: SavedState) -> None:
    """The same journal with another state record."""
    records = list(JournalReader(journal))
    for path in journal.iterdir():
        path.unlink()
    writer = JournalWriter(journal)
    for record in records:
        if record.kind == form.HEADER:
            writer.begin_part(decode(record.payload, form.PartHeader).header)
        elif record.kind != form.END:
            payload = encode(saved) if record.kind == form.STATE else record.payload
            writer.append([Entry(record.kind, record.sequence, payload)])
    writer.close()
