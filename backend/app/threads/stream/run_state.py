"""A run's state between two inputs, and the two messages that take it from the workers and back.

`StateAsked` passes down the stream behind an input: each worker puts in its own, so that together
they are of one moment, whatever thread each runs on. `StateGiven` comes first of all in a run that
goes on from such a state: each worker takes its own.
"""

import datetime as dt
from typing import TYPE_CHECKING

import msgspec

from app.core.bars import Table
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.core.kept import Fields
from app.core.messages import Command
from app.managers.execution_manager.execution_state import ExecutionState
from app.managers.time_manager.timers import TimersState
from app.strategies.state import State
from app.threads.series.quality_book import BadBar, QualityBookState
from app.threads.series.tape import TapeState

if TYPE_CHECKING:
    from app.threads.data_processor import SessionPart
    from app.threads.stream.reloading import Reloading


class QualityState(msgspec.Struct, frozen=True):
    """The data quality manager's."""

    book: QualityBookState
    bad: list[tuple[str, dt.date | None, str, int]]
    examples: list[BadBar]
    latest_ns: int
    latest_symbols: list[int]
    reached_ns: dict[int, int]  # by symbol: the end of its latest bar
    newest: TradingSession | None
    filled: list[tuple[str, dt.date, int]] = []


class ProcessorState(msgspec.Struct, frozen=True):
    """The data processor's; windows and indicators follow from its tapes."""

    tapes: list[TapeState]  # in the order of the plan's intervals, then symbols
    adjustments: list[Adjustment]
    pending: Table
    forming: dict[str, Table]
    ahead: list[TradingSession]
    newest: TradingSession | None  # over by then
    through_ns: int


class EngineState(msgspec.Struct, frozen=True):
    """The analysis engine's."""

    strategies: dict[str, State]  # what each saved, but for those that have failed
    stopped: list[int]  # the numbers of those
    execution: ExecutionState
    executions: list[bytes]  # booked, by their digests
    curve: Fields
    outlook: Fields
    timers: TimersState
    course: Fields
    stood_ns: int
    symbol: int
    through_ns: int
    reloads: list[Command] = []  # that brought the code in force, where one did


class RunState(msgspec.Struct, frozen=True):
    """All of it."""

    quality: QualityState
    processor: ProcessorState
    engine: EngineState


class StateAsked(msgspec.Struct, frozen=True):
    """What is the state behind the input of this number?"""

    sequence: int
    quality: QualityState | None = None
    processor: ProcessorState | None = None  # none: there is no such state just then


class StateGiven(msgspec.Struct, frozen=True):
    """Go on from this state behind the input of this number."""

    sequence: int
    state: RunState
    part: "SessionPart | None" = None  # the session that was over last, made again
    reloaded: "tuple[Reloading, ...]" = ()  # seats with the code in force
