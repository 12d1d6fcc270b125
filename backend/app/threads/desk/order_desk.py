"""The desk's side of orders: what a strategy asks for, checked and put in exact terms."""

from collections.abc import Mapping
from decimal import InvalidOperation
from threading import get_ident
from typing import TYPE_CHECKING, Final, NamedTuple

from app.core.errors import UsageError, did_you_mean
from app.core.money import MOST_ASKED_UNITS, UNITS, divide_half_even, from_units, to_units
from app.core.orders import (
    CANCEL_PENDING,
    NEW,
    TIFS,
    TRAILING_STOP,
    Order,
    Terms,
)
from app.core.transfers import Conversion
from app.managers.execution_manager.orders.entries import taking_out
from app.services.sizing import Lots, worth
from app.services.slippage import on_tick
from app.services.trailing import trailed
from app.strategies.failure import astray
from app.strategies.request import MOST_PROPOSALS, Bracket, Change, Quantity, Request
from app.strategies.views import OrderView, PositionView, order_of
from app.threads.desk.order_kinds import kind_of

if TYPE_CHECKING:
    from app.threads.analysis_engine import AnalysisEngine


class Withdrawal(NamedTuple):
    """Take an order back."""

    order: Order


class Amendment(NamedTuple):
    """Give an order other terms."""

    order: Order
    terms: Terms


class TimerProposal(NamedTuple):
    """Set a timer; `at_ns` None cancels it."""

    seat: int
    name: str
    at_ns: int | None
    every_ns: int | None = None


Proposal = Order | Withdrawal | Amendment | Conversion | TimerProposal
_LEAST_UNITS: Final = -MOST_ASKED_UNITS
_PLAIN: Final = Request()


