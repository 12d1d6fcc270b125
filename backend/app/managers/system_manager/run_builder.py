"""From a session config to a run that is ready to execute, with its record begun."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from loguru import logger
from msgspec.structs import replace

from app.core.account_limits import AccountLimits, load_account_limits
from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.config_json import InvalidConfigError
from app.core.errors import AppError, ConfigError
from app.core.logging import info_for_file
from app.core.settings import Settings
from app.core.trading_state import RiskPast
from app.core.venue import Abilities
from app.managers.data_manager import DataManager
from app.managers.data_manager.missing_bars import HistoryNeed, need_history
from app.managers.system_manager.control.alarms import Alarms
from app.managers.system_manager.foreseeing import (
    Foreseen,
    Given,
    config_of,
    doubts,
    foreseen,
    need_sound,
    with_all_faults,
)
from app.managers.system_manager.journal.program import Program, made_with, program_of
from app.managers.system_manager.journal.run_header import RunHeader, header_of
from app.managers.system_manager.live.bar_keeping import BarKeeping, bars_origin
from app.managers.system_manager.needs.market import Market, market_of, replayed_market
from app.managers.system_manager.needs.quotes import quoted
from app.managers.system_manager.needs.rates import check_rates
from app.managers.system_manager.needs.run_bars import live_sessions, replayed_sessions
from app.managers.system_manager.record.run_record import RunRecord, claim_folder
from app.managers.system_manager.replay_line import ReplayLine
from app.managers.system_manager.rerun.complete_runs import CompleteRuns
from app.managers.system_manager.risk.run_risk import RunRisk
from app.managers.system_manager.run_session import OnProgress, RunSession
from app.managers.system_manager.venue.holdings import Holdings, opened_account
from app.managers.system_manager.venue.real_money import need_confirmation
from app.managers.system_manager.venue.venue_sizes import record_sizes
from app.managers.system_manager.wiring import Run
from app.managers.time_manager import TimeManager, WallClock
from app.strategies.loader import load_strategy, source_hash
from app.threads.stream.plan import Plan

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from app.managers.system_manager.live.live_line import LiveLine
    from app.managers.system_manager.live.live_opening import LiveOpening

_LEAST_SESSIONS = 60  # before a live run's first, that its journal keeps the hours of


class RunBuilder:
    """Builds the runs of one system, from its managers, its database, its clock."""

    def __init__(
        self,
        settings: Settings,
        data: DataManager,
        times: TimeManager,
        engine: Callable[[], "Engine"],
        clock: WallClock,
        alarms: Alarms,
        confirmed: str | None,
    ) -> None:
        self._settings = settings
        self._data = data
        self._times = times
        self._engine = engine
        self._clock = clock
        self._alarms = alarms
        self._confirmed = confirmed

    def build(
        self,
        given: Given,
        paused: bool,
        on_progress: OnProgress | None,
        band: bool,
        on_wired: Callable[[Run], None],
    ) -> RunSession:
        """`on_wired` is told of the run before its record begins: it can be stopped from then."""
        config = config_of(given, self._times, self._settings.strategies_folder)
        need_sound(config, self._times, self._settings.strategies_folder)
        if config.mode == "live":
            return self._build_live(config, paused, on_progress, band, on_wired)
        need_confirmation(config, self._confirmed)
        hard = self.hard_limits()
        market = replayed_market(config, self._data, self._times, self._clock, hard, tells=True)
        passport = self._data.passport(
            config.market, config.symbols, config.base_interval, market.sessions,
            extended_hours=config.extended_hours, quotes=bool(quoted(config, hard)),
        )  # fmt: skip
        holder: list[RunSession] = []
        make = self._maker(market)
        run = make(config, on_results=lambda results: holder[0].take(results), paused=paused)
        on_wired(run)
        for words in doubts(config, run.plan, market.sessions):
            logger.warning(words)
        facts = self._facts(run, market)
        record = self._begin_record(run, facts, market)
        rows = [msgspec.to_builtins(one) for one in passport]
        others = None
        if band:
            others = CompleteRuns(lambda config, on_results: make(config, on_results=on_results))
        risk = RunRisk(record.run_id, self._alarms.alarm, local_text=record.local_text)
        line = ReplayLine(run, self._clock)
        session = RunSession(
            run, record, self._clock, facts, rows, on_progress, line=line, risk=risk, others=others
        )
        holder.append(session)
        self._tell(record, market.sessions, config)
        return session

    def _build_live(
        self,
        given: SessionConfig,
        paused: bool,
        on_progress: OnProgress | None,
        band: bool,
        on_wired: Callable[[Run], None],
    ) -> RunSession:
        """A new run, or the account's unfinished one, from where its journal breaks off."""
        # Clients of venues take their time to import: only who needs them waits.
        from app.managers.system_manager.live.live_opening import LiveOpening

        if band:
            raise ConfigError("A live run has no band: what its bars did is known. Leave it out.")
        since = self.now_text(given.market)
        opening = LiveOpening(
            self._settings, self._engine(), self._clock, given, since,
            self._times, self._data.store, self._alarms,
        )  # fmt: skip
        header = None if opening.journal is None else opening.journal.header()
        config = given if header is None else header.session_config
        try:
            need_confirmation(config, self._confirmed)
        except AppError:
            opening.give_back()
            raise
        if opening.unfinished is not None:
            logger.warning(
                "Run {} of account {} broke off: it goes on, by the config it was started with",
                opening.unfinished, given.lived.account,
            )  # fmt: skip
        self._data.ensure_sample(config.market, config.symbols, config.base_interval)
        if config != given:
            logger.warning("Run {} goes on with the config it was started with", opening.unfinished)
        with self._files(header) as files:
            return self._wired_live(opening, header, config, files, paused, on_progress, on_wired)

    def _wired_live(
        self,
        opening: "LiveOpening",
        header: RunHeader | None,
        config: SessionConfig,
        files: Path,
        paused: bool,
        on_progress: OnProgress | None,
        on_wired: Callable[[Run], None],
    ) -> RunSession:
        """`files` is the folder of its strategies; of one that goes on, as it began with them."""
        from app.managers.system_manager.strategies.reloading import Reloads

        line = opening.line(config, self._data.store, self._program(config, files))
        try:
            held = Holdings()
            if header is None:
                if line.goes_to_venue:
                    record_sizes(line.venue, self._data, config)
                traded = [self._data.instrument(config.market, name) for name in config.symbols]
                config, held = opened_account(line.venue, config, traded, line.clock.now_ns())
                sessions = live_sessions(config, self._times, line.clock.now_ns())
                market = self._market_of(config, sessions, opening.risk_past())
                self._need_history(config, market, line)
            else:
                market = self._market_of_then(header)
            holder: list[RunSession] = []
            run = self._maker(market, files)(
                config, on_results=lambda results: holder[0].take(results), parts=line.parts()
            )
            on_wired(run)
            facts = self._facts(run, market)
            record = self._begin_record(run, facts, market, opening)
            if header is None:
                header = header_of(
                    record.run_id, config, market, _most_sessions(run.plan), run.strategies,
                    line.clock.now_ns(), held, facts["started_at"], line.venue.abilities,
                )  # fmt: skip
            else:
                facts["started_at"] = header.started_at or facts["started_at"]
            line.bar_keeping = BarKeeping(
                self._data, line.venue, config, header.sessions, self._alarms.alarm
            )
            line.begin(run, header, record.folder)
            opening.watch(record)
        except BaseException:
            line.venue.close()
            opening.give_back()
            raise
        reloads = Reloads(
            run, line, header, self._settings.strategies_folder, self._settings.data_folder,
            self._alarms.alarm, record.local_text,
        )  # fmt: skip
        session = RunSession(
            run, record, self._clock, facts, (), on_progress,
            line=line, risk=opening.run_risk(record.run_id), reloads=reloads,
        )  # fmt: skip
        holder.append(session)
        session.goes_on = opening.unfinished is not None
        session.take_chapters(() if opening.past is None else opening.past.chapters)
        if paused:
            line.pause()
        self._tell(record, market.sessions, config)
        return session

    def all_faults(self, error: InvalidConfigError, path: Path) -> InvalidConfigError:
        """The same with what is wrong with all that the file names."""
        return with_all_faults(error, path, self._times, self._settings.strategies_folder)

    def check(self, given: Given) -> Foreseen:
        """What a run of this config would compute; an error when it could not start.

        Strategies are loaded and set up; whether their bars are there is not asked.
        """
        config = config_of(given, self._times, self._settings.strategies_folder)
        self.hard_limits()
        need_sound(config, self._times, self._settings.strategies_folder)
        abilities: Abilities | None = None
        check_rates(config, self._data.instrument)
        if config.replay is None:
            from app.managers.system_manager.live.live_opening import check_means

            abilities = check_means(config)
            today = self._times.to_local(self._clock.now_ns(), config.market).date()
            sessions: Sequence[TradingSession] = [self._times.next_session(today, config.market)]
        else:
            sessions = replayed_sessions(config, self._times)
        return self._foreseen(config, sessions, abilities)

    def _foreseen(
        self, config: SessionConfig, sessions: Sequence[TradingSession], abilities: Abilities | None
    ) -> Foreseen:
        folder = self._settings.strategies_folder
        return foreseen(config, sessions, abilities, self._times, folder)

    @contextmanager
    def _files(self, header: RunHeader | None) -> Iterator[Path]:
        """The folder of a run's strategies: of one that goes on, as its journal has them.

        Where nothing has changed since it is theirs, with whatever else they read there.
        """
        from app.managers.system_manager.rerun.rewiring import are_as_then, strategies_then

        if header is None or are_as_then(header, self._settings.strategies_folder):
            yield self._settings.strategies_folder
            return
        with strategies_then(header) as folder:
            yield folder

    def _program(self, config: SessionConfig, folder: Path) -> Program:
        """This one, with the config's strategies as they are in a folder."""
        kinds = {item.label: load_strategy(item.use, folder) for item in config.strategies}
        return program_of(kinds)

    def _need_history(self, config: SessionConfig, market: Market, line: "LiveLine") -> None:
        """Have the store hold what the run looks back on, from the venue if need be."""
        found = self._foreseen(config, market.sessions, line.venue.abilities)
        for words in found.warnings:
            logger.warning(words)
        need = HistoryNeed(
            config.market, config.symbols, config.base_interval, config.extended_hours,
            found.plan.history, market.sessions_before,
        )  # fmt: skip
        need_history(self._data, line.venue, bars_origin(config), need)

    def now_text(self, market: str) -> str:
        """The machine's time, in a market's zone."""
        return self._times.to_local(self._clock.now_ns(), market).isoformat(timespec="seconds")

    def _maker(self, market: Market, files: Path | None = None) -> Callable[..., Run]:
        folder = files or self._settings.strategies_folder
        return partial(Run, market=market, strategies_folder=folder, alarm=self._alarms.alarm)

    def _market_of(
        self,
        config: SessionConfig,
        sessions: tuple[TradingSession, ...],
        risk_past: RiskPast,
    ) -> Market:
        """The market of a live run that begins, under the account file of today."""
        hard = self.hard_limits()
        market = market_of(config, sessions, self._data, self._times, self._clock, hard)
        return replace(market, risk_past=risk_past)

    def hard_limits(self) -> AccountLimits | None:
        """The hard limits of the account file, where there is one."""
        return load_account_limits(self._settings.account_limits)

    def _market_of_then(self, header: RunHeader) -> Market:
        """The market of a run that goes on: as its journal has it, hard limits too."""
        from app.managers.system_manager.rerun.rewiring import market_from

        market = market_from(header, self._times, self._data.store)
        try:
            is_same = self.hard_limits() == market.hard_limits
        except ConfigError:
            is_same = False
        if not is_same:
            logger.warning(
                "The account file is not what it was when run {} began: it goes on under the "
                "limits of then. Stop it and start anew for those of now", header.run_id,
            )  # fmt: skip
        return market

    def _facts(self, run: Run, market: Market) -> dict[str, Any]:
        hard = market.hard_limits
        return {
            "started_at": self.now_text(run.config.market),
            "config": run.config.model_dump(mode="json"),
            "hard_limits": None if hard is None else hard.as_json(),
            **made_with(),
            "strategies": {seat.name: source_hash(type(seat.strategy)) for seat in run.seats},
        }

    def _tell(
        self, record: RunRecord, sessions: Sequence[TradingSession], config: SessionConfig
    ) -> None:
        is_soon_over = config.replay is not None and config.replay.speed == "max"
        # A bar shows it at once then, and the summary soon; else its id is wanted now.
        (info_for_file if is_soon_over else logger.info)(
            "Run {}: {} session{} of {}, from {}", record.run_id, len(sessions),
            "" if len(sessions) == 1 else "s", ", ".join(config.symbols),
            record.local_text(sessions[0].open_ns),
        )  # fmt: skip

    def _begin_record(
        self,
        run: Run,
        facts: dict[str, Any],
        market: Market,
        opening: "LiveOpening | None" = None,
    ) -> RunRecord:
        """The run's folder and row, or neither; `facts` learn the id."""
        from app.repositories.run_repository import RunRepository

        config, repository = run.config, RunRepository(self._engine())
        runs = self._settings.runs_folder
        resumed = None if opening is None else opening.unfinished
        if resumed is not None:
            run_id, folder = resumed, runs / resumed
        else:
            run_id, folder = claim_folder(runs, self._stem(config.name), repository)
        names = [seat.name for seat in run.seats]
        record = RunRecord(
            folder, run_id, repository, names, config.symbols,
            [item.currency for item in market.instruments],
            lambda ns: market.time.to_local(ns).isoformat(),
        )  # fmt: skip
        try:
            if resumed is not None:
                repository.resume_run(run_id, pid=os.getpid())
            else:
                if opening is not None:
                    opening.hold(run_id)
                repository.start_run(
                    run_id, name=config.name, mode=config.mode, config=facts["config"],
                    started_at=facts["started_at"], pid=os.getpid(), begun_ns=self._clock.now_ns(),
                )  # fmt: skip
        except BaseException:
            if resumed is None:
                record.discard()
            raise
        facts["run_id"] = run_id
        return record

    def _stem(self, name: str) -> str:
        """What a run's id begins with: the time in UTC, and the config's name."""
        moment = self._times.to_local(self._clock.now_ns(), "24/7")
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:24] or "run"
        return f"{moment:%Y%m%d-%H%M%S}-{slug}"


def _most_sessions(plan: Plan) -> int:
    """How many sessions before the run a repetition may ask for."""
    return max([_LEAST_SESSIONS, *(count or 0 for count in plan.history.values())])
