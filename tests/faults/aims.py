"""Faults that wait for an order to be in a state, as most states last milliseconds.

A moment drawn in time hardly ever meets them. What is drawn here is a fault and a state; from its
moment on it waits for the first instant at which some order of the run is in that state. Some
states are first made to last, and for what only comes with market data the venue's clock leaps to
the next of it.
"""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from app.core import orders as states
from app.integrations.practice.venue import faults as menu
from app.integrations.practice.wire import Fault
from app.managers.execution_manager.gate.calls import Call, PlaceCall
from tests.faults.kinds import IMPOSSIBLE, NONE, STATES
from tests.faults.means import keep_none
from tests.faults.world import SECOND

if TYPE_CHECKING:
    from tests.faults.simulation import Simulation

_WEIGHTS: Final = {
    NONE: 2, states.SUBMITTED: 3, states.ACCEPTED: 1, states.PARTIAL: 2,
    states.AMEND_PENDING: 4, states.CANCEL_PENDING: 4, states.UNKNOWN: 5,
}  # fmt: skip
_LASTING: Final = {
    states.AMEND_PENDING: "amend",
    states.CANCEL_PENDING: "cancel",
    states.UNKNOWN: "place",
}
_ON_DATA: Final = ("F01", "F02", "F03", "F04", "F05", "F06", "F12", "F23")
_LONGEST_KEPT_NS: Final = 50 * SECOND  # an answer, by the machine
_MOST_LEAP_NS: Final = 65 * SECOND
_LOST: Final = (menu.TIMEOUT_BEFORE, menu.HTTP_STATUS, menu.HTTP_GARBAGE, menu.HTTP_ERROR_BODY)


def some_state(kind: str, draw: Random) -> str:
    """One that an order can be in when a fault of the kind fires."""
    possible = [state for state in STATES if (kind, state) not in IMPOSSIBLE]
    return draw.choices(possible, [_WEIGHTS[state] for state in possible])[0]


class _Aim(NamedTuple):
    state: str
    holds: Callable[[], bool]
    act: Callable[[], None]


class Aims:
    """Of one simulation: what waits for which state."""

    def __init__(self, sim: "Simulation", end_ns: int) -> None:
        self._sim = sim
        self._end_ns = end_ns  # nothing leaps beyond this
        self._waiting: list[_Aim] = []
        sim.world.before_each = self._look

    def clear(self) -> None:
        """Nothing waits any more, also not for a placement whose answer it would keep."""
        self._waiting.clear()
        if self._sim.life is not None:
            self._sim.life.means.keep_answer = keep_none

    def wait_for(
        self, state: str, act: Callable[[], None], holds: Callable[[], bool] = lambda: True
    ) -> None:
        """Have something happen at the first instant that an order is in a state."""
        self._waiting.append(_Aim(state, holds, act))

    def aim(self, kind: str, state: str, bring: Callable[[], None]) -> None:
        """Bring a fault about as soon as an order is in the state; see first that one will be."""
        sim, draw = self._sim, self._sim.draw
        if state in _LASTING and (state == states.UNKNOWN or draw.random() < 0.6):
            self._make_last(_LASTING[state])
        if kind == "F09":
            self._keep_an_answer(state)
            return

        def act() -> None:
            sim.world.say("AIMED", kind, state)
            bring()
            if kind in _ON_DATA or draw.random() < 0.4:
                self._hurry()

        self.wait_for(state, act)

    def _look(self) -> None:
        if not self._waiting:
            return
        present = self._sim.states_present()
        if present is None:
            return
        for aim in self._waiting:
            if (aim.state in present or (aim.state == NONE and not present)) and aim.holds():
                self._waiting.remove(aim)
                self._sim.world.after(0, aim.act)
                return

    def _make_last(self, route: str) -> None:
        """Have the next such request be lost, and nobody say for a while what became of it."""
        sim, draw = self._sim, self._sim.draw
        sim.menu.add(Fault(draw.choice(_LOST), where=route, count=draw.randrange(1, 3)))
        if draw.random() < 0.6:
            blind = Fault(menu.HTTP_STATUS, where="order", count=None)
            sim.menu.add(blind)
            sim.world.after(draw.randrange(5, 40) * SECOND, lambda: sim.menu.end(blind))

    def _hurry(self) -> None:
        """What the venue does next it does now."""
        sim, side = self._sim, self._sim.side
        next_ns = None if side.is_down else side.venue.next_ns()
        if next_ns is not None and side.now_ns < next_ns < min(
            self._end_ns, side.now_ns + _MOST_LEAP_NS
        ):
            sim.leap_to(next_ns)

    def _keep_an_answer(self, state: str) -> None:
        """One placement's answer comes when its order has filled and another is in the state."""
        sim = self._sim
        if sim.life is None:
            return
        means = sim.life.means

        def keep(call: Call, hear: Callable[[], None]) -> bool:
            if not isinstance(call, PlaceCall):
                return False
            means.keep_answer = keep_none
            self.wait_for(state, hear_once := _once(hear), lambda: sim.has_filled(call.client_id))
            sim.world.after(_LONGEST_KEPT_NS, hear_once)
            return True

        means.keep_answer = keep


def _once(act: Callable[[], None]) -> Callable[[], None]:
    acted: list[bool] = []

    def once() -> None:
        if not acted:
            acted.append(True)
            act()

    return once
