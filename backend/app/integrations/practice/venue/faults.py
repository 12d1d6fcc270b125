"""The fault menu: what can go wrong, how often and where it does, and what it did so far.

Drawn from seeds that come with the faults, so the same requests meet the same faults again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from app.core.errors import UsageError, did_you_mean
from app.integrations.practice.wire import STREAMS, Fault, FaultCounts

# On the way to and from the venue
HTTP_STATUS, HTTP_GARBAGE, HTTP_ERROR_BODY = "http_status", "http_garbage", "http_error_body"
HTTP_TRUNCATED, SLOW = "http_truncated", "slow"
TIMEOUT_BEFORE, TIMEOUT_AFTER = "timeout_before_accept", "timeout_after_accept"
RESET_BEFORE, RESET_AFTER = "reset_before_accept", "reset_after_accept"
# On the streams
DROP, DUPLICATE, REORDER, DELAY = "drop", "duplicate", "reorder", "delay"
SILENT, DISCONNECT, FILL_LOST = "silent", "disconnect", "fill_lost"
# At the venue itself
NOT_FOUND, REJECT_LATER, ID_ROLLBACK = "not_found", "reject_after_accept", "id_rollback"
CANCEL_RACED, AMEND_RACED = "cancel_raced", "amend_raced"
FILL_AFTER_CANCEL, PARTIAL_DISCONNECT = "fill_after_cancel", "partial_then_disconnect"

ROUTES: Final = (
    "about", "time", "place", "cancel", "amend", "order", "open_orders", "executions",
    "positions", "cash", "bars",
)  # fmt: skip
ANSWERS = (HTTP_STATUS, HTTP_GARBAGE, HTTP_ERROR_BODY)
_ON_THE_WAY = (
    *ANSWERS, HTTP_TRUNCATED, SLOW, TIMEOUT_BEFORE, TIMEOUT_AFTER, RESET_BEFORE, RESET_AFTER,
)  # fmt: skip
_ON_STREAMS = (DROP, DUPLICATE, REORDER, DELAY, SILENT, DISCONNECT)
_AT_THE_VENUE = (
    FILL_LOST, NOT_FOUND, REJECT_LATER, ID_ROLLBACK, CANCEL_RACED, AMEND_RACED,
    FILL_AFTER_CANCEL, PARTIAL_DISCONNECT,
)  # fmt: skip
PLACES: Final = (
    dict.fromkeys(_ON_THE_WAY, ROUTES)
    | dict.fromkeys(_ON_STREAMS, STREAMS)
    | dict.fromkeys(_AT_THE_VENUE, ())
)


_MOST: Final = 1_000_000_000


class _Armed:
    """A fault with what is left of it."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._left = fault.count
        self._chance = np.random.default_rng(fault.seed)

    def fires(self) -> bool:
        if self._left == 0:
            return False
        if self.fault.probability < 1.0 and self._chance.random() >= self.fault.probability:
            return False
        if self._left is not None:
            self._left -= 1
        return True

    def told(self) -> Fault | None:
        """As it stands; None when it is used up."""
        if self._left == 0:
            return None
        values = {name: getattr(self.fault, name) for name in Fault.__struct_fields__}
        return Fault(**(values | {"count": self._left}))


class FaultMenu:
    """What is armed, and counts of what fired."""

    def __init__(self) -> None:
        self.places: Mapping[str, Sequence[str]] = PLACES  # of each kind that there is
        self.answers: Sequence[str] = ANSWERS  # kinds that can come after the work was done
        self._armed: list[_Armed] = []
        self._fired: Counter[str] = Counter()

    def arm(self, faults: Sequence[Fault]) -> None:
        """These from now on, none of those before."""
        for fault in faults:
            _check(fault, self.places, self.answers)
        self._armed = [_Armed(fault) for fault in faults]

    def fires(self, kind: str, where: str = "", *, after: bool = False) -> Fault | None:
        """Whether this goes wrong here and now; asking is what may use it up.

        `after`: the request has been carried out.
        """
        for armed in self._armed:
            fault = armed.fault
            here = fault.kind == kind and fault.where in ("", where)
            if here and fault.after_accept == after and armed.fires():
                self._fired[kind] += 1
                return fault
        return None

    def is_armed(self, kind: str) -> bool:
        """Whether this could go wrong; nothing is used up."""
        return any(armed.fault.kind == kind for armed in self._armed)

    def told(self) -> FaultCounts:
        """As `GET /faults` says it."""
        left = [told for armed in self._armed if (told := armed.told()) is not None]
        return FaultCounts(left, dict(self._fired))


def _check(fault: Fault, all_places: Mapping[str, Sequence[str]], answers: Sequence[str]) -> None:
    places = all_places.get(fault.kind)
    if places is None:
        raise UsageError(
            f"There is no fault '{fault.kind}'.{did_you_mean(fault.kind, all_places)} There are"
            f" {', '.join(sorted(all_places))}."
        )
    if fault.where and fault.where not in places:
        allowed = f"one of {', '.join(places)}" if places else "left out"
        raise UsageError(f"`where` of {fault.kind} is '{fault.where}'; it is {allowed}.")
    if fault.count is not None and not 0 <= fault.count <= _MOST:
        raise UsageError(
            f"`count` of {fault.kind} is {fault.count}; give 0 to {_MOST}, or null for no end."
        )
    if fault.after_accept and fault.kind not in answers:
        raise UsageError(f"`after_accept` is for {', '.join(answers)}, not for {fault.kind}.")
    if not 0.0 <= fault.probability <= 1.0:
        raise UsageError(f"`probability` of {fault.kind} is {fault.probability}; give 0 to 1.")
    if not 0.0 <= fault.seconds <= 1e6:
        raise UsageError(f"`seconds` of {fault.kind} is {fault.seconds}; give 0 to 1000000.")
    if not 400 <= fault.status <= 599:
        raise UsageError(f"`status` of {fault.kind} is {fault.status}; give 400 to 599.")
    if not 0 <= fault.seed <= _MOST:
        raise UsageError(f"`seed` of {fault.kind} is {fault.seed}; give 0 to {_MOST}.")
