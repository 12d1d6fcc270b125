"""What a live run was given of its sessions goes into the store when each is over.

`hear` only gathers; what is slow, the disk and the venue, is an errand. An error is an alarm and
stops nothing: the journal has the bars too.
"""

from functools import partial

import msgspec
import numpy as np
from loguru import logger

from app.core.bars import BarColumns, Ints
from app.core.calendar import TradingSession
from app.core.errors import AppError
from app.core.intervals import DAILY
from app.core.messages import Backfill, Bars, Message
from app.core.seams import Alarm
from app.core.venue import Venue
from app.managers.data_manager.data_manager import DataManager
from app.managers.data_manager.errands import Run
from app.managers.data_manager.kept_bars import KeptBars, Told, gathered, sound
from app.managers.data_manager.missing_bars import missing_bars
from app.repositories.bar_store_files import Series

_NONE: Ints = np.empty(0, np.int64)


class KeptTerms(msgspec.Struct, frozen=True):
    """Whose bars are kept, and where they come from."""

    market: str
    symbols: tuple[str, ...]
    interval: str
    extended_hours: bool
    sessions: tuple[TradingSession, ...]
    venue: str  # its name


class BarKeeper:
    """Keeps the bars of one run; hears all its inputs, also those that it is run again with."""

    def __init__(
        self, data: DataManager, venue: Venue, terms: KeptTerms, alarm: Alarm, run_errand: Run
    ) -> None:
        self._data = data
        self._venue = venue
        self._terms = terms
        self._alarm = alarm
        self._run_errand = run_errand
        extended = terms.extended_hours and terms.interval != DAILY
        self._ends_ns = [one.hours(extended)[1] for one in terms.sessions]
        self._over = 0  # sessions whose bars were handed over
        self._parts: list[Told] = []
        self._through_ns = 0
        self._own: dict[str, Ints] = {}  # what this run has added; the errands' alone
        self.kept: list[KeptBars] = []

    def hear(self, message: Message) -> None:
        """An input; where a session is over with it, its bars are on their way."""
        if isinstance(message, Backfill):
            self._parts += message.bars.values()
        elif isinstance(message, Bars):
            block = message.block
            if len(block):
                self._parts.append(block)
            self._through_ns = block.through_ns
            while self._over < len(self._ends_ns) and self._through_ns >= self._ends_ns[self._over]:
                self._hand_over(self._terms.sessions[self._over])
                self._over += 1

    def finish(self) -> None:
        """The run has ended: what has come of the session under way, and late bars."""
        under_way = self._over < len(self._ends_ns) and bool(self._parts)
        self._hand_over(self._terms.sessions[self._over] if under_way else None)

    def _hand_over(self, session: TradingSession | None) -> None:
        parts, self._parts = self._parts, []
        self._run_errand(partial(self._keep_all, parts, session, self._through_ns))

    # -- errands ---------------------------------------------------------------------------------

    def _keep_all(self, parts: list[Told], session: TradingSession | None, through_ns: int) -> None:
        for number, symbol in enumerate(self._terms.symbols):
            try:
                self._keep(symbol, gathered(parts, number))
                if session is not None:
                    self._fill(symbol, session, through_ns)
            except AppError as error:
                self._alarm("bars not kept", f"{symbol}: {error}")
            except Exception as error:  # a defect, and no reason to stop anything
                logger.opt(exception=error).error("Bars of {} are not kept", symbol)
                self._alarm("bars not kept", f"{symbol}: {type(error).__name__}: {error}")

    def _keep(self, symbol: str, bars: BarColumns) -> None:
        terms = self._terms
        bars = sound(bars, terms.sessions, terms.extended_hours)
        if not len(bars):
            return
        series = Series(terms.market, symbol, terms.interval)
        first_ns, end_ns = int(bars.start_ns[0]), int(bars.start_ns[-1]) + 1
        before = self._data.store.columns(
            terms.market, symbol, terms.interval, first_ns, end_ns
        ).start_ns
        own = self._own.get(symbol, _NONE)
        kept = self._data.keep_bars(series, bars, terms.venue, own)
        self._own[symbol] = np.union1d(own, np.setdiff1d(bars.start_ns, before))
        self.kept.append(kept)
        logger.info(
            "Bars of {} kept: {} added, {} the same, {} changed",
            series, kept.added, kept.same, kept.changed,
        )  # fmt: skip
        if kept.left:
            self._alarm(
                "bars differ",
                f"{kept.left} bars of {series} that {terms.venue} told are not those stored, which "
                "stay: see 'data show', and import them if the venue's are better.",
            )

    def _fill(self, symbol: str, session: TradingSession, through_ns: int) -> None:
        """What the store lacks of a session, from the venue's history: asked for once."""
        terms = self._terms
        series = Series(terms.market, symbol, terms.interval)
        self._keep(
            symbol,
            missing_bars(
                self._data.store, self._venue, series, [session], terms.extended_hours, through_ns
            ),
        )
