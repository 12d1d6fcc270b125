"""What a run tells of its trading state: alarms once, notes once, and the account's file."""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import DataError
from app.core.money import UNITS
from app.core.trading_state import (
    ACTIVE,
    HALTED,
    RESUME,
    TRIPPED,
    Figures,
    RiskEvent,
    RiskPast,
    RiskReport,
    Trip,
)
from app.managers.system_manager.risk.run_risk import RunRisk
from app.repositories.account_risk import MOST_NOTES, AccountRisk, AccountRisks, RiskNote, Waiting

DAY = dt.date(2024, 6, 3)
TRIP = Trip("daily_loss", HALTED, "so much", 5)
TRIPPING = RiskEvent(5, TRIPPED, "daily_loss", HALTED, "so much")
PAST = RiskPast("XNYS", {"account": Figures(DAY, -5 * UNITS)}, (TRIP,))


def results(sequence: int, *events: RiskEvent, asked: bool = False, past: RiskPast = PAST) -> Any:
    return SimpleNamespace(sequence=sequence, risk=RiskReport(events, past, asked))


def nothing(sequence: int) -> Any:
    return SimpleNamespace(sequence=sequence, risk=None)


class House:
    """An account's file, and runs that write to it."""

    def __init__(self, folder: Path) -> None:
        self.risks = AccountRisks(folder)
        self.alarms: list[tuple[str, str]] = []

    def run(self, recorded: int = 0) -> RunRisk:
        return RunRisk(
            "one", lambda *alarm: self.alarms.append(alarm), self.risks, "main", recorded
        )

    @property
    def known(self) -> AccountRisk:
        return self.risks.load("main")


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_trip_is_an_alarm_and_is_remembered(house: House) -> None:
    house.run().take(results(7, TRIPPING))
    assert house.alarms == [("risk: daily_loss", "the account is halted: so much")]
    assert house.known.past == PAST
    assert house.known.history == (RiskNote(TRIPPING, "one", 7, 0),)


def test_a_trip_of_a_replay_names_the_market_s_time(house: House) -> None:
    run = RunRisk(
        "one", lambda *alarm: house.alarms.append(alarm), local_text=lambda ns: f"at {ns}"
    )
    run.take(results(7, TRIPPING))
    assert house.alarms == [
        ("risk: daily_loss", f"at {TRIPPING.at_ns}: the account is halted: so much")
    ]


def test_what_is_only_run_again_is_no_news(house: House) -> None:
    house.run().take(results(7, TRIPPING))
    house.alarms.clear()
    again = house.run(recorded=9)
    cleared = RiskEvent(6, RESUME, "daily_loss", ACTIVE, "seen")
    again.take(results(7, TRIPPING))
    again.take(results(9, cleared, past=RiskPast()))  # it died before that was remembered
    assert house.known.past.trips == (TRIP,)
    again.take(nothing(10))
    assert house.alarms == []
    assert [note.event for note in house.known.history] == [TRIPPING, cleared]
    assert house.known.past.trips == ()


def test_what_waited_is_heard_once(house: House) -> None:
    house.risks.change("main", lambda found: AccountRisk("main", waiting=(Waiting("x", "y"),)))
    run = house.run()
    run.take(results(3))
    assert house.known.waiting
    run.take(results(4, asked=True))
    assert not house.known.waiting


def test_figures_of_strategies_that_a_run_has_not_are_kept(house: House) -> None:
    other = {"strategy other": Figures(DAY, 3 * UNITS)}
    house.risks.change("main", lambda found: AccountRisk("main", past=RiskPast("XNYS", other)))
    house.run().take(results(3))
    assert house.known.past.figures == {**other, **PAST.figures}


def test_a_disk_that_refuses_is_an_alarm_and_no_end(house: House, tmp_path: Path) -> None:
    (tmp_path / "risk").write_text("in the way")
    house.run().take(results(3, TRIPPING))
    assert [what for what, _ in house.alarms] == ["risk: daily_loss", "risk not remembered"]
    with pytest.raises(DataError):
        house.risks.change("main", lambda found: found)


def test_of_many_notes_the_newest_are_kept() -> None:
    notes = [RiskNote(TRIPPING, "one", number) for number in range(MOST_NOTES + 5)]
    found = AccountRisk("main").noting(*notes)
    assert len(found.history) == MOST_NOTES
    assert found.history[-1] == notes[-1]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=3, unique=True))
def test_each_account_has_a_file_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    names = [name.encode("utf-8", "ignore").decode() or "x" for name in names]
    risks = AccountRisks(tmp_path_factory.mktemp("risks"))
    for name in names:
        risks.change(name, lambda found: found)
    assert set(risks.accounts()) == set(names)
    assert [risks.load(name).account for name in names] == names
