"""What runs say of themselves against what the venue's books say: nothing lost, nothing doubled."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from app.core.coins import coin_of
from app.core.message_codec import decode_message, decode_output
from app.core.messages import BrokerNews, LastNews
from app.core.money import from_units
from app.core.order_events import Ended, Filled, GateFilled, GateGave, Place, Refused, Voided
from app.core.venue import GATE_SERIES, Execution, client_id, run_mark
from app.integrations.practice.venue.books import BookEvent, Placed
from app.managers.data_manager.sample import SPLIT_DATE, sample_actions
from app.managers.execution_manager.orders.parts import order_of
from app.repositories import journal_format as form
from app.repositories.database import open_database, sqlite_url
from app.repositories.journal_reader import JournalReader
from app.repositories.run_repository import RunRepository
from tests.faults.killed_house import House

_LINES = msgspec.json.Decoder(list[BookEvent])
_Row = tuple[int, str, str, float]  # the number of an order, its symbol, quantity and price
_MIDNIGHT: Final = dt.datetime.combine(SPLIT_DATE, dt.time(), dt.UTC)
_SPLIT_NS: Final = int(_MIDNIGHT.timestamp()) * 10**9  # between two sessions of the sample
_RATIOS: Final = {one.symbol: int(one.value) for one in sample_actions() if one.kind == "split"}
ENDS = ("stopped", "finished")


class Told(msgspec.Struct):
    """What a journal tells of orders and fills."""

    intents: list[int] = []
    gave: list[int] = []
    filled: list[Filled | GateFilled] = []
    settled: set[int] = set()  # have ended
    voided: set[int] = set()

    def hear(self, event: object) -> None:
        if isinstance(event, Filled | GateFilled):
            self.filled.append(event)
        elif isinstance(event, GateGave):
            self.gave.append(event.number)
        elif isinstance(event, Ended | Refused):
            self.settled.add(event.order_id)
        elif isinstance(event, Voided):
            self.settled.add(event.order_id)
            self.voided.add(event.order_id)


class Audit(msgspec.Struct):
    """Runs that passed."""

    runs: int = 0
    intents: int = 0
    at_venue: int = 0
    executions: int = 0
    never_sent: int = 0
    voided: int = 0


def told_by_journal(house: House, run_id: str) -> Told:
    """What is durable of a run."""
    told = Told()
    for record in JournalReader(house.journal_of(run_id)):
        if record.kind == form.OUTPUT:
            intents = decode_output(record.payload).intents
            told.intents += [one.order_id for one in intents if isinstance(one, Place)]
        elif record.kind == form.INPUT:
            message = decode_message(record.payload)
            for event in message.events if isinstance(message, BrokerNews | LastNews) else ():
                told.hear(event)
    return told


def placed_at_venue(house: House) -> list[str]:
    """The client id of every order the venue ever took."""
    content = (house.folder / "books" / "books.jsonl").read_bytes()
    whole = content[: content.rfind(b"\n") + 1]  # the venue may be writing a line just now
    events = [event for line in whole.splitlines() for event in _LINES.decode(line)]
    return [event.order.client_id for event in events if isinstance(event, Placed)]


def audit(house: House) -> Audit:
    """Compare all runs, which have ended, with the venue; what is not so is an AssertionError."""
    found, placed = Audit(), placed_at_venue(house)
    executions = house.adapter.executions(0)
    ids = Counter(one.execution_id for one in executions)
    assert max(ids.values(), default=1) == 1, "the venue's own ids are not unique"
    assert len(placed) == len(set(placed)), "the venue took an order twice"
    for run_id in house.run_ids():
        mark = run_mark(run_id)
        own = [one for one in executions if one.client_id.startswith(mark)]
        _check_run(house, run_id, {name for name in placed if name.startswith(mark)}, own, found)
    assert found.at_venue == len(placed), "orders at the venue of no run that there is"
    assert found.executions == len(executions), "executions of no run that there is"
    assert not house.adapter.open_orders(), "orders are left open"
    return found


def check_flat(house: House) -> None:
    """What was bought is what was sold, and the venue holds nothing."""
    total: Counter[str] = Counter()
    executions = house.adapter.executions(0)
    is_split = any(one.at_ns > _SPLIT_NS for one in executions)
    for one in executions:
        total[one.symbol] += (_split(one) if is_split else one).units
        if one.fee_currency and one.fee_currency == coin_of(one.symbol):
            total[one.symbol] -= one.fee_units
    held = {symbol: units for symbol, units in house.adapter.positions().items() if units}
    last = {one.symbol: one.price for one in executions}
    worth = {symbol: float(from_units(units)) * last[symbol] for symbol, units in held.items()}
    too_much = {symbol: value for symbol, value in worth.items() if _is_worth(house, value)}
    assert not too_much, f"it was stopped to be flat, and holds {held}"
    assert held == {symbol: units for symbol, units in total.items() if units}


def _is_worth(house: House, value: float) -> bool:
    """Whether a holding could have been closed."""
    return abs(value) >= max(house.ground.least_value, 1e-9)


def _check_run(
    house: House, run_id: str, placed: set[str], executions: Sequence[Execution], found: Audit
) -> None:
    told = told_by_journal(house, run_id)
    twice = [number for number, count in Counter(told.intents).items() if count > 1]
    assert not twice, f"intents that are in the journal twice: {twice}"
    names = {client_id(run_id, number): number for number in told.intents}
    unasked = placed - names.keys() - {client_id(run_id, n, GATE_SERIES) for n in told.gave}
    assert not unasked, f"at the venue without a durable intent: {unasked}"
    void = placed & {client_id(run_id, number) for number in told.voided}
    assert not void, f"void, and yet at the venue: {void}"
    lost = names.keys() - placed - {client_id(run_id, number) for number in told.settled}
    assert not lost, f"durable intents that neither the venue has nor ended: {lost}"

    theirs = Counter(one.execution_id for one in executions)
    ours = Counter(one.execution_id for one in told.filled)
    assert ours == theirs, f"lost: {[*(theirs - ours)]}, too many: {[*(ours - theirs)]}"
    _check_sql(house, run_id, told, executions, names)
    found.runs += 1
    found.intents += len(names)
    found.at_venue += len(placed)
    found.executions += len(executions)
    found.never_sent += len(names.keys() - placed)
    found.voided += len(told.voided)


def _check_sql(
    house: House,
    run_id: str,
    told: Told,
    executions: Sequence[Execution],
    names: dict[str, int],
) -> None:
    """Each execution is one row, with the venue's quantity and price."""
    engine = open_database(sqlite_url(house.data))
    try:
        repository = RunRepository(engine)
        rows, orders = repository.get_fills(run_id), repository.get_orders(run_id)
        run = repository.get_run(run_id)
    finally:
        engine.dispose()
    assert run["state"] in ENDS, run["state"]
    ours = Counter((r["order_id"], r["symbol"], r["quantity"], r["price"]) for r in rows)
    for one in executions:
        if one.client_id in names:
            number = order_of(names[one.client_id])
            row = _row(number, one)
            if not ours[row]:  # then it was told behind the split
                row = _row(number, _split(one))
            if not ours[row]:  # its fee was taken from the coins
                row = next((r for r in ours if ours[r] and _is_less(r, row)), row)
            assert ours[row], f"a fill is missing in SQL: {one}"
            ours[row] -= 1
    assert len(rows) == len(executions), "fills in SQL that no execution stands behind"
    missing = {*map(order_of, told.intents)} - {row["order_id"] for row in orders} - told.voided
    assert not missing, f"orders missing in SQL: {missing}"
    assert run["summary"]["fills"] == len(rows), "the summary counts other fills"


def _row(number: int, execution: Execution) -> _Row:
    return number, execution.symbol, f"{from_units(execution.units):f}", execution.price


def _is_less(booked: _Row, told: _Row) -> bool:
    """The same fill, less a fee of at most a hundredth."""
    is_same = (booked[0], booked[1], booked[3]) == (told[0], told[1], told[3])
    return is_same and 0.99 * float(told[2]) <= float(booked[2]) < float(told[2])


def _split(execution: Execution) -> Execution:
    """An execution in the shares that there are behind the sample's split."""
    ratio = _RATIOS.get(execution.symbol, 1) if execution.at_ns < _SPLIT_NS else 1
    return replace(execution, units=execution.units * ratio, price=execution.price / ratio)


def check_verified(house: House, runner: str = "inline") -> None:
    """`verify` says equal, of each run."""
    for run_id in house.run_ids():
        done = house.command("verify", run_id, "--runner", runner, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
