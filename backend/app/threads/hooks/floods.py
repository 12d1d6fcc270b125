"""What is too much of a strategy: it fails for that, as for a hook that raises.

These are bounds of ours, far beyond what any strategy needs: they keep one that has gone wild from
filling memory and record. What an account allows stands in the limits of risk.
"""

from collections.abc import Callable, Sequence
from typing import Final

from app.core.errors import StrategyError
from app.core.orders import Order
from app.core.transfers import Conversion
from app.strategies.indicator import BETWEEN_BARS, Cursor
from app.strategies.request import MOST_PROPOSALS
from app.threads.desk.order_desk import Proposal, TimerProposal
from app.threads.hooks.seats import Seat

MOST_REFUSED: Final = 100_000  # orders and amendments of one strategy in one session

Call = Callable[..., None]


class Floods:
    """Looks at what hooks propose; `call` runs a hook, and has its strategy fail if it raises."""

    def __init__(self, seats: Sequence[Seat], cursor: Cursor, call: Call) -> None:
        self._seats = seats
        self._cursor = cursor
        self._call = call

    def taken(self, proposals: list[Proposal]) -> list[Proposal]:
        """All that a hook proposed, taken out of `proposals`; of a flood nothing."""
        if len(proposals) > MOST_PROPOSALS:
            hook = "on_bar" if self._cursor.step != BETWEEN_BARS else "a hook"
            text = (
                f"it proposed {len(proposals):,} orders, changes or timers at once, and "
                f"{MOST_PROPOSALS:,} are the most; none of them was taken."
            )
            self._call(self._seats[_owner(proposals[-1])], failing(hook, text))
        found = proposals.copy()
        proposals.clear()
        return found


def failing(hook: str, text: str) -> Call:
    """What fails as a hook of this name would that raises this."""

    def fail() -> None:
        raise StrategyError(text)

    fail.__name__ = hook
    return fail


def _owner(proposal: Proposal) -> int:
    """Whose it is."""
    if isinstance(proposal, TimerProposal):
        return proposal.seat
    given = proposal if isinstance(proposal, Order | Conversion) else proposal.order
    return given.strategy
