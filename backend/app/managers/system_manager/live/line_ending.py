"""How a live run comes to its end: what was asked for is done first, or has taken too long."""

from collections.abc import Callable

from loguru import logger

from app.core.inbox import Inbox
from app.core.intervals import SECOND_NS
from app.core.messages import Command
from app.core.money import from_units
from app.core.seams import Notifier
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.live.limited_broker import gives_anew
from app.managers.execution_manager.orders.kill import FLATTEN, Standing
from app.managers.system_manager.live.line_journal import LineJournal
from app.managers.system_manager.live.live_means import LiveMeans
from app.managers.system_manager.record.run_outcome import RunEnd
from app.threads.live.order_gate import OrderGate
from app.threads.stream.commands import STOP, has_stopped, is_left_holding

_ANSWER_SECONDS = 10.0  # of the machine, for what was asked last
_STOP_SECONDS = 20.0  # of the machine: then the run ends, whatever is still open
_LONGEST_CLOSE_SECONDS = 300.0  # where that is more
_SLACK_SECONDS = 5.0  # for all that is done in between
_LONGEST_AWAY_SECONDS = 3600.0  # while the venue turns away what is to be done
_LONGEST_RECOVERY_SECONDS = 600.0  # that an end waits for before it can be seen to
_LOOKS_TO_BE_SURE = 10  # that positions are left which no order closes
_MOST_IN_VAIN = 2  # times that strategies' own are closed again; then the gate closes all at once


def close_seconds(bar_ns: int, grace_ms: int, rate: float) -> float:
    """How long it may take to be flat where orders are filled on bars, at the next one's open.

    A close fills on the first bar that begins after it, known when that is over. The bar under way
    may still fill an entry, which is closed when all that closes works no more: two bars again.
    """
    bars = 4 * bar_ns / SECOND_NS / rate if rate > 0 else 0.0
    return bars + grace_ms / 1000 + _SLACK_SECONDS


class _Wait:
    """One of those who wait for the end: a kill and a stop may do so together."""

    def __init__(self, away_seconds: float) -> None:
        self.away_seconds = away_seconds  # that the end has waited for what the venue turns away
        self.was_away = False  # something of it, since this was looked at last


