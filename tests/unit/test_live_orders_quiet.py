"""Whatever crosses on its way: once all is quiet, a live run's orders are what the venue has."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.live_broker_house import SHARES, House

from app.core.money import UNITS
from app.core.order_events import (
    Acknowledged,
    Amend,
    Amended,
    Cancel,
    ChangeRefused,
    Ended,
    Filled,
    Place,
    Refused,
    Uncertain,
)
from app.core.orders import CANCELED, LIMIT, STOP, Order, Terms

STEPS = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 7)), max_size=40)


@dataclass
class Placed:
    """An order as the venue has it, and what it has not answered yet."""

    number: int
    order: Order
    terms: Terms
    acknowledged: bool = False
    ended: bool = False
    filled_units: int = 0
    cancelled: bool = False
    amended: Terms | None = None


class Exchange:
    """A venue behind a gate: one amendment at a time, and a cancel that can lose to a fill."""

    def __init__(self, house: House | None = None) -> None:
        self.house = house or House()
        self.orders: list[Order] = []
        self.placed: dict[int, Placed] = {}
        self.fills = 0

    def take_intents(self) -> None:
        for intent in self.house.intents():
            if isinstance(intent, Place):
                assert intent.order_id not in self.placed, "placed already"
                order = self.house.execution.broker.known[intent.order_id]
                self.placed[intent.order_id] = Placed(intent.order_id, order, intent.terms)
            elif isinstance(intent, Cancel):
                self.placed[intent.order_id].cancelled = True
            elif isinstance(intent, Amend):
                there = self.placed[intent.order_id]
                assert there.amended is None, "another change is under way"
                there.amended = intent.terms

    def give(self, kind: int) -> None:
        house, execution = self.house, self.house.execution
        units = -SHARES if kind & 1 else SHARES
        if kind < 3:
            self.orders.append(house.give(units, kind=LIMIT, limit=9.0))
            return
        group = execution.new_group()
        if kind < 5:
            ties: dict[str, object] = {"group": group, "aimed": False}
        else:
            self.orders.append(house.give(units))
            ties = {"group": group, "aimed": False, "parent": self.orders[-1].order_id}
            ties["reduce_only"], units = True, -units
        self.orders.append(house.give(units, kind=LIMIT, limit=9.0, **ties))
        self.orders.append(house.give(units, kind=STOP, stop=11.0, **ties))

    def ask(self, what: int, which: int) -> None:
        """What a strategy does."""
        execution, now_ns = self.house.execution, self.house.now_ns
        working = [order for order in self.orders if order.is_working]
        if what == 0 or not working:
            self.give(which)
        elif what == 1:
            execution.cancel(working[which % len(working)], now_ns)
        else:
            order = working[which % len(working)]
            size = (40 * what + 10 * which) * UNITS
            terms = Terms(size if order.units > 0 else -size, order.limit, order.stop, None, None)
            execution.amend(order, terms, now_ns)

    def answer(self, what: int, which: int) -> None:
        """What the venue does."""
        there = [one for one in self.placed.values() if not one.ended]
        if not there:
            return
        one = there[which % len(there)]
        number = one.number
        if what == 4 and not one.acknowledged:
            self.house.hear(Uncertain(number, "timeout"))
        elif what == 5 and not one.acknowledged:
            one.ended = True
            self.house.hear(Refused(number, "no"))
        elif what >= 12:
            self.fill(one, (10 + 10 * which) * UNITS, what == 13)
        elif not one.acknowledged:
            self.acknowledge(one)
        elif what == 6:
            self.refuse(one)
        else:
            self.obey(one)

    def acknowledge(self, one: Placed) -> None:
        if not one.acknowledged:
            one.acknowledged = True
            self.house.hear(Acknowledged(one.number))

    def fill(self, one: Placed, units: int, amended_first: bool = False) -> None:
        """It fills in part; what is under way may have come before, which is told after."""
        self.acknowledge(one)
        new = one.amended if amended_first else None
        if new is not None and abs(new.units) > abs(one.filled_units):
            one.amended, one.terms = None, new
        left = one.terms.units - one.filled_units
        units = min(units, abs(left)) if left > 0 else -min(units, abs(left))
        self.fills += 1
        one.filled_units += units
        one.ended = one.filled_units == one.terms.units
        self.house.hear(Filled(one.number, f"e{self.fills}", units, 10.0, 0, self.fills))
        if one.terms is new:
            self.house.hear(Amended(one.number, new))
        if one.ended and one.amended is not None:
            self.refuse(one)

    def refuse(self, one: Placed) -> None:
        if one.amended is not None:
            one.amended = None
        elif one.cancelled:
            one.cancelled = False
        else:
            return
        self.house.hear(ChangeRefused(one.number, "no"))

    def obey(self, one: Placed) -> None:
        self.acknowledge(one)
        number, terms = one.number, one.amended
        if one.cancelled:
            one.ended = True
            self.house.hear(Ended(number, CANCELED, ""))
        elif terms is not None and abs(terms.units) > abs(one.filled_units):
            one.amended, one.terms = None, terms
            self.house.hear(Amended(number, terms))
        elif terms is not None:
            one.amended, one.ended = None, True
            self.house.hear(Ended(number, CANCELED, ""))

    def settle(self) -> None:
        """The venue answers all that is open."""
        for _ in range(50):
            self.take_intents()
            for one in list(self.placed.values()):
                if not one.ended:
                    self.obey(one)

    def check_quiet(self) -> None:
        execution = self.house.execution
        there = {
            n: (one.terms, one.filled_units) for n, one in self.placed.items() if not one.ended
        }
        parts, links = execution.broker.parts, execution.broker.links
        assert {part.number: (part.terms, part.filled_units) for part in parts.values()} == there
        for number, order in execution.broker.working.items():
            left = links.brought(order, order.units) - order.filled_units
            part = parts.get(number)
            left_over = number in execution.broker._to_end or (part and part.refused)
            if part is None and order.reason == "no" and links.entry_of(order) is not None:
                left_over = True  # it waits for what its entry brings next
            if not left_over:  # the venue did not do all it was asked for
                assert left == (0 if part is None else part.terms.units - part.filled_units)
            assert part is None or (part.terms.limit, part.terms.stop) == (order.limit, order.stop)
        assert not execution.broker.pending
        assert self.house.held_units == sum(one.filled_units for one in self.placed.values())
        on_the_way = sum(
            o.units - o.filled_units for o in execution.broker.working.values() if o.aimed
        )
        aimed = sum(row[0] for row in execution.aim_units)
        assert aimed == self.house.held_units + on_the_way


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_when_all_is_quiet_the_run_and_the_venue_have_the_same_orders(
    steps: list[tuple[int, int]],
) -> None:
    exchange = Exchange()
    for what, which in steps:
        exchange.ask(what, which) if what < 4 else exchange.answer(what, which)
        exchange.take_intents()
    exchange.settle()
    exchange.check_quiet()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(4, 15), st.integers(0, 7)), max_size=30))
def test_of_two_legs_no_more_fills_than_one_of_them_while_the_venue_obeys(
    steps: list[tuple[int, int]],
) -> None:
    """What may overshoot is what filled before a reduction reached the venue."""
    exchange = Exchange()
    exchange.give(4)
    exchange.take_intents()
    for what, which in steps:
        if what == 6:
            continue  # a venue that does not reduce
        exchange.answer(what, which)
        exchange.settle()
    filled = abs(exchange.house.held_units)
    assert filled <= SHARES
