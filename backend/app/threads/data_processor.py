"""The data processor: holds rows until their instant is whole, derives bars, runs indicators."""

import datetime as dt
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np

from app.core.bars import Block, Ints, SymbolRows, Table, join_tables, no_rows
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.core.messages import Backfill, Bars, BrokerNews, Command, History, Message
from app.core.windows import Window
from app.services.aggregation import Grid, fold
from app.services.indicators import Values
from app.services.indicators.causality import LocalTime, in_utc
from app.threads.series.backfill import folded, merged, replaced
from app.threads.series.indicator_cell import Cell
from app.threads.series.tape import Tape
from app.threads.stream.plan import Declared, Plan
from app.threads.stream.reloading import (
    RELOAD,
    Candidate,
    Declarations,
    Reloading,
    Workshop,
    reload_of,
)
from app.threads.stream.run_state import ProcessorState, StateAsked, StateGiven
from app.threads.worker import Worker

Key = tuple[int, str]  # symbol, interval


class Hours(NamedTuple):
    """A session, and when its bars may start and must end (with extended hours, if they count)."""

    session: TradingSession
    start_ns: int
    end_ns: int


class SessionPart(msgspec.Struct, frozen=True):
    """One session of a block: its windows up to the block's end, and its indicators' values."""

    session: TradingSession
    start_ns: int  # with extended hours, when they start
    end_ns: int
    adjustments: tuple[Adjustment, ...]
    windows: dict[Key, Window]
    declared: tuple[Declared, ...]  # the indicators,
    values: list[Values]  # and their values


class Processed(msgspec.Struct, frozen=True):
    """Whole instants only: base bars, the derived bars closed among them, sessions in order."""

    sequence: int
    base: Table
    rows: SymbolRows | None  # of the base bars; None where there is only one symbol
    derived: dict[str, Table]
    sessions: tuple[SessionPart, ...]
    through_ns: int

    def __len__(self) -> int:
        return len(self.base)


