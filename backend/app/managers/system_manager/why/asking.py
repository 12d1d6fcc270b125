"""An order that nobody gave, held against all that could refuse it, at an instant of a run."""

import datetime as dt
from decimal import Decimal

import msgspec

from app.core.bars import Bar
from app.core.config import SessionConfig
from app.core.errors import UsageError, did_you_mean
from app.core.intervals import DAY_NS
from app.core.money import from_units
from app.core.orders import Order
from app.managers.execution_manager.watched_execution import WatchedExecution
from app.managers.system_manager.needs.run_bars import replayed_sessions
from app.managers.system_manager.why.sights import Standing, Weighed, standing_of, weighed_of
from app.managers.time_manager import TimeManager
from app.strategies.request import Request
from app.threads.desk.order_kinds import kind_of
from app.threads.engines.watched_engine import Onlooker, WatchedEngine
from app.threads.hooks.seats import Seat


class Question(msgspec.Struct, frozen=True):
    """May this order leave? A strategy's, where there are several; negative sells."""

    symbol: str
    quantity: Decimal
    limit: Decimal | None = None
    stop: Decimal | None = None
    strategy: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """What was said to it at one instant."""

    at_ns: int
    strategy: str
    kind: str
    limit: float | None  # on the tick
    stop: float | None
    leaves: Decimal  # how much of it
    reason: str  # why not all; "" where all
    has_limits: bool  # some hold there; what only takes a position out is not asked of them
    limits: list[Weighed]
    standing: Standing


class Asker(Onlooker):
    """Asks at each instant from one on, before any strategy acts; the last answer counts.

    Nothing of the asking stays: the run goes on as if nobody had.
    """

    sees_base = True  # fills and prices are known with them, whatever strategies are shown

    def __init__(self, question: Question, from_ns: int, until_ns: int | None) -> None:
        """Until an instant, or the run's last."""
        self._question = question
        self._from_ns = from_ns
        self._until_ns = until_ns
        self._now_ns = -1
        self.answer: Answer | None = None
        self.before_ns: int | None = None  # the last instant before it may ask
        self.after_ns: int | None = None  # and the first after

    def begin(self, engine: WatchedEngine) -> None:
        super().begin(engine)
        self._seat = self._seat_of(engine.seats)

    def sees(self, bar: Bar) -> None:
        self._ask()

    def called(self, seat: Seat) -> None:
        self._ask()

    def _seat_of(self, seats: list[Seat]) -> Seat:
        wanted, names = self._question.strategy, [seat.name for seat in seats]
        if wanted is None and len(seats) > 1:
            told = f"There are several strategies ({', '.join(names)})"
            raise UsageError(f"{told}: name one by --strategy.")
        if wanted is not None and wanted not in names:
            hint = did_you_mean(wanted, names)
            raise UsageError(f"'{wanted}' is no strategy here: there is {', '.join(names)}.{hint}")
        return seats[0 if wanted is None else names.index(wanted)]

    def _ask(self) -> None:
        now_ns = self._engine.now_ns
        if now_ns == self._now_ns:
            return
        self._now_ns = now_ns
        if now_ns < self._from_ns:
            self.before_ns = now_ns
        elif self._until_ns is None or now_ns <= self._until_ns:
            self.answer = self._answer(now_ns)
        elif self.after_ns is None:
            self.after_ns = now_ns

    def _answer(self, now_ns: int) -> Answer:
        question, seat, execution = self._question, self._seat, self._engine.execution
        request = Request(limit=question.limit, stop=question.stop)
        terms = seat.desk.terms(question.symbol, question.quantity, request)
        kind = kind_of(request)
        place = self._engine.plan.symbols.index(question.symbol)
        order = Order(
            0, seat.number, question.symbol, place, terms.units, now_ns, kind=kind,
            limit=terms.limit, stop=terms.stop, aimed=terms.stop is None,
        )  # fmt: skip
        assert isinstance(execution, WatchedExecution)
        standing = standing_of(self._engine, seat, place)
        reason, heard, has_limits = execution.weigh(order, now_ns)
        leaves = Decimal(0) if reason else abs(from_units(order.units))
        return Answer(
            now_ns, seat.name, kind, terms.limit, terms.stop, leaves, reason or order.reason,
            has_limits,
            [weighed_of(one) for one in heard], standing,
        )  # fmt: skip


def asker_at(
    question: Question, until_ns: int | None, config: SessionConfig, times: TimeManager
) -> Asker:
    """Who asks at an instant, or at the last one no more than a day before; at a run's last where
    none is named.
    """
    if until_ns is not None:
        return Asker(question, until_ns - DAY_NS, until_ns)
    if config.replay is None:
        return Asker(question, 0, None)
    last = replayed_sessions(config, times)[-1]
    return Asker(question, last.hours(config.extended_hours)[0], None)


def until(config: SessionConfig, until_ns: int, times: TimeManager) -> SessionConfig:
    """The same replay, as far as an instant in its dates needs it: what comes later has no say."""
    replay, date = config.replayed, times.to_local(until_ns, config.market).date()
    begins_ns, _ = replayed_sessions(config, times)[0].hours(config.extended_hours)
    if (date < replay.start and until_ns < begins_ns) or date > replay.end:
        raise UsageError(f"{date} is not in the config's dates, {replay.start} to {replay.end}.")
    end = min(replay.end, date + dt.timedelta(days=1))  # a session may begin the evening before
    shorter = replay.model_copy(update={"end": end})
    return config.model_copy(update={"replay": shorter})
