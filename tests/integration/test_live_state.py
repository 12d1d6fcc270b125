"""What strategies save in a live run: in its journal, and compared by `verify`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.live_run_house import LiveRunHouse

from app.core.errors import DataError
from app.core.message_codec import decode, encode
from app.managers.system_manager.journal_feed import RunJournal
from app.managers.system_manager.verification import Repetition, Verdict
from app.repositories import journal_format as form
from app.repositories.journal_file import Entry, JournalWriter
from app.repositories.journal_reader import JournalReader

pytestmark = pytest.mark.live

COUNTER = """
from app.strategies import Strategy

class Counter(Strategy):
    def setup(self):
        self.bars_seen = 0

    def on_bar(self, bar):
        self.bars_seen += 1
        self.order_target(bar.symbol, self.bars_seen // 20 % 3)

    def save_state(self):
        return {"bars_seen": self.bars_seen}

    def load_state(self, state):
        self.bars_seen = state["bars_seen"]
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveRunHouse]:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))
    made = LiveRunHouse(tmp_path, at="2024-11-04T09:25", rate=8_000, symbols="SYN1")
    (made.strategies / "counter.py").write_text(COUNTER, encoding="utf-8")
    yield made
    made.close()


def test_a_part_begins_with_what_was_saved_at_the_close_before(house: LiveRunHouse) -> None:
    config = house.config(live={"sessions": 2}, strategies=[{"use": "counter.py"}])
    run_id = house.to_the_end(config)
    folder = house.data / "runs" / run_id
    records = list(JournalReader(folder / "journal"))
    (number,) = [place for place, one in enumerate(records) if one.kind == form.STATE]
    assert [records[number - 1].kind, records[number].part] == [form.HEADER, 2]
    (state,) = RunJournal(folder).states()
    ((name, saved),) = state[1].items()
    assert (name, state[0]) == ("counter", records[number].sequence)
    assert 0 < saved["bars_seen"] <= 390
    assert verdict(house, folder).equal

    rewrite_state(folder / "journal", {name: {"bars_seen": saved["bars_seen"] + 1}})
    found = verdict(house, folder).difference
    assert found is not None
    assert (found.what, found.number) == ("state", 1)
    assert str(saved["bars_seen"] + 1) in found.recorded
    assert str(saved["bars_seen"]) in found.repeated
    with pytest.raises(DataError, match="cannot be rebuilt"):  # as a start would not go on with it
        house.rebuild(run_id)


def verdict(house: LiveRunHouse, folder: Path) -> Verdict:
    return Repetition(RunJournal(folder), house.times, house.bars.store).verdict()


def rewrite_state(journal: Path, states: object) -> None:
    """The same journal with other saved values."""
    records = list(JournalReader(journal))
    for path in journal.iterdir():
        path.unlink()
    writer = JournalWriter(journal)
    for record in records:
        if record.kind == form.HEADER:
            writer.begin_part(decode(record.payload, form.PartHeader).header)
        elif record.kind != form.END:
            payload = encode(states) if record.kind == form.STATE else record.payload
            writer.append([Entry(record.kind, record.sequence, payload)])
    writer.close()
