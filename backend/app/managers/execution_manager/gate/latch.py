"""What may leave the gate: the kill latch, and which symbols take no entries."""

from typing import Final

from app.core.halts import ALL_SYMBOLS, GATE
from app.core.order_events import GateActed, Halted, Resumed
from app.managers.execution_manager.gate.calls import Output
from app.managers.execution_manager.orders.kill import FLATTEN, FREEZE, KillLatch

# How the reasons of halts begin that end by themselves, also one of before a restart:
EXITS_WAIT: Final = "Exits wait for the venue"
DIFFERS: Final = "Positions differ"
_PASSING: Final = (EXITS_WAIT, DIFFERS)
_LONGEST: Final = 500  # characters that are kept of reasons when another joins them


class Latch:
    """The kill latch, told to the stream and to the alarms; and halts."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._halted: dict[int, str] = {}
        self._kill = KillLatch()

    @property
    def killed(self) -> str:
        """ "", "freeze" or "flatten"."""
        return self._kill.mode

    @property
    def reason(self) -> str:
        """Why it was killed."""
        return self._kill.reason

    @property
    def halted(self) -> dict[int, str]:
        """Symbols that take no entries (-1: all), and why."""
        return dict(self._halted)

    def why(self, symbol: int) -> str:
        """Why a symbol takes no entries; "" if it does."""
        return self._halted.get(symbol, "")

    def kill(self, mode: str, reason: str) -> bool:
        """Fall; whether this changed anything."""
        was_killed = self.killed
        if not self._kill.fall(mode, reason):
            return False
        if not was_killed:
            self._output.events.append(GateActed("latched", reason))
        what = "flattening" if mode == FLATTEN else "froze"
        self._output.events.append(GateActed(what, reason))
        self._output.alarm("killed", f"{mode}: {reason}")
        return True

    def halt(self, symbol: int, reason: str) -> None:
        """Take no entries in a symbol. A reason that passes by itself gives way to others: with it
        another halt would end, which nobody has lifted. These stand together, so that whoever lifts
        one he knows of does not lift what he has not heard. The same with other figures is told
        once: who differs looks again and again, and figures move.
        """
        before, told = self._halted.get(symbol, ""), reason
        if before and _passes(reason):
            return
        if before and not _passes(before):
            if _without_figures(reason) in _without_figures(before):
                return
            told = f"{before[:_LONGEST]}; {reason}"
        self._halted[symbol] = told
        self._output.events.append(Halted(symbol, told))
        self._output.alarm("halted", reason)

    def resume(self, symbol: int, reason: str) -> None:
        """Take entries in a symbol again."""
        if self._halted.pop(symbol, None) is not None:
            self._output.events.append(Resumed(symbol, reason))

    def recall(self, event: GateActed | Halted | Resumed) -> None:
        """What was told before a restart."""
        if isinstance(event, Halted | Resumed) and event.source != GATE:
            return  # others keep their own, and would never lift it here
        if isinstance(event, Halted):
            self._halted[event.symbol] = event.reason
        elif isinstance(event, Resumed):
            self._halted.pop(event.symbol, None)
        elif event.what in ("latched", "froze", "flattening"):
            mode = FLATTEN if event.what == "flattening" else FREEZE
            self._kill = KillLatch(mode, event.reason)

    def takes_back(self, opens: bool) -> bool:
        """Whether a working order is to be cancelled."""
        return self._kill.stands_against(opens)

    def against(self, symbol: int, opens: bool) -> str:
        """Why an order of a strategy may not leave; "" if it may."""
        if why := self._kill.against(opens):
            return why
        if opens:
            for place in (ALL_SYMBOLS, symbol):
                if self.why(place):
                    return f"halted: {self.why(place)}"
        return ""


def _without_figures(reason: str) -> str:
    """With ends by which it is found as a whole among others."""
    return f"; {''.join(one for one in reason if not one.isdecimal())};"


def _passes(reason: str) -> bool:
    return reason.startswith(_PASSING)
