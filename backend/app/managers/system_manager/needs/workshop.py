"""Makes seats of strategies' new code, and refuses what a run that goes on cannot serve.

What a run computes is fixed when it begins: its intervals, how much history of each it keeps, what
protects its positions. Code that asks for more needs a run of its own.
"""

import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from math import inf
from pathlib import Path

import msgspec

from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.errors import AppError, ConfigError
from app.managers.system_manager.needs.declaring import asked_by, asked_by_config, declared_by
from app.managers.system_manager.needs.history import SessionsBefore, history_of
from app.managers.system_manager.needs.protecting import covers_of
from app.services.protection import Cover
from app.strategies.indicator import Cursor
from app.strategies.loader import load_text
from app.threads.desk.desk import LocalTime
from app.threads.hooks.seats import Seat
from app.threads.stream.plan import Declared, Plan
from app.threads.stream.reloading import Candidate, Reload
from app.threads.watch.watchdog import limited


class SeatWorkshop:
    """The `threads.reloading.Workshop` of one run."""

    def __init__(
        self,
        config: SessionConfig,
        seats: Sequence[Seat],
        plan: Plan,
        sessions: Sequence[TradingSession],
        sessions_before: SessionsBefore,
        time: LocalTime,
        folder: Path,
        cursor: Cursor,
    ) -> None:
        self._config = config
        self._seats = [*seats]  # as the run began with them
        self._plan = plan
        self._sessions = sessions
        self._sessions_before = sessions_before
        self._time = time
        self._folder = folder
        self._cursor = cursor
        self._made: dict[bytes, Candidate] = {}  # before anybody asks for them
        self._turn = threading.Lock()

    @cached_property
    def shared(self) -> tuple[Declared, ...]:
        """What the config declares."""
        return declared_by(asked_by_config(self._config), len(self._plan.symbols))

    @cached_property
    def first(self) -> Mapping[str, tuple[Declared, ...]]:
        """What the code declares that the run began with."""
        count = len(self._plan.symbols)
        return {seat.name: declared_by(asked_by(seat), count) for seat in self._seats}

    @cached_property
    def _covers(self) -> dict[str, Cover | None]:
        covers = covers_of(self._config, self._seats)
        return {seat.name: cover for seat, cover in zip(self._seats, covers, strict=True)}

    def bounded(self) -> AbstractContextManager[None]:
        """As long as a hook may take."""
        return limited(self._config.engine.hook_seconds)

    def prepare(self, reload: Reload) -> None:
        """Make the seat ahead, on the caller's thread; what is wrong with it is raised."""
        seat = self._seat(reload)
        declared = declared_by(asked_by(seat), len(self._plan.symbols))
        with self._turn:
            self._made[_key(reload)] = Candidate(seat, declared)

    def candidate(self, reload: Reload) -> Candidate:
        """The one made ahead, or a new one; or why there is none."""
        with self._turn:
            made = self._made.pop(_key(reload), None)
        if made is not None:
            return made
        try:
            self.prepare(reload)
        except AppError as error:
            return Candidate(problem=str(error))
        return self.candidate(reload)

    def _seat(self, reload: Reload) -> Seat:
        name, config = reload.strategy, self._config
        item = next(one for one in config.strategies if one.label == name)
        number = config.strategies.index(item)
        with self.bounded():
            kind = load_text(reload.use, reload.text, self._folder)
            seat = Seat(
                kind, number, name, config.symbols, config.base_interval, reload.params,
                self._cursor, self._time, config.sizing_of(item),
            )  # fmt: skip
        self._check_intervals(seat)
        self._check_history(seat)
        (cover,) = covers_of(config, [seat])
        if self._covers.get(name, cover) != cover:
            raise ConfigError(
                f"{kind.__name__}.protection is not what protects the positions of {name} now; "
                "that stays as the run began with it. Put it back, or start anew."
            )
        return seat

    def _check_intervals(self, seat: Seat) -> None:
        has = self._plan.intervals
        wanted = {*seat.intervals, *(interval for _, _, interval in asked_by(seat))}
        if missing := sorted(wanted - {*has}):
            raise ConfigError(
                f"{seat.name} asks for {', '.join(missing)} bars, and this run has "
                f"{', '.join(has)}. Name them in the config's derived_intervals and start anew."
            )

    def _check_history(self, seat: Seat) -> None:
        """Sessions are counted as for a run that begins with this code."""
        asked = [*asked_by_config(self._config), *asked_by(seat)]
        need = history_of(self._config, asked, self._sessions, self._sessions_before)
        for interval, count in need.items():
            held = self._plan.history.get(interval, 0)
            if _or_all(count) > _or_all(held):
                raise ConfigError(
                    f"{seat.name} needs {count} sessions of history of {interval} bars for its "
                    f"indicators, and this run keeps {held}: what its code needed when it began. "
                    f'Start anew; "history": {{"{interval}": {count}}} in the config leaves room.'
                )


def _or_all(count: int | None) -> float:
    return inf if count is None else count


def _key(reload: Reload) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(reload, in_force={}))