class LineEnding:
    """The end of one run; `execution` and `gate` are there once it begins."""

    def __init__(
        self,
        means: LiveMeans,
        notifier: Notifier,
        inbox: Inbox,
        is_recovered: Callable[[], bool],
        close_seconds: float,
    ) -> None:
        """`close_seconds` is how long an order that closes may take to fill."""
        self.execution: ExecutionManager | None = None
        self.gate: OrderGate | None = None
        self._means = means
        self._notifier = notifier
        self._inbox = inbox
        self._is_recovered = is_recovered
        self._close_seconds = min(max(close_seconds, _STOP_SECONDS), _LONGEST_CLOSE_SECONDS)
        self._left_looks = self._in_vain = 0
        self.is_hurried = False  # whoever ended it does not want to wait any more
        self._away_seconds = 0.0  # of the one who has waited longest
        self.has_told = False  # that it waits, and that who stops it then ends it at once
        self._is_over = False

    def patience_seconds(self, mode: str) -> float:
        """How long the end waits for what was asked for."""
        return self._close_seconds if mode == FLATTEN else _STOP_SECONDS

    def words(self, mode: str) -> str:
        """What is done before the end, for whoever waits for it."""
        if mode != FLATTEN:
            return ""
        return (
            "It closes what it holds first, and ends when that is done, or after "
            f"{self.patience_seconds(mode):g} s."
        )

    def when_done(self, mode: str, end: Callable[[], None]) -> None:
        """Call `end` then. A run that is being recovered does not know yet what is to be done."""
        if self.patience_seconds(mode) > _STOP_SECONDS:
            logger.info(self.words(mode))

        waiting = _Wait(self._away_seconds)

        def wait() -> None:
            self._means.when(is_over, over, self.patience_seconds(mode))

        def is_over() -> bool:
            if self._is_over or self.is_done(mode):
                return True
            self._look_what_waits(waiting)
            return self._flatten_again(mode)

        def over() -> None:
            if self._is_over:
                return
            if not self.is_done(mode) and self._waits_on(waiting, self.patience_seconds(mode)):
                wait()
            else:
                self._end_as_it_stands(mode, end)

        if self._is_recovered():
            wait()
        else:
            self._means.when(self._is_recovered, wait, _LONGEST_RECOVERY_SECONDS)

    def wait(self, is_done: Callable[[], bool], seconds: float) -> None:
        """The same on this thread, for what is done behind the end. A Ctrl+C ends the wait alone:
        what follows is done all the same.
        """
        waiting = _Wait(self._away_seconds)
        try:
            while True:
                self._means.wait_until(lambda: is_done() or self._look_what_waits(waiting), seconds)
                if is_done() or not self._waits_on(waiting, seconds):
                    return
        except KeyboardInterrupt:
            self.is_hurried = True

    def _what_waits(self) -> list[str]:
        """What the venue has turned away, and is to take before the end."""
        if self.gate is None:
            return []
        status = self.gate.status()
        exits = [f"{name}, which reduces {why.rstrip('.')}" for name, why in status.away.items()]
        closings = status.put_off.items()
        return exits + [f"what closes {name}: {why.rstrip('.')}" for name, why in closings]

    def _waits_on(self, waiting: _Wait, waited_seconds: float) -> bool:
        """Whether the end waits on: the venue took nothing of it for some of that time."""
        if self.is_hurried or not waiting.was_away:
            return False
        waiting.was_away = False
        waiting.away_seconds += waited_seconds
        self._away_seconds = max(self._away_seconds, waiting.away_seconds)
        return waiting.away_seconds < _LONGEST_AWAY_SECONDS

    def _look_what_waits(self, waiting: _Wait) -> bool:
        """It is told once, as it may take long; nothing is done by that."""
        waits = self._what_waits()
        waiting.was_away = waiting.was_away or bool(waits)
        if waits and not (self.has_told or self.is_hurried):
            self.has_told = True
            self._notifier.alarm(
                "end waits",
                f"The venue turns away {'; '.join(waits)}. The run ends when it has been given, or "
                f"after {_LONGEST_AWAY_SECONDS / 60:g} minutes. Ask it to stop again to end it at "
                "once: that is not at the venue then.",
            )
        return False

    def standing(self) -> Standing | None:
        """What the gate knows to work and to be held; None where orders are simulated."""
        if self.gate is None:
            return None
        status = self.gate.status()
        return Standing(status.open_orders, status.opening_orders, status.positions)

    def is_done(self, mode: str) -> bool:
        """Whether entries are off, and all is flat where it is to be. A killed gate knows, and
        how it was killed counts, whoever asks for less.
        """
        if not self._is_recovered():
            return False
        if self.gate is not None and (status := self.gate.status()).killed:
            if status.killed == FLATTEN:
                return not status.open_orders and not status.positions
            anew = self.execution is not None and gives_anew(self.execution.broker)
            return not status.opening_orders and not anew and not status.away
        is_away = self.gate is not None and bool(self.gate.status().away)
        stopped = self.execution is not None and has_stopped(self.execution, mode, self._left())
        return stopped and not is_away

    def _left(self) -> dict[str, int]:
        """What nothing closes, as it is worth less than the venue takes: that was told."""
        return {} if self.gate is None else self.gate.status().left

    def _flatten_again(self, mode: str) -> bool:
        """Ask for it again where a late fill left something; it is not done by that. The gate needs
        no asking.
        """
        if self._in_vain > _MOST_IN_VAIN and self.gate is not None:
            return False
        left = self._left()
        is_left = self.execution is not None and is_left_holding(self.execution, left)
        self._left_looks = self._left_looks + 1 if is_left and mode == FLATTEN else 0
        if self._left_looks == _LOOKS_TO_BE_SURE:
            self._left_looks = 0
            self._in_vain += 1
            self._inbox.put(Command(STOP, mode))
            if self._in_vain > _MOST_IN_VAIN and self.gate is not None:
                self.gate.kill(FLATTEN, "what each strategy holds could not be closed by itself")
        return False

    def close(
        self, journal: LineJournal | None, end: RunEnd, mode: str, book_last: Callable[[], None]
    ) -> None:
        """The run has ended: what an error has left is done as `mode` says, and the gate stops."""
        gate = self.gate
        if gate is None:
            return
        if not self._is_recovered():
            self._notifier.alarm(
                "not recovered",
                "It is not compared with the venue: nobody looks after orders and positions there. "
                "Start again, or see to them and give it up by 'system recover --give-up'.",
            )
        elif end.error is not None:

            def is_seen_to() -> bool:
                book_last()
                return self.is_done(mode)

            gate.kill(mode, f"the run {end.ended}")
            self.wait(is_seen_to, self.patience_seconds(mode))
            self.tell_what_is_left(mode)
        self.settle(journal, end.error)
        left = gate.stop()
        if left:
            self._notifier.alarm("gate", f"never called: {', '.join(left)}")
        book_last()

    def settle(self, journal: LineJournal | None, error: str | None) -> None:
        """Wait until all that the run has asked for is with the venue, and answered: its last
        orders and cancels leave on other threads, and nobody looks after them when it is over.
        """
        gate, self._is_over = self.gate, True
        if gate is None or journal is None or error is not None or not self._is_recovered():
            return

        def is_settled(left: int = 0) -> bool:
            status = gate.status()
            return journal.is_all_sent and status.unanswered <= left and not status.in_doubt

        def are_others() -> bool:
            return is_settled(len(gate.status().away))

        self.wait(lambda: are_others() if self.is_hurried else is_settled(), _ANSWER_SECONDS)
        if waits := self._what_waits():
            told = f"{'; '.join(waits)}. The run does not give it any more: see to the position."
            self._notifier.alarm("ended without an exit", f"Not at the venue: {told}")
        if not are_others():
            status = gate.status()
            told = (
                f"The venue has not said in {_ANSWER_SECONDS:g} s what became of what was asked "
                f"last: of {max(status.unanswered, status.in_doubt, 1)} orders. Look there."
            )
            self._notifier.alarm("ended without an answer", told)

    def _end_as_it_stands(self, mode: str, end: Callable[[], None]) -> None:
        self.tell_what_is_left(mode)
        end()

    def tell_what_is_left(self, mode: str) -> None:
        """An alarm, where what was asked for is not done by now."""
        if not self.is_done(mode):
            seconds = max(self.patience_seconds(mode), self._away_seconds)
            waited = f"It waited {seconds:g} s in vain.{self._what_is_left()}"
            self._notifier.alarm("ended with open orders or positions", waited)

    def _what_is_left(self) -> str:
        if self.gate is None:
            return ""
        status = self.gate.status()
        held = ", ".join(f"{from_units(units)} {name}" for name, units in status.positions.items())
        return (
            f" {status.open_orders} orders may still work at the venue, {status.opening_orders} of "
            f"them may open a position; held: {held or 'nothing'}."
        )