class OrderDesk:
    """Collects what one strategy proposes; it takes effect when the hook returns."""

    def __init__(self, number: int, symbols: tuple[str, ...]) -> None:
        self.number = number
        self.symbols = symbols
        self._index = {symbol: place for place, symbol in enumerate(symbols)}
        self._engine: AnalysisEngine | None = None  # none in setup
        self._aim_units: list[int] = [0] * len(symbols)
        self._proposals: list[Proposal] = []  # the engine's, of the hook that runs

    def join(self, engine: "AnalysisEngine") -> None:
        """Become part of a run."""
        self._engine = engine
        self._aim_units = engine.execution.aim_units[self.number]
        self._proposals = engine.proposals

    @property
    def engine(self) -> "AnalysisEngine":
        """The run's engine, from which all is read; there is none before the run."""
        if self._engine is None:
            raise astray(is_running=False)
        return self._engine

    def position(self, symbol: str) -> PositionView:
        return PositionView(self.engine.execution.positions[self.number][self._symbol(symbol)])

    def orders(self, symbol: str | None) -> list[OrderView]:
        return [OrderView(order) for order in self._working(symbol)]

    # -- orders ------------------------------------------------------------------------------------

    def order(self, symbol: str, quantity: Quantity, request: Request) -> OrderView | None:
        place = self._symbol(symbol)
        if request == _PLAIN:
            return self._propose(place, self._units(quantity))
        terms = self.terms(symbol, quantity, request)
        parent = self._entry_of(request, place)
        view = self._propose(place, terms.units)
        if view is None:
            return None
        order = order_of(view)
        order.kind, order.tif = kind_of(request), TIFS[TIFS.index(request.tif)]
        order.limit, order.stop = terms.limit, terms.stop
        order.trail, order.trail_percent = terms.trail, terms.trail_percent
        order.reduce_only, order.parent = bool(request.reduce_only), parent
        if order.kind == TRAILING_STOP and not parent and order.stop is None:
            order.stop = self._start_of(order)
        order.aimed = order.stop is None and not (parent or order.reduce_only)
        return view

    def terms(self, symbol: str, quantity: Quantity, request: Request) -> Terms:
        terms = self._terms(self._symbol(symbol), self._units(quantity), request)
        kind_of(request)
        if request.tif not in TIFS:
            raise UsageError(
                f"tif={request.tif!r} is no time in force; use {', '.join(TIFS)}."
                + did_you_mean(str(request.tif), TIFS)
            )
        if request.tif != TIFS[0] and request.at is not None:
            raise UsageError(f"An order at='{request.at}' is for one auction: it takes no tif.")
        if request.reduce_only not in (True, False):
            raise UsageError(f"reduce_only={request.reduce_only!r} is neither True nor False.")
        return terms

    def order_target(self, symbol: str, quantity: Quantity) -> OrderView | None:
        try:
            place = self._index[symbol]
        except (KeyError, TypeError):
            place = self._symbol(symbol)
        missing = quantity * UNITS if type(quantity) is int else self._units(quantity)
        missing -= self._aim_units[place]
        for proposal in self._proposals:
            missing -= _aimed_by(proposal, place)
        return self._propose(place, missing)

    def order_target_value(self, symbol: str, value: Quantity) -> OrderView | None:
        place = self._symbol(symbol)
        return self.order_target(symbol, from_units(self._worth(place, self._units(value))))

    def order_target_percent(self, symbol: str, percent: Quantity) -> OrderView | None:
        units = self.engine.outlook.equity_units() * self._units(percent)
        return self.order_target_value(symbol, from_units(divide_half_even(units, 100 * UNITS)))

    def order_target_weights(self, weights: Mapping[str, Quantity]) -> list[OrderView]:
        equity = self.engine.outlook.equity_units()
        if not isinstance(weights, Mapping):
            raise UsageError(f"{weights!r} are no weights; give a dict such as {{'AAPL': 0.5}}.")
        targets = dict.fromkeys(range(len(self.symbols)), 0)
        for symbol, weight in weights.items():
            place, share = self._symbol(symbol), self._units(weight)
            targets[place] = self._worth(place, divide_half_even(equity * share, UNITS))
        # What frees money comes before what needs it.
        missing = {place: units - self._aim_units[place] for place, units in targets.items()}
        turns = sorted(targets, key=lambda place: missing[place] > 0)
        views = [self.order_target(self.symbols[p], from_units(targets[p])) for p in turns]
        return [view for view in views if view is not None]

    def cancel(self, view: OrderView | None) -> None:
        self._check_thread()
        if view is None:  # what `order_target` gives when there is nothing to order
            return
        order = self._own(view)
        if order in self._proposals:  # of this very hook
            self._proposals.remove(order)
            self.engine.execution.withdraw(order, self.engine.now_ns)
        elif order.is_working and Withdrawal(order) not in self._proposals:
            self._proposals.append(Withdrawal(order))

    def amend(self, view: OrderView | None, change: Change) -> None:
        self._check_thread()
        if view is None:
            return
        order = self._own(view)
        if not order.is_working or order.state is CANCEL_PENDING:
            return  # it ended meanwhile, as orders do
        terms = self._amended(order, change)
        if order.state is NEW:
            order.units, order.limit, order.stop = terms.units, terms.limit, terms.stop
            order.trail, order.trail_percent = terms.trail, terms.trail_percent
        else:
            self._proposals.append(Amendment(order, terms))

    def oco(self, views: tuple[OrderView | None, ...]) -> None:
        orders = [self._own(view) for view in views if view is not None]
        once = len({order.order_id for order in orders}) == len(orders)
        if not once or any(order.state is not NEW or order.group for order in orders):
            raise UsageError("oco() takes orders given in this very hook, each once.")
        if len({order.symbol for order in orders}) > 1:
            raise UsageError("oco() takes orders of one symbol.")
        if len(orders) > 1:
            group = self.engine.execution.new_group()
            for order in orders:
                order.group, order.aimed = group, False

    def close(self, symbol: str) -> OrderView | None:
        place, working = self._symbol(symbol), self._working(symbol)
        proposed = [p for p in self._proposals if isinstance(p, Order) and p.symbol == symbol]
        closing = taking_out(working, self.engine.execution.held_units_of(self.number, place))
        for order in [*proposed, *(one for one in working if one not in closing)]:
            self.cancel(OrderView(order))
        return self.order_target(symbol, 0)

    # -- terms -------------------------------------------------------------------------------------

    def _propose(self, place: int, units: int) -> OrderView | None:
        if not _LEAST_UNITS < units < MOST_ASKED_UNITS:
            raise UsageError("An order for 9e10 or more is a mistake; check its arithmetic.")
        engine = self._engine
        if engine is None or get_ident() != engine.thread:
            raise astray(is_running=engine is not None)
        if not units:
            return None
        execution = engine.execution
        execution.order_count = number = execution.order_count + 1
        order = Order(number, self.number, self.symbols[place], place, units, 0)
        self._proposals.append(order)
        return OrderView(order)

    def _terms(self, place: int, units: int, asked: Request | Change) -> Terms:
        """Prices on the tick: a limit is never worse than asked for, a stop never later."""
        tick_units, up = self.engine.execution.tick_units[place], units < 0
        limit = self._price("limit", asked.limit, tick_units, up)
        stop = self._price("stop", asked.stop, tick_units, up)
        trail = _distance("trail", asked.trail, MOST_ASKED_UNITS)
        percent = _distance("trail_percent", asked.trail_percent, 100 * UNITS)
        if trail is not None and percent is not None:
            raise UsageError("A trailing stop has one distance: give trail or trail_percent.")
        return Terms(units, limit, stop, trail, percent)

    def _amended(self, order: Order, change: Change) -> Terms:
        """All terms an order is to have, those of an amendment under way among them."""
        place, execution = order.symbol_index, self.engine.execution
        old = execution.broker.pending_terms(order) or Terms(
            order.units, order.limit, order.stop, order.trail, order.trail_percent
        )
        for proposal in self._proposals:
            if isinstance(proposal, Amendment) and proposal.order is order:
                old = proposal.terms
        units = old.units
        if change.quantity is not None:
            size = self._units(change.quantity)
            if size <= 0:
                raise UsageError(
                    f"amend(quantity={change.quantity!r}): give a quantity above 0; an order "
                    "keeps its side, and cancel() ends it."
                )
            units = size if order.units > 0 else -size
        new = self._terms(place, units, change)
        for name in ("limit", "stop"):
            if getattr(new, name) is not None and getattr(old, name) is None:
                raise UsageError(f"A {order.kind} order has no {name} that could be amended.")
        trails = new.trail is not None or new.trail_percent is not None
        if trails and order.kind != TRAILING_STOP:
            raise UsageError(f"A {order.kind} order has no distance that could be amended.")
        return Terms(
            units,
            old.limit if new.limit is None else new.limit,
            old.stop if new.stop is None else new.stop,
            new.trail if trails else old.trail,
            new.trail_percent if trails else old.trail_percent,
        )

    def _price(self, name: str, price: Quantity | None, tick_units: int, up: bool) -> float | None:
        if price is None:
            return None
        units = above_zero(name, price)
        rounded = on_tick(units / UNITS, tick_units, up)
        if not rounded:
            raise UsageError(f"{name}={price!r} is less than a tick of {from_units(tick_units)}.")
        return rounded

    def _start_of(self, order: Order) -> float:
        """Where a trailing stop begins: at its distance from the last close."""
        place = order.symbol_index
        mark, tick_units = self._mark(place), self.engine.execution.tick_units[place]
        return trailed(mark, order.units > 0, order.trail, order.trail_percent, tick_units)

    def _entry_of(self, request: Request, place: int) -> int:
        if request.after is None:
            return 0
        entry = self._own(request.after)
        if entry.symbol_index != place:
            raise UsageError("An order waits for one of its own symbol.")
        if not entry.is_working and not entry.filled_units:
            raise UsageError(f"Order {entry.order_id} has ended unfilled: nothing can wait for it.")
        if request.reduce_only is True and entry.state is NEW:
            entry.guarded = True
        return entry.order_id

    def _worth(self, place: int, value_units: int) -> int:
        """How many units, in whole lots, are worth a value at the last close."""
        execution = self.engine.execution
        account, price = execution.account, self._mark(place)
        lots = Lots(
            execution.lot_units[place],
            execution.multiplier_units_of(place),
            account.rate(account.currencies[place]),
        )
        units = worth(abs(value_units), price, lots)
        return units if value_units > 0 else -units

    def _mark(self, place: int) -> float:
        price = self.engine.outlook.mark(place)
        if not price:
            raise UsageError(f"{self.symbols[place]} has no price yet; this needs one.")
        return price

    # -- who and what ------------------------------------------------------------------------------

    def _working(self, symbol: str | None) -> list[Order]:
        place = None if symbol is None else self._symbol(symbol)
        return [
            order
            for order in self.engine.execution.entries.theirs()
            if order.strategy == self.number
            and place in (None, order.symbol_index)
            and order.guard is None
        ]

    def _own(self, view: OrderView) -> Order:
        if not isinstance(view, OrderView):
            hint = " Of a bracket, give its entry, target or stop." * isinstance(view, Bracket)
            raise UsageError(f"{view!r} is not an order; give what order() returned.{hint}")
        order = order_of(view)
        if len(self._proposals) > MOST_PROPOSALS:
            raise UsageError(f"This hook has proposed more than {MOST_PROPOSALS:,} orders already.")
        if order.strategy != self.number:
            raise UsageError(f"Order {order.order_id} is another strategy's.")
        if order.guard is not None:
            raise UsageError(
                f"Order {order.order_id} is the run's own: it protects what is held, as "
                "'protection' declares it. No strategy changes it, links it or takes it back."
            )
        return order

    def _check_thread(self) -> None:
        if get_ident() != self.engine.thread:
            raise astray(is_running=True)

    def _symbol(self, symbol: str) -> int:
        try:
            return self._index[symbol]
        except (KeyError, TypeError):
            raise UsageError(
                f"{symbol!r} is not one of this run's symbols ({', '.join(self.symbols)})."
                + did_you_mean(str(symbol), self.symbols)
            ) from None

    def _units(self, quantity: Quantity) -> int:
        try:
            return to_units(quantity)
        except (InvalidOperation, ValueError, TypeError, OverflowError):
            raise UsageError(
                f"{quantity!r} is not a quantity; give a finite number.{_of_numpy(quantity)}"
            ) from None


