"""What a run says of itself against what the venue's books say: nothing lost, nothing doubled."""

from collections import Counter

import msgspec

from app.core.message_codec import decode_message, decode_output
from app.core.messages import BrokerNews
from app.core.money import from_units
from app.core.order_events import (
    Ended,
    Filled,
    GateFilled,
    GateGave,
    Place,
    Refused,
    Voided,
)
from app.core.venue import GATE_SERIES, client_id
from app.integrations.practice.venue.book_file import _LINES
from app.integrations.practice.venue.books import Placed
from app.repositories import journal_format as form
from app.repositories.database import open_database, sqlite_url
from app.repositories.journal_reader import JournalReader
from app.repositories.run_repository import RunRepository
from tests.faults.killed_house import House


class Told(msgspec.Struct):
    """What a journal tells of orders and fills."""

    intents: list[int] = []
    gave: list[int] = []
    filled: list[Filled] = []
    gate_filled: list[GateFilled] = []
    ended: set[int] = set()
    voided: set[int] = set()


class Audit(msgspec.Struct):
    """A run that passed."""

    intents: int
    at_venue: int
    executions: int
    never_sent: int
    voided: int


def told_by_journal(house: House) -> Told:
    told = Told()
    for record in JournalReader(house.journal):
        if record.kind == form.OUTPUT:
            for intent in decode_output(record.payload).intents:
                if isinstance(intent, Place):
                    told.intents.append(intent.order_id)
        elif record.kind == form.INPUT:
            message = decode_message(record.payload)
            for event in message.events if isinstance(message, BrokerNews) else ():
                if isinstance(event, Filled):
                    told.filled.append(event)
                elif isinstance(event, GateFilled):
                    told.gate_filled.append(event)
                elif isinstance(event, GateGave):
                    told.gave.append(event.number)
                elif isinstance(event, Ended | Refused):
                    told.ended.add(event.order_id)
                elif isinstance(event, Voided):
                    told.voided.add(event.order_id)
    return told


def placed_at_venue(house: House) -> list[str]:
    """The client id of every order the venue ever took."""
    lines = (house.folder / "books" / "books.jsonl").read_bytes().splitlines()
    events = [event for line in lines for event in _LINES.decode(line)]
    return [event.order.client_id for event in events if isinstance(event, Placed)]


def audit(house: House, ended: bool = True) -> Audit:
    """Compare; what is not so is an AssertionError."""
    run_id, told = house.run_id(), told_by_journal(house)
    placed, executions = placed_at_venue(house), house.adapter.executions(0)

    twice = [number for number, count in Counter(told.intents).items() if count > 1]
    assert not twice, f"intents that are in the journal twice: {twice}"
    names = {client_id(run_id, number): number for number in told.intents}
    own = {client_id(run_id, number, GATE_SERIES) for number in told.gave}
    assert len(placed) == len(set(placed)), "the venue took an order twice"
    unasked = set(placed) - names.keys() - own
    assert not unasked, f"at the venue without a durable intent: {unasked}"

    theirs = Counter(one.execution_id for one in executions)
    ours = Counter(one.execution_id for one in [*told.filled, *told.gate_filled])
    assert max(theirs.values(), default=1) == 1, "the venue's own ids are not unique"
    assert ours == theirs, (
        f"lost: {[*(theirs - ours)]}, too many: {[*(ours - theirs)]} of {len(executions)}"
    )
    settled = {client_id(run_id, number) for number in told.ended | told.voided}
    lost = names.keys() - set(placed) - settled
    sent = set(placed) & {client_id(run_id, number) for number in told.voided}
    assert not sent, f"void, and yet at the venue: {sent}"
    if ended:
        assert not lost, f"durable intents that neither the venue has nor ended: {lost}"
        assert not house.adapter.open_orders(), "orders are left open"
        _check_books(house, run_id, told, names)
    never_sent = len(names.keys() - set(placed))
    return Audit(len(names), len(placed), len(executions), never_sent, len(told.voided))


def _check_books(house: House, run_id: str, told: Told, names: dict[str, int]) -> None:
    """Fills in SQL, and positions."""
    engine = open_database(sqlite_url(house.data))
    try:
        repository = RunRepository(engine)
        rows = repository.get_fills(run_id)
        orders = repository.get_orders(run_id)
        state = repository.get_run(run_id)["state"]
    finally:
        engine.dispose()
    assert state == "stopped", state
    executions = house.adapter.executions(0)
    theirs = Counter(
        (names[one.client_id], one.symbol, f"{from_units(one.units):f}", one.price)
        for one in executions
        if one.client_id in names
    )
    ours = Counter((row["order_id"], row["symbol"], row["quantity"], row["price"]) for row in rows)
    assert ours >= theirs, f"fills missing in SQL: {theirs - ours}"
    assert sum(ours.values()) == len(executions), "fills in SQL that no execution stands behind"
    assert {row["order_id"] for row in orders} >= {*told.intents}, "orders missing in SQL"
    positions: Counter[str] = Counter()
    for one in executions:
        positions[one.symbol] += one.units
    held = {symbol: units for symbol, units in house.adapter.positions().items() if units}
    assert held == {symbol: units for symbol, units in positions.items() if units}
    assert not held, f"it was stopped to be flat, and holds {held}"


def check_verified(house: House) -> None:
    """`verify` says equal, on another block size and runner than it had too."""
    for runner in ("inline", "pool"):
        done = house.command("verify", house.run_id(), "--runner", runner, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
