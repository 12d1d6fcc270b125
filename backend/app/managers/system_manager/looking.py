"""Looks at a run from outside: the moment it stands at, how old that is, and what is made of it."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from app.core.errors import NotFoundError, UsageError, did_you_mean
from app.core.intervals import SECOND_NS
from app.core.money import from_units
from app.core.order_views import FillData
from app.core.session_data import PositionData, SessionData, SymbolData
from app.core.state import SystemState
from app.managers.system_manager.control.messages import Look
from app.managers.system_manager.replay_line import ReplayLine
from app.managers.system_manager.risk.run_risk import trading_state
from app.managers.system_manager.wiring import Run
from app.managers.time_manager import TimeManager, WallClock
from app.threads.hooks.session_data import Moment, Telling, ended, fill_of

if TYPE_CHECKING:
    from app.managers.system_manager.live.live_line import LiveLine

MOST_BARS = 20_000  # in one answer, over all symbols and intervals
_AGAIN_SECONDS = 0.05
_NAMED = 10  # symbols, in a message


class Looking:
    """Shows one run to whoever looks; from any thread, and at no cost while nobody does."""

    def __init__(
        self, run: Run, run_id: str, clock: WallClock, line: "ReplayLine | LiveLine"
    ) -> None:
        self.run = run
        self._run_id = run_id
        self._clock = clock
        self._line = line
        self._telling = Telling(run.plan, run.execution.account.currencies)
        self._numbers = {name: number for number, name in enumerate(run.plan.symbols)}
        self._turn = threading.Lock()
        self._last: Moment | None = None
        self._last_ns = 0  # when it was so
        self._is_stale = False  # it has been told more than once

    def moment(self, timeout_seconds: float) -> tuple[Moment, float] | None:
        """The run as it stands, or stood when it could be looked at last, and how many seconds
        ago that was; None while it never could.
        """
        if self._is_stale:  # whoever looks next need not wait as long for the same
            timeout_seconds = min(timeout_seconds, _AGAIN_SECONDS)
        moment = self.run.engine.publish(timeout_seconds)
        if moment is None:
            return None
        now_ns = self._clock.monotonic_ns()
        with self._turn:
            self._is_stale = moment is self._last
            if not self._is_stale:
                self._last, self._last_ns = moment, now_ns
            return moment, (now_ns - self._last_ns) / SECOND_NS

    def fills(self, moment: Moment) -> tuple[FillData, ...]:
        """The latest, the newest last."""
        return tuple(fill_of(self.run.plan, row) for row in moment.fills)

    def positions(self, moment: Moment) -> dict[str, PositionData]:
        """What is held, by symbol."""
        return {
            self.run.plan.symbols[symbol]: self._telling.position(moment, symbol)
            for symbol, one in moment.holdings.items()
            if one.units
        }

    def data(
        self, look: Look, state: SystemState, times: TimeManager, timeout_seconds: float
    ) -> SessionData | None:
        """What somebody wants to see; None while nothing can be seen."""
        numbers = self._chosen(look)
        found = self.moment(timeout_seconds)
        if found is None:
            return None
        (moment, stale_seconds), run = found, self.run
        plan, config = run.plan, run.config
        names = {plan.symbols[number] for number in numbers} if look.symbols else {*plan.symbols}
        seats = [seat.name for seat in run.seats]
        over = (ended(order, seats) for order in moment.ended if order.symbol in names)
        return SessionData(
            run_id=self._run_id,
            config=config.name,
            mode=config.mode,
            state=str(state),
            trading_state=trading_state(run),
            speed=None if self._line.manner.has_no_pace else run.coordinator.speed,
            market=config.market,
            zone=str(times.zone(config.market)),
            now=times.to_local(moment.now_ns, config.market).isoformat(),
            now_ns=moment.now_ns,
            through_ns=moment.through_ns,
            session=moment.part.session.date if moment.part else None,
            stale_seconds=round(stale_seconds, 1),
            lag_seconds=self._lag_seconds(moment),
            queues=self._queues(),
            currency=config.account.currency,
            cash=from_units(moment.cash_units),
            equity=from_units(moment.equity_units),
            base_interval=plan.base_interval,
            symbols_known=len(plan.symbols),
            symbols=self._symbols(moment, numbers, look.bars),
            orders=tuple(order for order in moment.orders if order.symbol in names),
            orders_working=moment.orders_working,
            ended=tuple(over),
            fills=tuple(fill for fill in self.fills(moment) if fill.symbol in names),
            fills_made=moment.fills_made,
        )

    def _chosen(self, look: Look) -> list[int]:
        """The symbols that somebody asks for, by their numbers."""
        known, intervals = self.run.plan.symbols, len(self.run.plan.intervals)
        for name in look.symbols:
            if name not in self._numbers:
                has = ", ".join(known[:_NAMED]) + (", ..." if len(known) > _NAMED else "")
                raise NotFoundError(
                    f"Run {self._run_id} has no symbol '{name}'.{did_you_mean(name, known)} "
                    f"It has {has}."
                )
        numbers = [self._numbers[name] for name in dict.fromkeys(look.symbols)]
        numbers = numbers or list(range(len(known)))
        numbers = numbers[look.first : look.first + look.limit]
        if len(numbers) * look.bars * intervals > MOST_BARS:
            raise UsageError(
                f"{look.bars} bars of {len(numbers)} symbols and {intervals} intervals are more "
                f"than the {MOST_BARS:,} told at once; ask for fewer bars or symbols."
            )
        return numbers

    def _symbols(self, moment: Moment, numbers: Sequence[int], bars: int) -> tuple[SymbolData, ...]:
        quality, part, names = self.run.quality, moment.part, self.run.plan.symbols
        date = part.session.date if part else None
        bad: Counter[str] = Counter()
        for (name, day, _), count in dict(quality.bad).items():
            bad[name] += count if day == date else 0
        filled = {name: count for (name, day), count in dict(quality.filled).items() if day == date}
        tell = self._telling.symbol
        return tuple(
            tell(moment, number, bars, bad[names[number]], filled.get(names[number], 0))
            for number in numbers
        )

    def _lag_seconds(self, moment: Moment) -> float | None:
        """How far the stream is behind its venue, in our time, while a session is under way."""
        part, through_ns = moment.part, moment.through_ns
        if part is None or not part.start_ns <= through_ns < part.end_ns:
            return None
        return self._line.lag_seconds(through_ns)

    def _queues(self) -> Mapping[str, int]:
        return {**self._line.waiting(), **self.run.pipeline.waiting_rows()}
