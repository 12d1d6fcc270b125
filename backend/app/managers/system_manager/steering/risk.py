"""What people ask of a session's trading state over the control socket."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from app.core.errors import StateError, UsageError
from app.core.trading_state import REDUCING, RiskStatus, need_reason, worst
from app.managers.system_manager.risk.run_risk import risk_status
from app.managers.system_manager.risk.standing_risk import cleared_by
from app.managers.system_manager.run_session import RunSession
from app.threads.engines.guarded_engine import Resumption, halting

Asked = TypeVar("Asked")

_SECONDS = 2.0  # to wait for a moment between two blocks
_AGAIN_SECONDS = 0.05  # where there was none the last time


class Halting(msgspec.Struct, frozen=True):
    """What an account is taken to, and why."""

    state: str
    reason: str


def _read(value: str, kind: type[Asked]) -> Asked:
    try:
        return msgspec.json.decode(value, type=kind)
    except msgspec.MsgspecError as error:
        raise UsageError(f"What is asked of the trading state cannot be read: {error}.") from None


class RiskCommands:
    """The commands about the trading state of one session."""

    def __init__(self, session: RunSession) -> None:
        self._session = session
        self._hangs = False

    def commands(self) -> dict[str, Callable[[str], str]]:
        """By their names."""
        return {
            "risk_status": self._tell,
            "risk_halt": self._halt,
            "risk_resume": self._resume,
        }

    def _tell(self, value: str) -> str:
        """The status as JSON."""
        return msgspec.json.encode(self._status()).decode()

    def _halt(self, value: str) -> str:
        asked = _read(value, Halting)
        command = halting(asked.state, asked.reason)
        need_reason(asked.reason)
        self._session.ask_risk(command)
        passes = "exits only" if asked.state == REDUCING else "nothing but cancels"
        return f"Run {self._session.run_id}: the account is {asked.state} and takes {passes}."

    def _resume(self, value: str) -> str:
        asked = _read(value, Resumption)
        need_reason(asked.reason)
        trips = self._status().trips
        names = cleared_by(asked, trips)
        self._session.ask_risk(asked.command())
        state = worst(tuple(trip for trip in trips if trip.name not in names))
        cleared = ", ".join(names)
        return f"Run {self._session.run_id}: {cleared} cleared; the account is {state}."

    def _status(self) -> RiskStatus:
        status = risk_status(self._session.run, _AGAIN_SECONDS if self._hangs else _SECONDS)
        self._hangs = status is None
        if status is None:
            raise StateError(
                f"Run {self._session.run_id} has no trading state to show: it has no breakers and "
                "trades for no account, or a hook of it hangs."
            )
        return status