def _distance(name: str, value: Quantity | None, below_units: int) -> float | None:
    return None if value is None else above_zero(name, value, below_units) / UNITS


def above_zero(name: str, value: Quantity, below_units: int = MOST_ASKED_UNITS) -> int:
    try:
        units = to_units(value)
    except (InvalidOperation, ValueError, TypeError, OverflowError):
        units = 0
    if not 0 < units < below_units:
        most = "" if below_units == MOST_ASKED_UNITS else f" and below {from_units(below_units)}"
        what = "price" if name in ("limit", "stop", "price") else "distance"
        raise UsageError(
            f"{name}={value!r} is not a {what}; give a number above 0{most}.{_of_numpy(value)}"
        )
    return units


def _of_numpy(value: object) -> str:
    """A float32 is a number to whoever sees it: it has to be said that it is none here."""
    kind = type(value)
    return (
        " Make a float of it." if (kind.__module__, kind.__name__) == ("numpy", "float32") else ""
    )


def _aimed_by(proposal: Proposal, place: int) -> int:
    """What a proposal of the same hook adds to the aim."""
    if isinstance(proposal, Order):
        return proposal.units if proposal.aimed and proposal.symbol_index == place else 0
    if isinstance(proposal, TimerProposal | Conversion):
        return 0
    order = proposal.order
    if order.symbol_index != place or not order.aimed:
        return 0
    if isinstance(proposal, Amendment):
        return proposal.terms.units - order.units
    return order.filled_units - order.units
