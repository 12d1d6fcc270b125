"""Two strategies in one symbol, whatever crosses: no exits but of what their entry has brought."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.live_broker_house import SHARES, House
from tests.unit.test_live_orders_quiet import Exchange, Placed

from app.core.money import UNITS
from app.core.order_events import Ended, Filled, Uncertain
from app.core.orders import CANCELED, EXPIRED, LIMIT, STOP, Order, Terms
from app.managers.execution_manager.orders.parts import terms_of

STEPS = st.lists(
    st.tuples(st.sampled_from("gcmkaaawuffffffxxxxtl"), st.integers(0, 9), st.integers(1, 10)),
    min_size=8,
    max_size=40,
)


@dataclass
class Entry:
    """A bracket as its strategy gave it."""

    order: Order
    taken_back: set[str] = field(default_factory=set)  # the kinds of exits


class Brackets(Exchange):
    """Brackets alone; `calm`: the venue obeys at once, and nothing is refused."""

    def __init__(self, calm: bool, house: House | None = None) -> None:
        super().__init__(house)
        self.calm = calm
        self.entries: list[Entry] = []

    def play(self, what: str, which: int, size: int) -> None:
        getattr(self, f"do_{what}")(which, size)
        self.take_intents()
        if self.calm:
            self.settle()
        self.check_sizes()

    # -- strategies --------------------------------------------------------------------------------

    def do_g(self, which: int, size: int) -> None:
        """A bracket is given; of one strategy all on the same side."""
        strategy = which % 2
        units = SHARES if which < 5 or self.calm else -SHARES
        entry = self.house.give(units, strategy, kind=LIMIT, limit=10.0)
        ties = {
            "group": self.house.execution.new_group(), "aimed": False, "tif": "gtc",
            "parent": entry.order_id, "reduce_only": True,
        }  # fmt: skip
        self.house.give(-units, strategy, kind=LIMIT, limit=12.0, **ties)
        self.house.give(-units, strategy, kind=STOP, stop=8.0, **ties)
        self.entries.append(Entry(entry))

    def do_c(self, which: int, size: int) -> None:
        """An entry is taken back."""
        working = [one.order for one in self.entries if one.order.is_working]
        if working:
            self.house.execution.cancel(working[which % len(working)], self.house.now_ns)

    def do_k(self, which: int, size: int) -> None:
        """An exit is taken back."""
        for exit_ in self._exits(which):
            self.house.execution.cancel(exit_, self.house.now_ns)
            entry = next(one for one in self.entries if one.order.order_id == exit_.parent)
            entry.taken_back.add(exit_.kind)

    def do_m(self, which: int, size: int) -> None:
        """An exit's price is amended."""
        for exit_ in self._exits(which):
            price = 9.0 + size / 100
            limit, stop = (price, None) if exit_.kind == LIMIT else (None, price)
            wanted = self.house.execution.broker.pending_terms(exit_) or terms_of(exit_)
            terms = Terms(wanted.units, limit, stop, None, None)
            self.house.execution.amend(exit_, terms, self.house.now_ns)

    def _exits(self, which: int) -> list[Order]:
        working = self.house.execution.broker.working.values()
        exits = [order for order in working if order.parent]
        return exits[which % len(exits) :][:1] if exits else []

    # -- the venue ---------------------------------------------------------------------------------

    def _there(self, which: int, exits: bool, *, ended: bool = False) -> Iterator[Placed]:
        found = [
            one
            for one in self.placed.values()
            if one.ended is ended and bool(one.order.parent) is exits
        ]
        if found:
            yield found[which % len(found)]

    def do_a(self, which: int, size: int) -> None:
        """What was asked of one order is done."""
        there = [one for one in self.placed.values() if not one.ended]
        if there:
            self.obey(there[which % len(there)])

    def do_w(self, which: int, size: int) -> None:
        """A change is refused."""
        for one in () if self.calm else self._there(which, exits=size > 2):
            self.refuse(one)

    def do_u(self, which: int, size: int) -> None:
        """A placement is in doubt."""
        for one in self._there(which, exits=size > 5):
            if not one.acknowledged:
                self.house.hear(Uncertain(one.number, "timeout"))

    def do_f(self, which: int, size: int) -> None:
        """An entry fills in part."""
        for one in self._there(which, exits=False):
            self.fill(one, size * 5 * UNITS)

    def do_x(self, which: int, size: int) -> None:
        """An exit fills in part; an amendment under way may have come first."""
        for one in self._there(which, exits=True):
            self.fill(one, size * 5 * UNITS, amended_first=size % 2 == 0)

    def do_t(self, which: int, size: int) -> None:
        """An entry ends by the venue's doing."""
        for one in self._there(which, exits=False):
            one.ended = True
            self.house.hear(Ended(one.number, EXPIRED if size % 2 else CANCELED, "its own doing"))

    def do_l(self, which: int, size: int) -> None:
        """An entry that has ended fills all the same."""
        for one in self._there(which, exits=False, ended=True):
            left = one.terms.units - one.filled_units
            units = min(size * 5 * UNITS, abs(left)) * (1 if left > 0 else -1)
            if units:
                self.fills += 1
                one.filled_units += units
                self.house.hear(Filled(one.number, f"e{self.fills}", units, 10.0, 0, self.fills))

    # -- what must hold ----------------------------------------------------------------------------

    def check_sizes(self) -> None:
        """At every moment: what a leg has filled, and may fill, is no more than was brought."""
        for entry in self.entries:
            for kind in (LIMIT, STOP):
                legs = [
                    one
                    for one in self.placed.values()
                    if one.order.parent == entry.order.order_id and one.order.kind == kind
                ]
                may = sum(one.filled_units if one.ended else self._most(one) for one in legs)
                assert abs(may) <= abs(entry.order.filled_units)
                assert may * entry.order.filled_units <= 0

    @staticmethod
    def _most(one: Placed) -> int:
        units = [one.terms.units] if one.amended is None else [one.terms.units, one.amended.units]
        return max(units, key=abs)

    def check_calm(self) -> None:
        """Where nothing crosses: all that is held is under both exits, and nothing turned over."""
        positions = self.house.execution.positions
        for strategy in (0, 1):
            held = positions[strategy][0].units
            mine = [one for one in self.entries if one.order.strategy == strategy]
            assert held == sum(self._left(one) for one in mine)
            assert held >= 0
            for entry in mine:
                for kind in {LIMIT, STOP} - entry.taken_back:
                    assert self._open(entry, kind) == -self._left(entry)

    def _left(self, entry: Entry) -> int:
        """What an entry has brought and no exit has taken out."""
        number = entry.order.order_id
        exits = [one.filled_units for one in self.placed.values() if one.order.parent == number]
        return entry.order.filled_units + sum(exits)

    def _open(self, entry: Entry, kind: str) -> int:
        return sum(
            one.terms.units - one.filled_units
            for one in self.placed.values()
            if one.order.parent == entry.order.order_id and one.order.kind == kind and not one.ended
        )


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_no_exit_may_ever_fill_more_than_its_entry_has_brought(
    steps: list[tuple[str, int, int]],
) -> None:
    exchange = Brackets(calm=False)
    for step in [("g", 0, 1), ("g", 1, 1), *steps]:
        exchange.play(*step)
    exchange.settle()
    exchange.check_quiet()


@settings(max_examples=120, deadline=None)
@given(STEPS)
def test_where_nothing_crosses_all_that_is_held_has_its_exits_and_none_turns_it_over(
    steps: list[tuple[str, int, int]],
) -> None:
    exchange = Brackets(calm=True)
    for step in [("g", 0, 1), ("g", 1, 1), *steps]:
        exchange.play(*step)
        exchange.check_calm()