class DataProcessor(Worker):
    """Owns one tape per symbol and interval, and one cell per declared indicator."""

    name = "data processor"

    def __init__(
        self, plan: Plan, workshop: Workshop | None = None, local: LocalTime = in_utc
    ) -> None:
        """Without a workshop no code is replaced. Errors name moments in `local` time."""
        self._plan = plan
        self._local = local
        self._workshop = workshop
        self._declarations = None if workshop is None else Declarations(workshop)
        self._tapes = {
            (symbol, interval): Tape(plan.history.get(interval, 0))
            for interval in plan.intervals
            for symbol in range(len(plan.symbols))
        }
        self._cells = [self._cell(item) for item in plan.declared]
        self._adjustments: dict[dt.date, dict[str, Adjustment]] = {}
        self._pending = no_rows()
        self._forming = {interval: no_rows() for interval in plan.derived_intervals}
        self._ahead: list[Hours] = []  # named by a block, not over yet
        self._parts: dict[dt.date, SessionPart] = {}  # begun and not over
        self._newest: SessionPart | None = None  # of the session that began last, over or not
        self._through_ns = -1

    def step(
        self, message: Message | StateAsked | StateGiven
    ) -> Iterable[Processed | BrokerNews | Command | Reloading | StateAsked | StateGiven]:
        """History fills the tapes; a block becomes whole instants, late bars none at all; what
        is no bar passes.
        """
        match message:
            case Bars(block=block):
                yield self._process(block, message.sequence)
            case Backfill(bars=bars):
                if bars and self._newest is not None:
                    yield self._correct(bars, self._newest, message.sequence)
            case History():
                self._load(message)
            case Command(name=name) if name == RELOAD:
                yield self._reload(message)
            case BrokerNews() | Command():
                yield message
            case StateAsked():
                yield msgspec.structs.replace(message, processor=self._state())
            case StateGiven():
                # in their order, as each names those before it that are in force
                reloads = sorted(message.state.engine.reloads, key=lambda one: one.sequence)
                reloaded = tuple(map(self._reload, reloads))
                self._restore(message.state.processor)
                yield msgspec.structs.replace(message, part=self._newest, reloaded=reloaded)

    def _reload(self, command: Command) -> Reloading:
        """Have what a strategy's new code declares computed as well, as if it always had been."""
        assert self._workshop is not None and self._declarations is not None
        reload = reload_of(command)
        candidate = self._workshop.candidate(reload)
        if not candidate.problem:
            self._declarations.add(reload, candidate.declared, command.sequence)
            try:
                with self._workshop.bounded():
                    self._declare(self._declarations.all())
            except Exception as error:  # of an indicator of their own
                candidate = Candidate(problem=f"Its indicators cannot be computed: {error}")
        return Reloading(command, reload, candidate, self._plan, self._newest)

    def _declare(self, declared: tuple[Declared, ...]) -> None:
        """From here on compute these; what is computed already goes on. What raises changes
        nothing.
        """
        cells = dict(zip(self._plan.declared, self._cells, strict=True))
        values: dict[Declared, Values] = {}
        part = self._newest
        if part is not None:
            values.update(zip(self._plan.declared, part.values, strict=True))
        for item in declared:
            if item not in cells:
                cells[item] = self._cell(item)
                if part is not None:
                    values[item] = cells[item].update(part.windows[item.symbol, item.interval])
        self._plan = msgspec.structs.replace(self._plan, declared=declared)
        self._cells = [cells[item] for item in declared]
        if part is not None:
            own = [values[item] for item in declared]
            self._hold(msgspec.structs.replace(part, declared=declared, values=own))

    def _cell(self, item: Declared) -> Cell:
        return Cell(item.computation, self._plan.symbols[item.symbol], self._local)

    def _hold(self, part: SessionPart) -> None:
        """The newest session, changed."""
        self._newest = part
        if part.session.date in self._parts:
            self._parts[part.session.date] = part

    def _state(self) -> ProcessorState | None:
        """None while a session is under way, as when what is left of one comes with the next one's
        first bars: strategies save what they are to know after a close.
        """
        if self._parts:
            return None
        newest = self._newest
        return ProcessorState(
            tapes=[tape.state() for tape in self._tapes.values()],
            adjustments=self.adjustments,
            pending=self._pending,
            forming=dict(self._forming),
            ahead=[hours.session for hours in self._ahead],
            newest=None if newest is None else newest.session,
            through_ns=self._through_ns,
        )

    def _restore(self, state: ProcessorState) -> None:
        for tape, kept in zip(self._tapes.values(), state.tapes, strict=True):
            tape.restore(kept)
        self._know(state.adjustments)
        self._pending, self._forming = state.pending, dict(state.forming)
        self._ahead = [self._hours(session) for session in state.ahead]
        self._through_ns = state.through_ns
        if state.newest is None:
            return
        windows = {key: tape.window() for key, tape in self._tapes.items()}
        values = [
            cell.update(windows[item.symbol, item.interval])
            for item, cell in zip(self._plan.declared, self._cells, strict=True)
        ]
        hours = self._hours(state.newest)
        today = tuple(self._adjustments.get(state.newest.date, {}).values())
        self._newest = SessionPart(*hours, today, windows, self._plan.declared, values)

    @property
    def adjustments(self) -> list[Adjustment]:
        """The corporate actions it knows of, in the order of their sessions."""
        return [one for own in self._adjustments.values() for one in own.values()]

    def _know(self, adjustments: Iterable[Adjustment]) -> None:
        for item in adjustments:
            self._adjustments.setdefault(item.session_date, {})[item.symbol] = item

    def _load(self, history: History) -> None:
        self._know(history.adjustments)
        starts = [self._hours(session).start_ns for session in history.sessions]
        for (symbol, interval), table in history.bars.items():
            tape = self._tapes[symbol, interval]
            places = [*np.searchsorted(table.start_ns, starts).tolist(), len(table)]
            for number, session in enumerate(history.sessions):
                tape.open_session(session, self._adjustment(session, symbol))
                tape.append(table, places[number], places[number + 1])
                tape.advance(places[number + 1] - places[number])

    def _process(self, block: Block, sequence: int) -> Processed:
        self._through_ns = block.through_ns
        base = self._whole_instants(block)
        sessions = self._sessions(block)
        count = len(self._plan.symbols)
        rows = SymbolRows(base, count) if count > 1 else None
        by_symbol = base if rows is None else rows.table
        tables = {self._plan.base_interval: by_symbol}
        for interval in self._plan.derived_intervals:
            tables[interval] = self._derive(interval, by_symbol, sessions, block.through_ns)
        parts = tuple(self._advance(tables, sessions, block.through_ns))
        derived = {name: _by_time(tables[name]) for name in self._plan.derived_intervals}
        return Processed(sequence, base, rows, derived, parts, block.through_ns)

    def _correct(self, bars: dict[int, Table], part: SessionPart, sequence: int) -> Processed:
        """Put late bars in their places: the windows and values are as if they had been there.

        Their time has passed, also where it has not been said of the stream yet.
        """
        plan, windows = self._plan, dict(part.windows)
        passed_ns = max(self._through_ns, *(int(late.known_ns[-1]) for late in bars.values()))
        for symbol, late in bars.items():
            tape = self._tapes[symbol, plan.base_interval]
            today = merged(tape.today(symbol), late)
            tape.rewrite_today(today)
            for name in plan.derived_intervals:
                closed, forming = folded(today, part.session, name, plan.extended_hours, passed_ns)
                self._tapes[symbol, name].rewrite_today(closed)
                before = self._forming[name]
                self._forming[name] = replaced(before, symbol, part.start_ns, forming)
            for name in plan.intervals:
                windows[symbol, name] = self._tapes[symbol, name].window()
        values = [
            cell.correct(windows[item.symbol, item.interval]) if item.symbol in bars else before
            for item, cell, before in zip(plan.declared, self._cells, part.values, strict=True)
        ]
        part = msgspec.structs.replace(part, windows=windows, values=values)
        self._hold(part)
        none = no_rows()
        rows = SymbolRows(none, len(plan.symbols)) if len(plan.symbols) > 1 else None
        derived = dict.fromkeys(plan.derived_intervals, none)
        return Processed(sequence, none, rows, derived, (part,), self._through_ns)

    def _whole_instants(self, block: Block) -> Table:
        """The rows known by `through_ns`; the others wait for the rest of their instant."""
        rows = Table(*(getattr(block, name) for name in Table.__struct_fields__))
        if len(self._pending):
            rows = join_tables([self._pending, rows])
        elif not len(rows):
            self._pending = rows
            return rows
        whole = int(np.searchsorted(rows.known_ns, block.through_ns, side="right"))
        if whole == len(rows):  # most often so
            self._pending = no_rows()
            return rows
        self._pending = rows.take(slice(whole, None))
        return rows.take(slice(0, whole))

    def _sessions(self, block: Block) -> list[Hours]:
        """The sessions that have begun by the block's end and were not over at its start."""
        named = {hours.session.date for hours in self._ahead}
        spans = [span for span in block.spans if span.session.date not in named]
        self._ahead += [self._hours(span.session) for span in spans]
        begun = [hours for hours in self._ahead if hours.start_ns <= block.through_ns]
        self._ahead = [hours for hours in self._ahead if hours.end_ns > block.through_ns]
        return begun

    def _derive(self, interval: str, base: Table, sessions: list[Hours], through_ns: int) -> Table:
        """The derived bars that close by `through_ns`; the others go on forming."""
        rows, forming = base, self._forming[interval]
        if len(forming):
            rows = join_tables([forming, base])
            if len(self._plan.symbols) > 1:
                rows = SymbolRows(rows, len(self._plan.symbols)).table
        grid = Grid.of([h.session for h in sessions], interval, self._plan.extended_hours)
        folded = fold(rows, grid)
        open_still = folded.known_ns > through_ns
        self._forming[interval] = folded.take(open_still)
        return folded.take(~open_still)

    def _advance(
        self, tables: dict[str, Table], sessions: list[Hours], through_ns: int
    ) -> Iterator[SessionPart]:
        """Append each session's rows to the tapes, in order of the sessions, and cut windows."""
        if not any(map(len, tables.values())) and self._are_under_way(sessions, through_ns):
            yield from (self._parts[hours.session.date] for hours in sessions)
            return  # time has passed, and no more
        starts = np.array([hours.start_ns for hours in sessions], np.int64)
        places = {name: self._places(table, starts) for name, table in tables.items()}
        for (symbol, interval), tape in self._tapes.items():
            own = places[interval][symbol]
            if own[0] < own[-1]:
                tape.append(tables[interval], own[0], own[-1])
        for number, hours in enumerate(sessions):
            session = hours.session
            before = self._parts.get(session.date)
            if before is None:
                self._open_session(session)
            part = self._part(hours, before, number, places)
            self._parts[session.date] = self._newest = part
            if part.end_ns <= through_ns:
                del self._parts[session.date]
                self.check_causality()
            yield part

    def check_causality(self) -> None:
        """What users' own functions compute of a session, as far as it is there."""
        for cell in self._cells:
            cell.close_session()

    def _are_under_way(self, sessions: list[Hours], through_ns: int) -> bool:
        """Whether none of them begins or ends."""
        return all(h.session.date in self._parts and h.end_ns > through_ns for h in sessions)

    def _open_session(self, session: TradingSession) -> None:
        for (symbol, _), tape in self._tapes.items():
            tape.open_session(session, self._adjustment(session, symbol))
        for cell in self._cells:
            cell.open_session()

    def _places(self, table: Table, starts: Ints) -> list[list[int]]:
        """Per symbol, the row of a table where each session starts, and the symbol's end."""
        if len(self._plan.symbols) == 1:
            return [[*table.start_ns.searchsorted(starts).tolist(), len(table)]]
        ends = table.symbol.searchsorted(np.arange(len(self._plan.symbols) + 1)).tolist()
        return [
            [*(table.start_ns[first:end].searchsorted(starts) + first).tolist(), end]
            for first, end in pairwise(ends)
        ]

    def _part(
        self,
        hours: Hours,
        before: SessionPart | None,
        number: int,
        places: dict[str, list[list[int]]],
    ) -> SessionPart:
        windows = dict(before.windows) if before else {}
        for key, tape in self._tapes.items():
            symbol, interval = key
            first, end = places[interval][symbol][number : number + 2]
            if first == end and before is not None:
                continue
            tape.advance(end - first)
            windows[key] = tape.window()
        values = list(before.values) if before else []
        for place, (item, cell) in enumerate(zip(self._plan.declared, self._cells, strict=True)):
            window = windows[item.symbol, item.interval]
            if before is None:
                values.append(cell.update(window))
            elif window is not before.windows[item.symbol, item.interval]:
                values[place] = cell.update(window)
        adjustments = tuple(self._adjustments.get(hours.session.date, {}).values())
        return SessionPart(*hours, adjustments, windows, self._plan.declared, values)

    def _hours(self, session: TradingSession) -> Hours:
        return Hours(session, *session.hours(self._plan.extended_hours))

    def _adjustment(self, session: TradingSession, symbol: int) -> Adjustment | None:
        return self._adjustments.get(session.date, {}).get(self._plan.symbols[symbol])


def _by_time(table: Table) -> Table:
    return table.take(np.lexsort((table.symbol, table.known_ns)))
