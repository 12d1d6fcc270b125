"""What a person asks of an account stays with its moment and its reason, whoever hears of it."""

from pathlib import Path

import pytest

from app.core.errors import DataError
from app.core.trading_state import HALT, HALTED, PERSON, REDUCING, RESUME, RiskEvent, RiskPast, Trip
from app.managers.system_manager.risk.run_risk import left
from app.managers.system_manager.risk.standing_risk import halted, resumed, settled, waited_for
from app.repositories.account_risk import AccountRisk, AccountRisks, RiskNote
from app.threads.engines.guarded_engine import Resumption, halting

TRIPPED = AccountRisk("main", past=RiskPast(trips=(Trip("daily_loss", HALTED, "so much", 5),)))


@pytest.mark.parametrize("state", (REDUCING, HALTED))
def test_a_halt_that_a_run_ended_before_it_heard_of_is_on_record(state: str) -> None:
    waits = waited_for(AccountRisk("main"), halting(state, "news"), 7, is_noted=False)
    found = settled(waits)
    assert found.past.trips == (Trip(PERSON, state, "news", 7),)
    assert found.history == (RiskNote(RiskEvent(7, HALT, PERSON, state, "news")),)
    assert not found.waiting


def test_so_is_a_resumption() -> None:
    asked = Resumption("it was a bad print")
    found = settled(waited_for(TRIPPED, asked.command(), 7, is_noted=False))
    assert found.past.trips == ()
    (note,) = found.history
    assert (note.event.at_ns, note.event.what, note.event.why) == (7, RESUME, asked.reason)


def test_a_halt_while_no_run_went_on_keeps_its_moment_when_a_run_is_given_up() -> None:
    """That run's own memory, which knows nothing of it, comes in between."""
    asked = halted(AccountRisk("main"), HALTED, "news", 7)
    found = settled(left(asked, RiskPast("XNYS")))
    assert found.past.trips == (Trip(PERSON, HALTED, "news", 7),)
    assert found.history == asked.history
    assert len(found.history) == 1


def test_what_is_on_record_is_noted_once() -> None:
    found = settled(resumed(TRIPPED, Resumption("seen"), 7))
    assert [note.event.what for note in found.history] == [RESUME]


def test_where_case_is_ignored_no_account_answers_for_another(tmp_path: Path) -> None:
    risks = AccountRisks(tmp_path)
    risks.change("main", lambda found: halted(found, HALTED, "news", 7))
    (file,) = tmp_path.rglob("main.json")
    file.with_name("Main.json").symlink_to(file)  # as such a disk would answer
    with pytest.raises(DataError, match="of the account 'main', not of 'Main'"):
        risks.load("Main")
    with pytest.raises(DataError, match="of the account 'main', not of 'Main'"):
        risks.change("Main", lambda found: AccountRisk("Main"))
    assert risks.load("main").past.trips


def test_how_an_account_s_accents_are_written_is_nothing_to_its_memory(tmp_path: Path) -> None:
    risks = AccountRisks(tmp_path)
    risks.change("Zo\u00eb", lambda found: halted(found, HALTED, "news", 7))
    (file,) = tmp_path.rglob("*.json")
    file.rename(file.with_name("Zoe\u0308.json"))  # as HFS+ of macOS names it
    assert [risks.load(one).past.trips[0].why for one in risks.accounts()] == ["news"]
