"""A system's side of the control socket: carries out what clients ask, and shows the session."""

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from loguru import logger

from app import __version__
from app.core.errors import StateError, UsageError
from app.core.money import from_units
from app.core.run_states import STOPPED
from app.core.state import SystemState
from app.managers.execution_manager.orders.kill import FREEZE, kill_of
from app.managers.system_manager.control.messages import (
    PROTOCOL,
    Look,
    Position,
    View,
    Welcome,
    framed,
)
from app.managers.system_manager.risk.run_risk import trading_state
from app.managers.system_manager.run_session import RunSession
from app.managers.system_manager.steering.reload import ReloadCommands
from app.managers.system_manager.steering.risk import RiskCommands
from app.threads.machine.pacing import Speed

if TYPE_CHECKING:
    from app.managers.system_manager.system_manager import SystemManager

MOST_ANSWER_BYTES = 2 * 1024 * 1024  # so that a client that reads slowly is not dropped for it
_ASKED_AGAIN = ("released", "killed", "reloaded")  # and again, until there is an answer
_VIEW_SECONDS = 0.5  # to wait for a moment between two blocks


class ControlDesk:
    """Serves the run that is under way when it is made."""

    def __init__(self, system: "SystemManager", session: RunSession) -> None:
        self._system = system
        self._session = session
        session.looking.moment(1.0)  # from now on there is one, also while a block hangs
        self._commands: dict[str, Callable[[str], str]] = {
            "pause": self._pause,
            "resume": self._resume,
            "stop": self._stop,
            "halt": self._halt,
            "release": self._release,
            "released": self._released,
            "kill": self._kill,
            "killed": self._killed,
            "step": self._step,
            "speed": self._speed,
            **RiskCommands(session).commands(),
            **ReloadCommands(session).commands(),
        }

    def welcome(self) -> Welcome:
        """Whom a client talks to."""
        return Welcome(PROTOCOL, __version__, self._session.run_id, os.getpid())

    def obey(self, command: str, value: str) -> str:
        """Do it; what was done."""
        if command not in _ASKED_AGAIN:
            logger.info("Asked over the control socket: {} {}", command, value)
        return self._commands[command](value)

    def tell(self, value: str) -> str:
        """What somebody wants to see of the session's data, as JSON; it may take its time."""
        try:
            look = msgspec.json.decode(value or "{}", type=Look)
        except msgspec.MsgspecError as error:
            raise UsageError(
                f"What is asked of the session's data cannot be read: {error}."
            ) from None
        told = msgspec.json.encode(self._system.look(look, _VIEW_SECONDS)).decode()
        if len(told) > MOST_ANSWER_BYTES:
            raise UsageError(
                f"That would be {len(told):,} bytes, more than the {MOST_ANSWER_BYTES:,} told at "
                "once; ask for fewer symbols or bars."
            )
        return told

    def view(self) -> bytes:
        """The session as it stands, as it travels."""
        return framed(self._seen())

    def _pause(self, value: str) -> str:
        if self._system.state is not SystemState.PAUSED:
            self._system.pause()
        return f"Run {self._session.run_id} {self._session.manner.paused}."

    def _resume(self, value: str) -> str:
        if self._system.state is not SystemState.RUNNING:
            self._system.resume()
        return f"Run {self._session.run_id} goes on."

    def _stop(self, value: str) -> str:
        self._system.interrupt(STOPPED)
        why = f": {value}" if value else ""
        return f"Run {self._session.run_id} stops{why}. {self._session.manner.stopping}".rstrip()

    def _halt(self, value: str) -> str:
        self._system.halt(value or "halted")
        return f"Run {self._session.run_id} takes exits only, {self._session.manner.halting}."

    def _release(self, value: str) -> str:
        self._system.release(value)
        return f"Run {self._session.run_id}: the venue is looked at."

    def _released(self, value: str) -> str:
        """What came of it: "" until that is known, so that nobody waits here."""
        outcome = self._system.released()
        return f"Run {self._session.run_id}: {outcome}." if outcome else ""

    def _kill(self, value: str) -> str:
        mode, reason = kill_of(value or FREEZE)
        self._system.kill(mode, reason)
        return f"Run {self._session.run_id} is killed."

    def _killed(self, value: str) -> str:
        """How far a kill has come, as JSON; "" where nobody has killed the run."""
        told = self._session.kill_story.told()
        return "" if told is None else json.dumps(told)

    def _step(self, value: str) -> str:
        if not (value or "1").isdecimal():
            raise UsageError(f"Cannot step '{value}' instants; give a whole number.")
        self._need_pace("step")
        self._system.step(int(value or "1"))
        return f"Run {self._session.run_id} steps {value or '1'}."

    def _speed(self, value: str) -> str:
        speed = _speed_of(value)
        self._need_pace("speed")
        self._system.set_speed(speed)
        return f"Run {self._session.run_id} runs at speed {value}."

    def _need_pace(self, command: str) -> None:
        why_not = self._session.manner.has_no_pace
        if why_not:
            raise StateError(f"'{command}' is for replays: {why_not}.")

    def _seen(self) -> View:
        session, run = self._session, self._session.run
        looking, is_recovering = session.looking, session.is_recovering  # before it is looked at
        found = looking.moment(_VIEW_SECONDS)
        if found is None:
            raise StateError("The run has nothing to show yet.")
        moment, stale_seconds = found
        held = [
            Position(
                name, one.quantity, one.price, one.average_price, one.unrealised, one.realised,
                one.currency,
            )
            for name, one in looking.positions(moment).items()
        ]  # fmt: skip
        return View(
            run_id=session.run_id,
            config=run.config.name,
            mode=run.config.mode,
            real_money=run.config.lived.trades_real_money,
            state=str(self._system.state),
            trading_state=trading_state(run),
            pid=os.getpid(),
            started_at=session.started_at,
            speed=run.coordinator.speed,
            now=self._system.time_manager.to_local(moment.now_ns, run.config.market).isoformat(),
            zone=str(self._system.time_manager.zone(run.config.market)),
            bars=session.bars,
            currency=run.config.account.currency,
            cash=from_units(moment.cash_units),
            equity=from_units(moment.equity_units),
            positions=tuple(held),
            orders=moment.orders,
            orders_working=moment.orders_working,
            fills=looking.fills(moment),
            fills_made=moment.fills_made,
            alarms=self._system.alarms.latest(),
            steps_left=run.coordinator.steps_left,
            stale_seconds=int(stale_seconds),
            no_entries=moment.no_entries(),
            is_recovering=is_recovering,
        )


def _speed_of(words: str) -> Speed:
    try:
        return "max" if words == "max" else float(words)
    except ValueError:
        raise UsageError(f"Speed '{words}' is neither 'max' nor a number.") from None
