"""Gives positions the exits that are declared for them, as real orders, and keeps these fitting.

An entry without exits of its own gets them as it is accepted: they wait for it as those of a
bracket do, and their prices are measured from what it has paid. What opens otherwise, as an order
that was to close and comes too late, gets them with its fill.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, Protocol

import msgspec

from app.core.calendar import TradingSession
from app.core.intervals import MINUTE_NS
from app.core.money import UNITS, amount_units, divide_half_even
from app.core.orders import CANCEL_PENDING, GTC, LIMIT, MARKET, STOP, TRAILING_STOP, Guard, Order
from app.managers.execution_manager.brokers import Broker
from app.managers.execution_manager.exits.flat_times import FlatTimes
from app.managers.execution_manager.exits.trades import NEVER_NS, Trade, Trades
from app.managers.execution_manager.orders.consequences import Consequences, Moved
from app.managers.execution_manager.orders.entries import opens, taking_out
from app.services.protection import Cover, Span, guard_prices_of, traded_until_ns
from app.services.trailing import trailed

_PLAIN: Final = Guard()


class House(Protocol):
    """Who carries out what protection asks for."""

    def give(self, order: Order, now_ns: int) -> None: ...
    def priced(
        self, order: Order, limit: float | None, stop: float | None, now_ns: int
    ) -> None: ...
    def call_off(self, order: Order, now_ns: int, why: str) -> None: ...
    def new_group(self) -> int: ...
    def held_units_of(self, strategy: int, symbol: int) -> int: ...


class ProtectionState(msgspec.Struct, frozen=True):
    """What protection remembers."""

    trades: list[Trade]
    flat_at_ns: list[int]  # by strategy, in the session under way
    flat_due_ns: list[int]  # the same, until it is done
    end_ns: int
    breaks: tuple[Span, ...] = ()


class Protection:
    """Protects one account; `covers` are by strategy. `act` has to be called at `next_ns`."""

    def __init__(
        self,
        covers: Sequence[Cover | None],
        broker: Broker,
        consequences: Consequences,
        symbols: Sequence[str],
        tick_units: Sequence[int],
        house: House,
    ) -> None:
        self.on_sooner: Callable[[], None] | None = None  # something is to be done earlier
        self._covers = covers
        self._broker = broker
        self._consequences = consequences
        self._symbols = symbols
        self._tick_units = tick_units
        self._house = house
        self.trades = Trades(broker.working, broker.links)
        self.flat = FlatTimes(covers)
        self._end_ns = NEVER_NS
        self._breaks: tuple[Span, ...] = ()
        consequences.on_moved = self._fit

    def state(self) -> ProtectionState:
        """As it stands."""
        return ProtectionState(self.trades.state(), *self.flat.state(), self._end_ns, self._breaks)

    def restore(self, state: ProtectionState) -> None:
        """Be as it stood."""
        self.trades.restore(state.trades)
        self.flat.restore(state.flat_at_ns, state.flat_due_ns)
        self._end_ns = state.end_ns
        self._breaks = state.breaks

    # -- entries and their exits -------------------------------------------------------------------

    def refusal(self, order: Order, units: int, now_ns: int) -> str:
        """Why `units` of an order may not leave, or ""."""
        if order.reduce_only or not self.flat.is_flat(order.strategy, now_ns):
            return ""
        left = self._left(order.strategy, order.symbol_index)
        if order.kind == MARKET and units * left < 0 and abs(units) <= abs(left):
            return ""  # it only closes, whatever comes before it
        cover = self._covers[order.strategy]
        assert cover is not None, "only who declares it goes flat"
        minutes = cover.flat_ns // MINUTE_NS
        return f"flat_before_close: nothing is entered from {minutes} minutes before the close on"

    def entered(self, order: Order, now_ns: int) -> None:
        """An order has been accepted: an entry without exits gets them."""
        cover = self._covers[order.strategy]
        if (
            cover is not None
            and cover.follows_trades
            and not (order.guarded or order.reduce_only)
            and self._opens(order, order.units)
        ):
            trade = self._trade_of(order, order.order_id)
            self.trades.add(trade)
            self._give_exits(cover, trade, order, -order.units, now_ns)

    def _opens(self, order: Order, units: int) -> bool:
        held_units = self._house.held_units_of(order.strategy, order.symbol_index)
        return opens(order, units, self._broker.working, held_units)

    def _trade_of(self, order: Order, entry: int) -> Trade:
        group = self._house.new_group()
        return Trade(order.strategy, order.symbol_index, entry, group, order.units > 0)

    def _give_exits(
        self, cover: Cover, trade: Trade, entry: Order, units: int, now_ns: int
    ) -> None:
        trails = cover.trail is not None or cover.trail_percent is not None
        kinds = (
            (STOP, cover.stop_loss),
            (TRAILING_STOP, _PLAIN if trails else None),
            (LIMIT, cover.take_profit),
        )
        for kind, guard in kinds:
            if guard is None:
                continue
            order = Order(
                0, entry.strategy, entry.symbol, entry.symbol_index, units, 0, kind=kind, tif=GTC,
                aimed=False, reduce_only=True, parent=trade.entry, group=trade.group, guard=guard,
            )  # fmt: skip
            if kind == TRAILING_STOP:
                order.trail, order.trail_percent = cover.trail, cover.trail_percent
            if trade.opened_units:
                order.limit, order.stop = self._prices(order, trade)
            self._house.give(order, now_ns)

    def _prices(self, order: Order, trade: Trade) -> tuple[float | None, float | None]:
        tick_units = self._tick_units[order.symbol_index]
        over, under = trade.paid_units * UNITS, trade.opened_units
        if order.kind != TRAILING_STOP:
            return guard_prices_of(order, over, under, tick_units)
        buys, price = order.units > 0, over / under / UNITS
        return None, trailed(price, buys, order.trail, order.trail_percent, tick_units)

    def resized(self, order: Order, now_ns: int) -> None:
        """An order is larger or smaller from now on: an entry's exits may be as large."""
        trade = self.trades.of_entry(order)
        for leg in self._broker.links.legs_of(trade.group) if trade is not None else ():
            if self._broker.links.entry_of(leg) is order:
                leg.units = -order.units
        self.ended(order, now_ns)

    def ended(self, order: Order, now_ns: int) -> None:
        """An order works no more, or is smaller: what it was to close before a session's end has
        to be closed still.
        """
        if order.guard is None and self.flat.is_flat(order.strategy, now_ns):
            self._close_out(order.strategy, order.symbol_index, now_ns)

    # -- fills -------------------------------------------------------------------------------------

    def filled(
        self,
        order: Order,
        units: int,
        price: float,
        held_units: int,
        now_ns: int,
        *,
        is_late: bool = False,
    ) -> None:
        """A fill has been booked; so much was held before it. A late one is behind its order's end,
        and a trade of its own.
        """
        if order.guard is not None:
            trade = self.trades.of_group(order.group)
            if trade is not None:
                trade.open_units -= min(abs(units), trade.open_units)
            return
        cover = self._covers[order.strategy]
        if cover is None or order.reduce_only:
            return
        size = abs(units)
        opened = size if held_units * units >= 0 else max(size - abs(held_units), 0)
        if cover.follows_trades and not order.guarded:
            trade = None if is_late else self.trades.of_entry(order)
            if trade is not None and size > opened:
                self._broker.links.take(trade.group, size - opened)
            if opened:
                self.trades.settle(
                    order.strategy, order.symbol_index, held_units, keep=order.order_id
                )
                self._follow(cover, trade, order, opened, price, now_ns)
        if opened and self.flat.is_flat(order.strategy, now_ns):
            self._close_out(order.strategy, order.symbol_index, now_ns)

    def _follow(
        self,
        cover: Cover,
        trade: Trade | None,
        order: Order,
        opened: int,
        price: float,
        now_ns: int,
    ) -> None:
        """A fill has opened so much: that is protected."""
        is_new = trade is None
        if trade is None:
            trade = self._trade_of(order, 0)
            self.trades.add(trade)
        trade.open_units += opened
        trade.opened_units += opened
        trade.paid_units += amount_units(opened, price)
        if is_new:
            exits = -opened if trade.buys else opened
            self._give_exits(cover, trade, order, exits, now_ns)
        else:
            self._price(trade, now_ns)
        if trade.is_over:
            self._close_trade(trade, now_ns)
        elif cover.time_stop_ns and trade.due_ns == NEVER_NS and not trade.left_ns:
            self._wait(trade, cover.time_stop_ns, now_ns)

    def _price(self, trade: Trade, now_ns: int) -> None:
        for leg in self._broker.links.legs_of(trade.group):
            if leg.guard is not None and leg.guard.units:
                prices = self._prices(leg, trade)
                if prices != (leg.limit, leg.stop):
                    self._house.priced(leg, *prices, now_ns)

    def _fit(self, moved: Moved, now_ns: int) -> None:
        """Positions have moved: no exits are larger than what their entries still hold."""
        for strategy, symbol in moved:
            is_flat = self.flat.is_flat(strategy, now_ns)
            held_units = self._house.held_units_of(strategy, symbol)
            self.trades.settle(strategy, symbol, held_units)
            for trade in [t for t in self.trades if (t.strategy, t.symbol) == (strategy, symbol)]:
                over = self._resting(trade, spares_market=is_flat) - trade.open_units
                if over > 0:
                    self._consequences.shrink(trade.group, over, now_ns, spares_market=is_flat)
            if is_flat:
                self._leave(strategy, symbol, now_ns)

    def _resting(self, trade: Trade, *, spares_market: bool) -> int:
        """What the exits of a trade would take out."""
        links = self._broker.links
        return max(
            (
                abs(links.brought(leg, leg.units)) - abs(leg.filled_units)
                for leg in links.legs_of(trade.group)
                if leg.kind != MARKET or not spares_market
            ),
            default=0,
        )

    def before_split(self, symbol: int, ratio: Decimal, lot_units: int, now_ns: int) -> None:
        """Entries that have filled in part end here: old shares and new ones make no mean price.
        Exits are for what their trades hold from now on, in the old shares still.
        """
        for trade in self.trades:
            entry = self._broker.working.get(trade.entry)
            if entry is not None and trade.symbol == symbol and entry.filled_units:
                self._house.call_off(entry, now_ns, "split: the rest of an entry is called off")
        for trade, before_units, units in self.trades.split(symbol, ratio, lot_units):
            for leg in self._broker.links.legs_of(trade.group):
                is_all = abs(leg.units - leg.filled_units) == before_units
                if is_all and not (leg.aimed or self._broker.links.entry_of(leg)):
                    leg.units = leg.filled_units + (-units if trade.buys else units)

    def split(self, symbol: int, ratio: Decimal) -> None:
        """A symbol's shares have been split: so is how far exits are away."""
        new, old = ratio.as_integer_ratio()
        for order in self._broker.working.values():
            guard = order.guard
            if order.symbol_index == symbol and guard is not None and not guard.of_percent:
                order.guard = Guard(divide_half_even(guard.units * old, new))

    # -- when time is up ---------------------------------------------------------------------------

    def open_session(self, session: TradingSession, end_ns: int, now_ns: int) -> None:
        """A session begins; all trading of it is over at `end_ns`."""
        self._end_ns, self._breaks = end_ns, session.breaks
        self.flat.open_session(session.close_ns)
        for trade in self.trades:
            if trade.left_ns:
                self._wait(trade, trade.left_ns, now_ns)

    def end_session(self) -> None:
        """All trading of a session is over."""
        self.flat.end_session()

    def _wait(self, trade: Trade, length_ns: int, now_ns: int) -> None:
        """So much of trading time from now; what of it this session has not, the next has."""
        due_ns = traded_until_ns(now_ns, length_ns, self._breaks)
        trade.left_ns = max(due_ns - self._end_ns, 0)
        trade.due_ns = NEVER_NS if trade.left_ns else due_ns
        if self.on_sooner is not None:
            self.on_sooner()

    def next_ns(self) -> int:
        """When there is something to do."""
        due_ns = min((trade.due_ns for trade in self.trades), default=NEVER_NS)
        return min(due_ns, self.flat.next_ns())

    def act(self, now_ns: int) -> None:
        """Do what is due."""
        for trade in [one for one in self.trades if one.due_ns <= now_ns]:
            trade.due_ns, trade.is_over = NEVER_NS, True
            entry = self._broker.working.get(trade.entry)
            if entry is not None:
                self._house.call_off(entry, now_ns, "time_stop: its time is up")
            self._close_trade(trade, now_ns)
        for strategy in self.flat.take_due(now_ns):
            for symbol in range(len(self._symbols)):
                self._leave(strategy, symbol, now_ns)

    def _working_of(self, strategy: int, symbol: int) -> list[Order]:
        return [
            order
            for order in self._broker.working.values()
            if (order.strategy, order.symbol_index) == (strategy, symbol)
        ]

    def _left(self, strategy: int, symbol: int) -> int:
        """What is held, less what is being sold or bought back at market."""
        held_units = self._house.held_units_of(strategy, symbol)
        own = self._working_of(strategy, symbol)
        closing = taking_out(own, held_units)
        left = held_units + sum(order.units - order.filled_units for order in closing)
        for order in own:  # what only reduces takes no more than is there, however large it was
            units = order.units - order.filled_units
            if order not in closing and self._reduces_now(order) and units * left < 0:
                left = 0 if abs(units) > abs(left) else left + units
        return left

    def _reduces_now(self, order: Order) -> bool:
        """Whether an order takes out what is held, with its next bar."""
        may_fill = order.state is not CANCEL_PENDING and not self._broker.links.waits(order)
        return order.kind == MARKET and order.reduce_only and may_fill

    def _leave(self, strategy: int, symbol: int, now_ns: int) -> None:
        """Call off what might open something yet, and close what is held."""
        own = self._working_of(strategy, symbol)
        closing = taking_out(own, self._house.held_units_of(strategy, symbol))
        for order in own:
            if order.is_working and not order.reduce_only and order not in closing:
                self._house.call_off(order, now_ns, "flat_before_close: the session is ending")
        self._close_out(strategy, symbol, now_ns)

    def _close_out(self, strategy: int, symbol: int, now_ns: int) -> None:
        """Close what a strategy holds of a symbol; its exits rest until that is done."""
        units = -self._left(strategy, symbol)
        if units:
            self._close(strategy, symbol, units, 0, now_ns)

    def _close_trade(self, trade: Trade, now_ns: int) -> None:
        """Close what an entry has opened; its exits lose what that fills."""
        held_units = self._house.held_units_of(trade.strategy, trade.symbol)
        self.trades.settle(trade.strategy, trade.symbol, held_units)
        closing = sum(
            abs(leg.units - leg.filled_units)
            for leg in self._broker.links.legs_of(trade.group)
            if leg.kind == MARKET
        )
        left = abs(self._left(trade.strategy, trade.symbol))
        size = min(trade.open_units - closing, left)
        if size > 0:
            units = -size if trade.buys else size
            self._close(trade.strategy, trade.symbol, units, trade.group, now_ns)

    def _close(self, strategy: int, symbol: int, units: int, group: int, now_ns: int) -> None:
        """It counts as on its way: a strategy that closes as well does not do it twice."""
        name = self._symbols[symbol]
        self._house.give(
            Order(
                0, strategy, name, symbol, units, 0, tif=GTC, reduce_only=True, group=group,
                guard=_PLAIN,
            ),
            now_ns,
        )  # fmt: skip
