"""Among several strategies of a live run the one that fails stops alone.

Its hooks are not called any more, and its orders that open are called off; what protects its
position stays. When none is left the run fails with the last one's error.
"""

from collections.abc import Callable, Sequence
from typing import Any

from app.core.orders import IllegalTransition
from app.managers.execution_manager.books.ledger import LedgerError
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.strategies.failure import HookInterrupted
from app.threads.hooks.seats import Seat
from app.threads.stream.commands import call_off_entries

OnTrouble = Callable[[str, str], None]


class Isolation:
    """Guards the hooks of a run's seats; `on_trouble` is told who stopped, and why."""

    def __init__(
        self, seats: Sequence[Seat], execution: ExecutionManager, on_trouble: OnTrouble
    ) -> None:
        self._seats = seats
        self._execution = execution
        self._on_trouble = on_trouble
        self._out: set[int] = set()

    @property
    def stopped(self) -> list[int]:
        """The numbers of the seats that have failed."""
        return sorted(self._out)

    def take_back(self, number: int) -> None:
        """The seat of this number has other code."""
        self._out.discard(number)

    def restore(self, stopped: Sequence[int]) -> None:
        """These have failed before."""
        self._out = set(stopped)

    def call(self, seat: Seat, hook: Callable[..., None], *args: Any) -> None:
        """Run a hook of a seat that has not failed; one that raises proposes nothing."""
        if seat.number in self._out:
            return
        try:
            hook(*args)
        except (LedgerError, IllegalTransition, HookInterrupted):
            raise  # a defect of ours, or one that hangs: that ends the run
        except BaseException as error:
            self._put_out(seat, hook.__name__, error)

    def _put_out(self, seat: Seat, where: str, error: BaseException) -> None:
        told = seat.failure(where, error)
        self._out.add(seat.number)
        if len(self._out) == len(self._seats):
            raise told from error
        now_ns = seat.desk.now_ns
        call_off_entries(self._execution, now_ns, "its strategy failed", seat.number)
        self._on_trouble(f"strategy {seat.name} stopped", str(told))


def isolation_of(
    seats: Sequence[Seat], execution: ExecutionManager, on_trouble: OnTrouble | None
) -> Isolation | None:
    """For several strategies, of whose failures somebody is told."""
    return None if on_trouble is None or len(seats) < 2 else Isolation(seats, execution, on_trouble)
