"""`risk status`, `halt`, `resume` and `history` of an account that no run trades just now."""

from pathlib import Path

import pytest
from tests.system_house import sessions, stored_market, system_house
from tests.told_house import Teller, teller

from app.cli.runs.notes import notes_on
from app.core.money import UNITS
from app.core.trading_state import ACTIVE, HALTED, REDUCING, Figures, RiskPast, Trip
from app.managers.system_manager.risk.standing_risk import halted, settled
from app.managers.time_manager import WallClock
from app.repositories.account_locks import AccountLocks
from app.repositories.account_risk import AccountRisk, AccountRisks
from app.repositories.database import open_database

__all__ = ["stored_market", "system_house", "teller"]  # fixtures

DAY = sessions()[0].date


def remembered(teller: Teller) -> AccountRisk:
    return AccountRisks(teller.house.folder).load("default")


def test_a_person_halts_and_resumes_an_account_and_all_of_it_is_kept(teller: Teller) -> None:
    told = teller.json("risk", "halt", "--reason", "news", "--reducing")
    assert told == {
        "account": "default", "run_id": None, "done": "halt",
        "state": REDUCING, "waiting": False, "known": False,
    }  # fmt: skip
    assert teller.json("risk", "status")["state"] == REDUCING
    teller.json("risk", "halt", "--reason", "worse news")
    teller.json("risk", "halt", "--reason", "calmer", "--reducing")  # less is not made of it
    found = teller.json("risk", "status")
    assert (found["state"], found["run_id"]) == (HALTED, None)
    assert [(one["name"], one["why"]) for one in found["trips"]] == [("person", "worse news")]
    teller.json("risk", "resume", "--reason", "it has passed")
    assert teller.json("risk", "status")["state"] == ACTIVE
    history = teller.json("risk", "history")
    assert [(one["what"], one["state"], one["why"]) for one in history] == [
        ("halt", REDUCING, "news"),
        ("halt", HALTED, "worse news"),
        ("resume", ACTIVE, "it has passed"),
    ]
    assert "worse news" in teller.text("risk", "history")


def test_a_loss_that_is_cleared_counts_from_there_in_the_next_run(teller: Teller) -> None:
    trips = (Trip("daily_loss", HALTED, "so much", 5), Trip("drawdown_percent", REDUCING, "x", 6))
    figures = {"account": Figures(DAY, -70 * UNITS, 90 * UNITS, 3)}
    AccountRisks(teller.house.folder).change(
        "default", lambda found: AccountRisk("default", past=RiskPast("XNYS", figures, trips))
    )
    assert teller.json("risk", "status")["figures"][0] == {
        "of": "account", "session": str(DAY), "result": "-70", "below_peak": "90", "entries": 3,
    }  # fmt: skip
    teller.json("risk", "resume", "--reason", "seen", "--trip", "daily_loss")
    assert remembered(teller).past.counted_from == {"daily_loss": -70 * UNITS}
    assert teller.json("risk", "status")["state"] == REDUCING
    teller.json("risk", "resume", "--reason", "seen")
    assert remembered(teller).past.counted_from["drawdown_percent"] == 0
    assert "drawdown_percent" in teller.text("risk", "history")


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (("status",), 3, "Nothing is known of an account 'default': no live run has begun yet"),
        (("status", "--account", "mian"), 3, "Did you mean 'main'?"),
        (("history", "--account", "mian"), 3, "there are main"),
        (("status", "2020"), 3, "2020"),
        (("halt", "--reason", " "), 2, "give one"),
        (("halt",), 2, "--reason"),
        (("resume", "--reason", "x"), 1, "Nothing has tripped: the account is active."),
        (("resume", "--reason", "x", "--trip", "persn", "--account", "main"), 3, "'person'?"),
    ],
)
def test_what_makes_no_sense_is_told(
    teller: Teller, words: tuple[str, ...], code: int, what: str
) -> None:
    if "--account" in words:
        teller.json("risk", "halt", "--reason", "news", "--account", "main")
    ended, out, errors = teller.say("risk", *words)
    assert (ended, out) == (code, "")
    assert what in errors


def test_who_halts_an_account_that_is_none_is_told_that_the_others_trade_on(teller: Teller) -> None:
    assert "No run of it" not in teller.text("risk", "halt", "--reason", "x", "--account", "main")
    text = teller.text("risk", "halt", "--reason", "x", "--account", "mian")
    assert "there are main, and they are as they were. Did you mean 'main'?" in text
    assert teller.json("risk", "halt", "--reason", "x", "--account", "mian")["known"] is True


def test_who_halts_an_account_beside_the_one_that_trades_is_told_of_it(teller: Teller) -> None:
    for account in ("default", "main"):
        teller.json("risk", "halt", "--reason", "x", "--account", account)
    engine = open_database(f"sqlite:///{teller.house.folder}/mismartera.db")
    AccountLocks(engine, WallClock()).acquire("main", "one", since="now")
    told = teller.text("risk", "halt", "--reason", "x")
    assert told.endswith("no run of it goes on. A run goes on of main: --account names it.\n")


