"""Strategies that do what no strategy should; each holds ten shares behind a stop first.

The file is put into a strategies folder as it is, and named as `hostile.py:FloodsOrders`.
"""

import datetime as dt
import threading
import time
from decimal import Decimal
from typing import Any, ClassVar

from app.strategies import Bar, OrderView, PositionView, Strategy, TradingSession

FLOOD = 100_000  # orders of one hook
HELD = 10  # shares, before it misbehaves
PEACEFUL_BARS = 3  # of its first symbol


class Hostile(Strategy):
    """Buys ten shares of the first symbol with a stop far below, and then misbehaves."""

    def setup(self) -> None:
        self.seen = 0
        self.is_settled = False
        self.kept: list[Any] = []

    def on_bar(self, bar: Bar) -> None:
        if bar.symbol != self.symbols[0]:
            return
        self.seen += 1
        self.is_settled = self.is_settled or self.is_protected(bar.symbol)
        if not (self.is_settled or self.position(bar.symbol) or self.orders(bar.symbol)):
            self.bracket(bar.symbol, HELD, stop=round(bar.close / 2, 2))
        elif self.is_settled and self.seen > PEACEFUL_BARS:
            self.misbehave(bar)

    def is_protected(self, symbol: str) -> bool:
        """Whether it has its ten shares, and the stop works."""
        states = [order.state for order in self.orders(symbol) if order.kind == "stop"]
        return self.position(symbol).quantity == HELD and states == ["ACCEPTED"]

    def misbehave(self, bar: Bar) -> None:
        """What makes it hostile."""


# -- floods ----------------------------------------------------------------------------------------


class FloodsOrders(Hostile):
    """Gives a hundred thousand orders in one hook."""

    def misbehave(self, bar: Bar) -> None:
        for _ in range(FLOOD):
            self.order(bar.symbol, 1)


class FloodsEveryBar(Hostile):
    """Gives nine hundred limit orders on every bar, all of which would work on."""

    def misbehave(self, bar: Bar) -> None:
        for _ in range(900):
            self.order(bar.symbol, 1, limit=round(bar.close / 2, 2))


class FloodsAmends(Hostile):
    """Amends its stop a hundred thousand times in one hook."""

    def misbehave(self, bar: Bar) -> None:
        stop = self.orders(bar.symbol)[0]
        for number in range(FLOOD):
            self.amend(stop, stop=round(bar.close / 2 - number % 7 / 100, 2))


class FloodsCancels(Hostile):
    """Gives orders without end, and takes each back at once."""

    def misbehave(self, bar: Bar) -> None:
        while True:
            self.cancel(self.order(bar.symbol, 1))


class FloodsTimers(Hostile):
    """Sets a hundred thousand timers in one hook."""

    def misbehave(self, bar: Bar) -> None:
        for number in range(FLOOD):
            self.timer(f"timer {number}", self.now + dt.timedelta(minutes=1))


class FloodsAnswers(Hostile):
    """Answers each refusal with another order that is refused."""

    def misbehave(self, bar: Bar) -> None:
        self.order(bar.symbol, 9_000_000_000)

    def on_order(self, order: OrderView) -> None:
        if order.state == "REJECTED":
            self.order(order.symbol, 9_000_000_000)


class FloodsTheLog(Hostile):
    """Writes a hundred thousand lines to the log in one hook."""

    def misbehave(self, bar: Bar) -> None:
        if self.seen == PEACEFUL_BARS + 1:
            for number in range(FLOOD):
                self.log(f"line {number}")


class FloodsTheTerminal(Hostile):
    """Prints on every bar."""

    def misbehave(self, bar: Bar) -> None:
        print("x" * 200)


class LogsAMountain(Hostile):
    """Writes one line of ten million characters."""

    def misbehave(self, bar: Bar) -> None:
        self.log("x" * 10_000_000)


# -- sizes and prices that are none ----------------------------------------------------------------


class OddSize(Hostile):
    """Orders so much of its symbol; see `SIZES`."""

    size: ClassVar[Any] = 0

    def misbehave(self, bar: Bar) -> None:
        self.order(bar.symbol, self.size)


class OddPrice(Hostile):
    """Orders one share at a limit of so much; see `PRICES`."""

    price: ClassVar[Any] = 0

    def misbehave(self, bar: Bar) -> None:
        self.order(bar.symbol, 1, limit=self.price)


