"""One random schedule of orders and faults at a venue, and what must hold of it afterwards."""

import itertools
from collections import defaultdict

from app.core import orders as states
from app.core.order_events import (
    Acknowledged,
    Amend,
    Cancel,
    Ended,
    Filled,
    GateFilled,
    Place,
    Refused,
    Uncertain,
)
from app.core.orders import DAY, IOC, LIMIT, MARKET, STOP, Terms
from app.core.venue import client_id
from app.managers.execution_manager.gate.calls import AmendCall, Call, PlaceCall
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.gate.gate_order import GateOrder
from tests.gate_venue import FAULTS, START_NS, Play

RUN = "20240102-1430-00"
SHARE = 100_000_000
SYMBOLS = ("AAA", "BBB")


def new_book() -> GateBook:
    return GateBook(RUN, SYMBOLS, since_ns=START_NS)


def play_schedule(seed: int) -> Play:
    """A quarter of an hour of orders under three to eight kinds of faults, then quiet."""
    play = Play(new_book(), seed)
    draw = play.random
    play.odds = {
        fault: draw.choice((0.05, 0.3, 0.7)) for fault in draw.sample(FAULTS, draw.randint(3, 8))
    }
    for fault in ("garbage", "frame_lost", "hangs"):
        play.odds[fault] = min(play.odds.get(fault, 0.0), 0.3)
    entries_left_late: list[Call] = []
    opens: dict[str, bool] = {}

    def watch(call: Call) -> None:
        killed = play.book.latch.killed
        if isinstance(call, PlaceCall) and killed and opens.get(call.client_id, False):
            entries_left_late.append(call)
        if isinstance(call, PlaceCall) and killed == "flatten" and not call.closes:
            entries_left_late.append(call)
        if isinstance(call, AmendCall) and killed == "flatten":
            entries_left_late.append(call)

    play.on_begin = watch
    kill_at = draw.randrange(10, 60)
    kill_mode = draw.choice(("", "freeze", "flatten", "flatten"))
    crashes = draw.sample(range(60), draw.choice((0, 0, 1, 3)))
    number = 0
    for step in range(60):
        if step in crashes:
            play.crash(new_book(), draw.randrange(4))
            play.fired["crash"] += 1
        if step == kill_at and kill_mode:
            play.book.kill(kill_mode, "test", play.now_ns)
            play.collect()
        roll = draw.random()
        if roll < 0.35:
            number += 1
            opens[client_id(RUN, number)] = draw.random() < 0.7
            play.send(_placement(play, number, opens[client_id(RUN, number)]))
        elif roll < 0.65 and number:
            _change(play, number)
        elif roll < 0.68:
            play.reachable = not play.reachable
        play.something()
        play.collect()
        play.run(draw.choice((0.001, 0.05, 0.5, 3.0, 40.0)) * draw.random())
    play.calm()
    play.reachable = True
    play.run(400)
    check(play, entries_left_late)
    return play


def _change(play: Play, number: int) -> None:
    """Mostly of an order that works, sometimes of any."""
    draw = play.random
    orders = play.book.tracker.orders
    working = [one for one in orders.of_run() if not one.end]
    one = draw.choice(working) if working and draw.random() < 0.8 else orders.numbered(1)
    assert one is not None
    if draw.random() < 0.5:
        play.send(Cancel(one.order_id))
    elif one.kind == LIMIT:
        units = draw.randint(1, 200) * SHARE * (1 if one.terms.units > 0 else -1)
        terms = Terms(units, 10.5, None, None, None)
        play.send(Amend(one.order_id, terms, draw.random() < 0.5))


def _placement(play: Play, number: int, opens: bool) -> Place:
    draw = play.random
    kind = draw.choice((LIMIT, LIMIT, STOP, MARKET))
    units = draw.choice((-1, 1)) * draw.randint(1, 200) * SHARE
    terms = Terms(units, 10.0 if kind == LIMIT else None, 9.0 if kind == STOP else None, None, None)
    tif = draw.choice((DAY, IOC)) if kind == MARKET else DAY
    return Place(number, draw.randrange(2), kind, tif, terms, False, opens)


def check(play: Play, entries_left_late: list[Call]) -> None:
    """I1, I2, I6, I11 of a play that has come to rest."""
    assert all(count == 1 for count in play.placements.values()), "I1: placed twice"
    assert not entries_left_late, f"I11: {entries_left_late}"
    filled: defaultdict[int, int] = defaultdict(int)
    told = defaultdict(list)
    for event in play.events:
        if isinstance(event, Filled):
            filled[event.order_id] += event.units
        if isinstance(event, Filled | Acknowledged | Refused | Ended | Uncertain):
            told[event.order_id].append(event)
    tracker = play.book.tracker
    for number in itertools.count(1):
        order = tracker.orders.numbered(number)
        if order is None:
            break
        _check_order(play, order, told[number], filled[number])
    ours = {name: tracker.net[place] for name, place in tracker.index.items()}
    assert ours == {name: play.positions[name] for name in ours}, "positions differ"
    ids = [e.execution_id for e in play.events if isinstance(e, Filled | GateFilled)]
    assert len(ids) == len(set(ids)) == len(play.executions), "I6: executions told twice or lost"
    assert not play.book.latch.halted, play.book.latch.halted
    if play.book.latch.killed == "flatten":
        assert not play.working() and not any(ours.values()), "not flat"


def _check_order(play: Play, order: GateOrder, told: list[object], filled_units: int) -> None:
    held = play.held.get(order.client_id)
    assert filled_units == (held.filled_units if held is not None else 0), "I6: sums differ"
    acknowledged = [at for at, one in enumerate(told) if isinstance(one, Acknowledged)]
    ends = [at for at, one in enumerate(told) if isinstance(one, Refused | Ended)]
    fills = [at for at, one in enumerate(told) if isinstance(one, Filled)]
    doubts = [at for at, one in enumerate(told) if isinstance(one, Uncertain)]
    assert len(acknowledged) <= 1 and len(ends) <= 1 and len(doubts) <= 1
    if fills or any(isinstance(one, Ended) for one in told):
        assert acknowledged and acknowledged[0] < min([*fills, *ends])
    if doubts:
        assert acknowledged or ends, "I2: nobody ever heard"
        assert doubts[0] < min([*acknowledged, *ends])
    works = held is not None and held.works
    assert works == (not order.end), f"I2: {order.end or 'open'} here, {held} there"
    if works and held is not None:
        assert order.terms == held.terms, "other terms are in force than were told"
    if not works:
        done = held is not None and held.state == states.FILLED
        assert ends or done, f"I2: no final word on {order.order_id}"