def test_amounts_of_the_trading_state_have_their_currency(teller: Teller) -> None:
    run_id = teller.run(risk={"breakers": {"daily_loss": {"at": 1}, "broker_errors": {"at": 7}}})
    assert teller.json("risk", "status", run_id)["currency"] == "USD"
    rows = [line.split("│")[1:4] for line in teller.text("risk", "status", run_id).splitlines()]
    cells = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows if row}
    figure, trips_at = cells["daily_loss"]
    assert (figure.endswith(" USD"), trips_at) == (True, "1 USD")
    assert cells["broker_errors"] == ["0 orders in turn", "7 orders in turn"], "no amount"

    figures = {"account": Figures(DAY, -70 * UNITS, 90 * UNITS, 3)}
    for currency, title in (("CHF", "Figures, in CHF\n"), ("", "Figures\n")):
        left = RiskPast("XNYS", figures, currency=currency)
        AccountRisks(teller.house.folder).change(
            "default", lambda found, past=left: AccountRisk("default", past=past)
        )
        assert title in teller.text("risk", "status")
        assert teller.json("risk", "status")["currency"] == (currency or None)


def test_the_table_of_figures_leaves_out_where_there_is_nothing(teller: Teller) -> None:
    figures = {
        "account": Figures(DAY),
        "strategy quiet": Figures(DAY),
        "strategy lost": Figures(DAY, -70 * UNITS),
        "symbol AAA": Figures(DAY, below_peak_units=UNITS),
        "symbol BBB": Figures(DAY, entries=1),
    }
    AccountRisks(teller.house.folder).change(
        "default", lambda found: AccountRisk("default", past=RiskPast("XNYS", figures))
    )
    text = teller.text("risk", "status")
    shown = {place: f" {place} " in text for place in figures}
    assert shown == {**dict.fromkeys(figures, True), "strategy quiet": False}
    assert [one["of"] for one in teller.json("risk", "status")["figures"]] == [*figures]


def test_a_breaker_that_has_tripped_is_told_in_words(teller: Teller) -> None:
    run_id = teller.run(risk={"breakers": {"daily_loss": {"at": 1}}})
    text = teller.text("risk", "status", run_id)
    assert text.startswith(f"The run {run_id} is reducing.\n")
    assert ("trips at" in text, "trips_at" in text) == (True, False)
    assert (" yes " in text, "True" in text) == (True, False)
    assert text.endswith("'risk limits CONFIG' shows the limits that each order is held against.\n")
    alarm = teller.house.system.alarms.latest()[0]
    assert alarm.what == "risk: daily_loss"
    since = teller.json("risk", "status", run_id)["trips"][0]["since"]
    assert since[:19].replace("T", " ") in text
    assert "reducing: daily_loss since " in teller.text("runs", "show", run_id)
    moment = since[:16].replace("T", " ")
    note = f"No entry has left since a breaker tripped (reducing: daily_loss since {moment} E"
    assert note in " ".join(teller.text("report", "show", run_id).split())
    report = Path(teller.house.folder, "runs", run_id, "report.md").read_text(encoding="utf-8")
    assert f"| trading state | reducing: daily_loss since {moment} " in report
    assert note in report and "begins anew with each session: max_daily_loss." in report
    assert alarm.details.startswith(f"{since}: the account is"), "the market's time"


def test_what_was_refused_is_counted_and_listed(teller: Teller) -> None:
    run_id = teller.run(risk={"max_order_quantity": 1})
    shown = teller.json("runs", "show", "last")
    refused = teller.json("runs", "orders", run_id, "--refused")
    assert shown["refused"] == len(refused) > 0
    assert {one["state"] for one in refused} == {"REJECTED"}
    assert len(teller.json("runs", "orders", run_id)) == shown["orders"]
    other = teller.run()
    assert teller.json("runs", "show", other)["refused"] == 0
    text = teller.text("runs", "orders", other, "--refused")
    assert text == f"Run {other} has no orders that were refused.\n"


def test_what_is_said_of_a_run_has_its_refused_orders_and_how_to_see_why(teller: Teller) -> None:
    summary = teller.house.system.run(teller.house.config(risk={"max_order_quantity": 1}))
    refused = len(teller.json("runs", "orders", summary.run_id, "--refused"))
    assert refused > 1
    assert list(notes_on(summary.as_json())) == [
        f"Of its orders {refused:,} were refused: 'runs orders {summary.run_id} --refused' tells "
        "why."
    ]
    other = teller.house.system.run(teller.house.config())
    assert list(notes_on(other.as_json())) == [  # given at the last close, for the next open
        f"At its end 2 orders were working, and ended with it: 'runs orders {other.run_id}' has "
        "them."
    ]


def test_the_list_of_runs_has_cents_also_where_there_are_none(teller: Teller) -> None:
    teller.run(risk={"max_order_quantity": 1})  # all are refused
    assert teller.text("runs", "list").split("│")[-2].strip().endswith(".00")


def test_a_memory_that_cannot_be_read_is_told_and_kept(teller: Teller) -> None:
    teller.json("risk", "halt", "--reason", "news")
    (path,) = Path(teller.house.folder, "risk").glob("*.json")
    for content in (b"{", b'{"account": 1}', b'{"account": "default", "format": 7}'):
        path.write_bytes(content)
        for words in (("status",), ("halt", "--reason", "x")):
            ended, _, errors = teller.say("risk", *words)
            assert ended == 1
            assert str(path) in errors
        assert path.read_bytes() == content


def test_a_run_without_a_trading_state_has_none_to_show(teller: Teller) -> None:
    run_id = teller.run()
    ended, _, errors = teller.say("risk", "status", run_id)
    assert (ended, "no trading state on record" in errors) == (1, True)


def test_what_no_run_has_heard_of_is_done_when_none_will_go_on() -> None:
    found = halted(AccountRisk("a"), HALTED, "news", 5)
    run_left = AccountRisk("a", history=found.history, waiting=found.waiting)  # active, it said
    after = settled(run_left)
    assert [(one.state, one.why) for one in after.past.trips] == [(HALTED, "news")]
    assert (after.waiting, after.history) == ((), found.history)
    assert settled(after) == after