class OddStop(Hostile):
    """Orders one share at a stop of so much; see `PRICES`."""

    price: ClassVar[Any] = 0

    def misbehave(self, bar: Bar) -> None:
        self.order(bar.symbol, 1, stop=self.price)


SIZES = {
    "Nan": float("nan"), "Infinite": float("inf"), "True": True, "Text": "many", "None": None,
    "DecimalNan": Decimal("NaN"), "List": [1], "Trillion": 10**12, "Nonillion": 10**30,
    "NonillionFloat": 1e30, "Negative": -(10**12), "Dust": 1e-12, "HalfShare": 0.5,
    "LongText": "9" * 100_000,
}  # fmt: skip
PRICES = {
    "Negative": -5.0, "Zero": 0, "Nan": float("nan"), "Infinite": float("inf"), "Huge": 1e30,
    "Dust": 1e-12, "SubTick": 10.000001, "Text": "cheap",
}  # fmt: skip
for _base, _name, _values in (
    (OddSize, "size", SIZES), (OddPrice, "price", PRICES), (OddStop, "price", PRICES),
):  # fmt: skip
    for _word, _value in _values.items():
        _kind = f"{_base.__name__}{_word}"
        globals()[_kind] = type(_kind, (_base,), {_name: _value, "__module__": __name__})


class UnknownSymbol(Hostile):
    """Orders what the run does not trade, under a name of a million letters."""

    def misbehave(self, bar: Bar) -> None:
        self.order("A" * 1_000_000, 1)


# -- hooks that do not come back -------------------------------------------------------------------


class Spins(Hostile):
    """Never returns."""

    def misbehave(self, bar: Bar) -> None:
        while True:
            pass


class SpinsDeaf(Hostile):
    """Never returns, and catches whatever is raised in it."""

    def misbehave(self, bar: Bar) -> None:
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass


class Sleeps(Hostile):
    """Sleeps for an hour in C code."""

    def misbehave(self, bar: Bar) -> None:
        time.sleep(3600)


class SpinsInSetup(Hostile):
    """Never returns from `setup`."""

    def setup(self) -> None:
        while True:
            pass


class Recurses(Hostile):
    """Calls itself without end."""

    def misbehave(self, bar: Bar) -> None:
        self.misbehave(bar)


# -- raises ----------------------------------------------------------------------------------------


class Raises(Hostile):
    """Raises something in its bar hook."""

    error: ClassVar[type[BaseException]] = ValueError

    def misbehave(self, bar: Bar) -> None:
        raise self.error("as it likes")


class RaisesSystemExit(Raises):
    """Asks the process to end."""

    error = SystemExit


class RaisesKeyboardInterrupt(Raises):
    """Pretends that somebody pressed Ctrl+C."""

    error = KeyboardInterrupt


class RaisesMemoryError(Raises):
    """Runs out of memory, or says so."""

    error = MemoryError


class RaisesGeneratorExit(Raises):
    """Raises what is no `Exception`."""

    error = GeneratorExit


class RaisesItsOwn(Raises):
    """Raises a class of its own that is no `Exception`."""

    error = type("Odd", (BaseException,), {})


class RaisesAMountain(Raises):
    """Raises an error of ten million characters."""

    def misbehave(self, bar: Bar) -> None:
        raise ValueError("x" * 10_000_000)


