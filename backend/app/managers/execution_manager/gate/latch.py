"""What may leave the gate: the kill latch, and which symbols take no entries."""

from app.core.order_events import GateActed, Halted, Resumed
from app.managers.execution_manager.gate.calls import Output

FREEZE, FLATTEN = "freeze", "flatten"
KILL_MODES = (FREEZE, FLATTEN)
EVERY_SYMBOL = -1
GATE = "gate"  # the source of its halts


class Latch:
    """`killed` is "", "freeze" or "flatten"; flattening is never taken back to freezing."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._halted: dict[int, str] = {}
        self.killed = ""
        self.reason = ""

    @property
    def halted(self) -> dict[int, str]:
        """Symbols that take no entries (-1: all), and why."""
        return dict(self._halted)

    def why(self, symbol: int) -> str:
        """Why a symbol takes no entries; "" if it does."""
        return self._halted.get(symbol, "")

    def kill(self, mode: str, reason: str) -> bool:
        """Fall; whether this changed anything."""
        if mode not in KILL_MODES:
            raise ValueError(f"'{mode}' is no way to kill; use one of {', '.join(KILL_MODES)}.")
        if self.killed in (FLATTEN, mode):
            return False
        if not self.killed:
            self._output.events.append(GateActed("latched", reason))
        self.killed, self.reason = mode, reason
        what = "flattening" if mode == FLATTEN else "froze"
        self._output.events.append(GateActed(what, reason))
        self._output.alarm("killed", f"{mode}: {reason}")
        return True

    def halt(self, symbol: int, reason: str) -> None:
        """Take no entries in a symbol; the first reason stays."""
        if symbol in self._halted:
            return
        self._halted[symbol] = reason
        self._output.events.append(Halted(symbol, reason))
        self._output.alarm("halted", reason)

    def resume(self, symbol: int, reason: str) -> None:
        """Take entries in a symbol again."""
        if self._halted.pop(symbol, None) is not None:
            self._output.events.append(Resumed(symbol, reason))

    def release(self, reason: str) -> None:
        """Lift the kill latch and the halt of everything; symbols halted singly stay so."""
        if self.killed:
            self.killed, self.reason = "", ""
            self._output.events.append(GateActed("released", reason))
        self.resume(EVERY_SYMBOL, reason)

    def recall(self, event: GateActed | Halted | Resumed) -> None:
        """What was told before a restart."""
        if isinstance(event, Halted | Resumed) and event.source != GATE:
            return  # others keep their own, and would never lift it here
        if isinstance(event, Halted):
            self._halted[event.symbol] = event.reason
        elif isinstance(event, Resumed):
            self._halted.pop(event.symbol, None)
        elif event.what == "released":
            self.killed, self.reason = "", ""
        elif event.what in ("latched", "froze", "flattening"):
            self.killed = FLATTEN if event.what == "flattening" else FREEZE
            self.reason = event.reason

    def against(self, symbol: int, opens: bool) -> str:
        """Why an order of a strategy may not leave; "" if it may."""
        if self.killed == FLATTEN or (self.killed and opens):
            return f"killed ({self.killed}): {self.reason}"
        if opens:
            for place in (EVERY_SYMBOL, symbol):
                if self.why(place):
                    return f"halted: {self.why(place)}"
        return ""
