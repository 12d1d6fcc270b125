"""An analysis engine of an account with a trading state: it looks before each hook.

Only a run that has breakers, or that its account remembers, has one.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from app.core.bars import Bar
from app.core.errors import UsageError
from app.core.halts import START
from app.core.messages import BrokerNews, Command
from app.core.order_events import (
    Acknowledged,
    Amended,
    Ended,
    Filled,
    Halted,
    OrderEvent,
    Refused,
    Resumed,
    Uncertain,
)
from app.core.trading_state import HALTED, REDUCING, RiskStatus
from app.managers.execution_manager.limits.breaker_desk import BreakerDesk, why_of
from app.threads.analysis_engine import BarHook
from app.threads.desk.desk import ACTED
from app.threads.desk.order_desk import Proposal
from app.threads.engines.killed_engine import KilledEngine
from app.threads.engines.silence import Silence
from app.threads.hooks.seats import Seat
from app.threads.stream.commands import call_off_entries
from app.threads.stream.reloading import News
from app.threads.stream.results import Results

RISK_HALT, RISK_REDUCE, RISK_RESUME = "risk halt", "risk reduce", "risk resume"
SKEW = "clock skew"  # nobody asks for it: a measure of the venue's clock
_GOOD = (Acknowledged, Amended, Ended, Filled)


class GuardedEngine(KilledEngine):
    """Runs as any other while nothing trips."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        desk = self.execution._checks.breakers
        assert desk is not None, "a guarded engine is for a run with a trading state"
        self.risk: BreakerDesk = desk
        self._silence = Silence(desk, self.outlook, self._cursor)
        tell = self._on_results
        self._on_results = lambda results: tell(self._with_report(results))
        self._guard()

    def risk_status(self, timeout_seconds: float) -> RiskStatus | None:
        """For other threads: as it stands between two blocks; None while a block takes longer."""
        if not self._under_way.acquire(timeout=min(timeout_seconds, threading.TIMEOUT_MAX)):
            return None
        try:
            return self.status()
        finally:
            self._under_way.release()

    def status(self) -> RiskStatus:
        """As it stands; for the engine's own thread."""
        now_ns = self._cursor.now_ns
        return self.risk.status(now_ns, self._silence.length_ns(now_ns))

    # -- when it looks -----------------------------------------------------------------------------

    def _guard(self) -> None:
        base = self._plan.base_interval
        self._on_bar = self._guarded(self._on_bar, self._wanted)
        if base not in self._wanted:  # losses are seen on each of its bars
            self._wanted = (base, *self._wanted)

    def _rebind(self) -> None:
        super()._rebind()
        self._guard()

    def _guarded(self, on_bar: BarHook, wanted: Sequence[str]) -> BarHook:
        def guarded(bar: Bar) -> None:
            if self._look():
                self.proposals.append(ACTED)  # the loop looks for fills and timers anew
            if bar.interval in wanted:
                on_bar(bar)

        return guarded

    def _call(self, seat: Seat, hook: Callable[..., None], *args: object) -> None:
        self._look()
        super()._call(seat, hook, *args)

    def _take(self, proposals: list[Proposal], now_ns: int) -> None:
        super()._take(proposals, now_ns)
        self._look()  # what was refused may be one too many

    def _next_special_ns(self) -> int:
        return min(super()._next_special_ns(), self._silence.due_ns())

    def _run_special(self, now_ns: int) -> None:
        super()._run_special(now_ns)
        self._look(self._silence.length_ns(now_ns))

    def _answer(self, message: News) -> None:
        now_ns = self._cursor.now_ns
        if isinstance(message, BrokerNews):
            self._hear(message.events, now_ns)
        if isinstance(message, Command) and message.name in _OBEYED:
            self._obey(message, now_ns)
        else:
            super()._answer(message)
        self._look()

    def _look(self, silence_ns: int = 0) -> bool:
        """Whether anything trips; then working entries are called off, and that is told."""
        if not self.risk.look(self._cursor.now_ns, silence_ns):
            return False
        self._call_off()
        return True

    def _call_off(self) -> None:
        *_, trip = self.risk.trips.values()
        why = f"the account is {self.risk.state}, {why_of(trip)}"
        call_off_entries(self.execution, self._cursor.now_ns, why)
        self._news.tell_untold()

    # -- what it hears -----------------------------------------------------------------------------

    def _hear(self, events: Sequence[OrderEvent], now_ns: int) -> None:
        for event in events:
            if isinstance(event, Refused | Uncertain):
                self.risk.note_broker(failed=True)
                if isinstance(event, Refused):
                    self.risk.note_reject(now_ns)
            elif isinstance(event, _GOOD):
                self.risk.note_broker(failed=False)
            elif isinstance(event, Halted | Resumed) and event.source == START:
                self.risk.catches_up = isinstance(event, Halted)
                self.risk.heard_ns = max(self.risk.heard_ns, now_ns)

    def _obey(self, command: Command, now_ns: int) -> None:
        if command.name == SKEW:
            self.risk.note_skew(int(command.value))
        elif command.name == RISK_RESUME:
            asked = msgspec.json.decode(command.value, type=Resumption)
            self.risk.resume(asked.name, asked.reason, now_ns)
        else:
            state = HALTED if command.name == RISK_HALT else REDUCING
            if self.risk.halt(state, command.value, now_ns):
                self._call_off()

    def _flatten(self) -> None:
        """A person's, or the run's end: it leaves whatever the trading state."""
        with self.execution.entries.let_out():
            super()._flatten()

    def _with_report(self, results: Results) -> Results:
        self._silence.keep(self._cursor.now_ns)
        report = self.risk.report()
        return results if report is None else msgspec.structs.replace(results, risk=report)


class Resumption(msgspec.Struct, frozen=True):
    """What a person clears, "" being all, and why."""

    reason: str
    name: str = ""

    def command(self) -> Command:
        """As an input of a run."""
        return Command(RISK_RESUME, msgspec.json.encode(self).decode())


def halting(state: str, reason: str) -> Command:
    """A person takes an account out of trading: an input of a run."""
    if state not in (REDUCING, HALTED):
        raise UsageError(f"An account is taken to {REDUCING} or {HALTED}, not to '{state}'.")
    return Command(RISK_HALT if state == HALTED else RISK_REDUCE, reason)


_OBEYED = (RISK_HALT, RISK_REDUCE, RISK_RESUME, SKEW)
