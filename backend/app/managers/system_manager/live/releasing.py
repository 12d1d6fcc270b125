"""Lifts a live run's halts for a person with a reason, once its venue agrees with its books."""

import threading
from collections.abc import Callable

from app.core.errors import AppError, StateError, UsageError
from app.core.inbox import Inbox
from app.core.messages import Command
from app.core.seams import Notifier
from app.core.venue import Venue
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.gate.calls import GateStatus
from app.managers.execution_manager.gate.latch import EXITS_WAIT
from app.managers.execution_manager.gate.reconcile import Difference
from app.managers.system_manager.live.live_means import LiveMeans
from app.managers.system_manager.venue.reckoning import look_again
from app.threads.live.order_gate import OrderGate
from app.threads.stream.commands import (
    RELEASE,
    closed_besides,
    is_ending,
    is_halted,
    stays_closed,
)

_LONGEST_SECONDS = 5.0  # what is under way has to be booked here as well by then
_LOOKS_APART = 10  # times that the means ask whether it is done


class Releasing:
    """Lifts the halts of one run, one request at a time.

    `is_steady` says whether the run has been compared with its venue, and is not ending.
    """

    def __init__(
        self,
        means: LiveMeans,
        venue: Venue,
        notifier: Notifier,
        inbox: Inbox,
        is_steady: Callable[[], bool],
    ) -> None:
        self._means, self._venue, self._notifier, self._inbox = means, venue, notifier, inbox
        self._is_steady = is_steady
        self.execution: ExecutionManager | None = None  # once the run is wired
        self.gate: OrderGate | None = None  # none before a simulated broker
        self.since_ns = 0
        self.regain: Callable[[], None] = lambda: None  # the account, if it was lost
        self._under_way = threading.Lock()
        self._outcome: str | AppError = ""  # of the last that was asked for; "": under way
        self._asked = 0
        self._differences: list[Difference] = []
        self._agrees = False
        self._halted: dict[str, str] = {}  # at the gate, when it was asked, and why
        self._away = ""  # exits that wait, and keep entries closed all the same
        self._turn = threading.Lock()  # of who halts and who lifts, for what follows
        self._halted_again = ""  # why, where somebody did since it was asked

    def halts_again(self, reason: str) -> None:
        """Somebody halts the run: what was asked for before does not lift that."""
        with self._turn:
            self._halted_again = reason or "halted"

    def ask(self, reason: str) -> None:
        """Begin to look at the venue, or refuse at once; returns before that is done."""
        if not reason.strip():
            raise UsageError("A halt is lifted by a person with a reason: give one.")
        execution, status = self.execution, None if self.gate is None else self.gate.status()
        if execution is None or not self._is_steady():
            raise StateError("The run is not compared with its venue yet, or is ending.")
        if is_ending(execution) or (status is not None and status.killed):
            raise StateError("The run is ending: its halt is not lifted.")
        if not is_halted(execution) and not (status is not None and status.halted):
            raise StateError(
                "The run is not halted by anything that a person lifts so. A trading state is "
                "cleared by 'risk resume'."
            )
        if not is_halted(execution) and status is not None and _passes_by_itself(status):
            raise StateError(
                "Exits wait for the venue, and go before entries: these pass again by themselves "
                f"when it has taken {_names(status)}. A strategy's cancel ends one, a kill all."
            )
        if not self._under_way.acquire(blocking=False):
            raise StateError("The venue is being looked at already; wait for what that comes to.")
        self._outcome, self._asked, self._differences, self._agrees = "", 0, [], False
        self._halted = {} if status is None else status.halted
        self._halted_again = ""
        self._means.when(self._is_settled, lambda: self._conclude(reason), _LONGEST_SECONDS)

    def outcome(self) -> str:
        """What it came to, or "" while the venue is looked at; a refusal is raised."""
        outcome = self._outcome
        if isinstance(outcome, AppError):
            raise outcome
        return outcome

    def besides(self, source: str) -> str:
        """What keeps entries closed once this source lets them pass, and what lifts that, or ""."""
        if self.execution is None:
            return ""
        found = closed_besides(self.execution, source)
        halted = {} if self.gate is None else self.gate.status().halted
        for place, why in halted.items():  # what the run has not heard of yet
            told = why if place == "all" else f"{place}: {why}"
            found += [told] if told not in found else []
        reasons = "; ".join(one.rstrip(".") for one in found)
        if reasons and (halted or is_halted(self.execution)):
            return f"{reasons}. 'system release --reason WHY' lifts a halt once the venue agrees."
        return f"{reasons}." if reasons else ""

    def _is_settled(self) -> bool:
        self._asked += 1
        if self._asked % _LOOKS_APART != 1:
            return False
        try:
            if self._asked == 1:
                self.regain()
            if self.gate is not None and self.execution is not None:
                self._differences = look_again(
                    self.execution, self.gate, self._venue, self.since_ns
                )
        except AppError as error:
            self._outcome = StateError(f"The halt stays: {error}")
            return True
        self._agrees = not self._differences
        return self._agrees

    def _conclude(self, reason: str) -> None:
        try:
            again = self._lift(reason) if self._agrees else ""
            if self._agrees and not again:
                self._notifier.alarm("released", reason)
                when = f" when the venue has taken {self._away}" if self._away else ""
                stays = "" if self.execution is None else stays_closed(self.execution)
                self._outcome = f"entries pass again{when}"
                if stays:
                    self._outcome = f"its halt is lifted, and entries stay refused: {stays}"
            elif self._agrees:
                self._outcome = StateError(
                    f"The halt stays: the run was halted again meanwhile: {again.rstrip('.')}."
                )
            elif not self._outcome:
                why = _told(self._differences) or "the venue could not be compared"
                self._outcome = StateError(f"The halt stays: {why}.")
        finally:
            self._under_way.release()

    def _lift(self, reason: str) -> str:
        """Why it was halted since it was asked for; "": it was not, and what was halted by then is
        not any more.
        """
        with self._turn:
            if self._halted_again:
                return self._halted_again
            if self.gate is not None:
                status = self.gate.status()
                if newer := sorted(status.halted.items() - self._halted.items()):
                    return "; ".join(f"{place}: {why}" for place, why in newer)
                self._away = _names(status)
                self.gate.lift(reason, self._halted)
            self._inbox.put(Command(RELEASE, reason))
        return ""


def _passes_by_itself(status: GateStatus) -> bool:
    """Whether nothing is halted but for exits that wait."""
    return bool(status.away) and all(why.startswith(EXITS_WAIT) for why in status.halted.values())


def _names(status: GateStatus) -> str:
    """The exits that wait: their orders, what they reduce, and why they wait."""
    return "; ".join(f"{name}, {why.rstrip('.')}" for name, why in status.away.items())


def _told(differences: list[Difference]) -> str:
    return "; ".join(
        f"{one.what}: ours {one.ours}, the venue's {one.venues}" for one in differences
    )