class Unspeakable(Exception):
    """Cannot even be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class RaisesUnspeakable(Raises):
    """Raises an error that fails when it is told."""

    error = Unspeakable


class RaisesInSetup(Hostile):
    """Raises in `setup`."""

    def setup(self) -> None:
        raise ValueError("as it likes")


class RaisesAtTheOpen(Hostile):
    """Raises in `on_session_open`."""

    def on_session_open(self, session: TradingSession) -> None:
        raise ValueError("as it likes")


class RaisesOnOrder(Hostile):
    """Raises in `on_order`."""

    def on_order(self, order: OrderView) -> None:
        raise ValueError("as it likes")


class RaisesOnPosition(Hostile):
    """Raises in `on_position`."""

    def on_position(self, symbol: str, position: PositionView) -> None:
        raise ValueError("as it likes")


class RaisesOnTimer(Hostile):
    """Raises in `on_timer`."""

    def misbehave(self, bar: Bar) -> None:
        self.timer("soon", self.now.replace(second=30))

    def on_timer(self, name: str) -> None:
        raise ValueError("as it likes")


class RaisesAtTheClose(Hostile):
    """Raises in `on_session_close`."""

    def on_session_close(self, session: TradingSession) -> None:
        raise ValueError("as it likes")


# -- grasping --------------------------------------------------------------------------------------


class Changes(Hostile):
    """Changes what it was given; see `CHANGES`."""

    def misbehave(self, bar: Bar) -> None:
        columns = self.bars(bar.symbol, n=2)
        columns.close.flags.writeable = True
        columns.close[:] = 1e9  # its own copy
        self.orders().clear()
        try:
            bar.close = 1e9  # type: ignore[misc]
        except AttributeError:
            self.position(bar.symbol).quantity = Decimal(10**9)  # type: ignore[misc]


class ChangesAnOrder(Hostile):
    """Says that an order of its own is larger than it is."""

    def misbehave(self, bar: Bar) -> None:
        self.orders()[0].state = "FILLED"  # type: ignore[misc]


class ChangesItself(Hostile):
    """Replaces what the engine gave it to work with."""

    def misbehave(self, bar: Bar) -> None:
        self._context = None  # type: ignore[assignment]
        self.order(bar.symbol, 1)


class ChangesItsSymbols(Hostile):
    """Adds a symbol to those of the run."""

    def misbehave(self, bar: Bar) -> None:
        self.symbols += ("MORE",)  # type: ignore[misc]


class KeepsOrders(Hostile):
    """Amends and cancels orders that ended long ago, and orders after the close."""

    def misbehave(self, bar: Bar) -> None:
        self.kept.append(self.order(bar.symbol, 1))
        for order in self.kept:
            self.amend(order, quantity=5)
            self.cancel(order)

    def on_session_close(self, session: TradingSession) -> None:
        self.order(self.symbols[0], 1)


class OrdersOnAndOn(Hostile):
    """Buys one more share on every bar, whatever becomes of it."""

    def misbehave(self, bar: Bar) -> None:
        self.order(bar.symbol, 1)


class OrdersFromAThread(Hostile):
    """Orders without end from a thread of its own."""

    def misbehave(self, bar: Bar) -> None:
        if not self.kept:
            self.kept.append(threading.Thread(target=self.flood, args=(bar.symbol,), daemon=True))
            self.kept[0].start()
            time.sleep(0.1)

    def flood(self, symbol: str) -> None:
        for _ in range(FLOOD):
            self.order(symbol, 1)


class ThreadThatRaises(Hostile):
    """Raises in a thread of its own."""

    def misbehave(self, bar: Bar) -> None:
        if not self.kept:
            self.kept.append(threading.Thread(target=self.fall, daemon=True))
            self.kept[0].start()
            self.kept[0].join()  # it is told before the run ends

    def fall(self) -> None:
        raise ValueError("as it likes")


# -- memory ----------------------------------------------------------------------------------------


class Hogs(Hostile):
    """Takes memory without end in one hook."""

    def misbehave(self, bar: Bar) -> None:
        while True:
            self.kept.append(b"x" * 1_000_000)


class HogsBarByBar(Hostile):
    """Keeps ten megabytes of each bar."""

    def misbehave(self, bar: Bar) -> None:
        self.kept.append(bytes([self.seen % 256]) * 10_000_000)


class AsksForTooMuch(Hostile):
    """Asks for more memory at once than there is anywhere."""

    def misbehave(self, bar: Bar) -> None:
        self.kept.append(bytearray(10**17))


# -- states ----------------------------------------------------------------------------------------


class SavesItself(Hostile):
    """Saves a state that holds itself."""

    def save_state(self) -> dict[str, Any]:
        state: dict[str, Any] = {}
        state["a"] = state["b"] = [state, state]
        return state

    def load_state(self, state: Any) -> None:
        """Never comes to this."""


class SavesAMountain(Hostile):
    """Saves a state of fifty million characters."""

    def save_state(self) -> dict[str, Any]:
        return {"mountain": "x" * 50_000_000}

    def load_state(self, state: Any) -> None:
        """It has no use for it."""
