"""How a live run comes to be: the account is held, and an unfinished run of it goes on."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from loguru import logger

from app.core.accounts import account_of
from app.core.config import SessionConfig
from app.core.config_json import InvalidConfigError
from app.core.config_live import LiveConfig
from app.core.errors import AppError, ConfigError, DataError, NotFoundError, StateError
from app.core.intervals import MINUTE_NS
from app.core.messages import Command
from app.core.seams import BarSource
from app.core.settings import Settings
from app.core.trading_state import RiskPast, resumed_by
from app.core.venue import Abilities, Venue, VenueError, VenueRefused
from app.integrations.registry import open_venue
from app.managers.execution_manager.limits.breaker_desk import told
from app.managers.system_manager.control.alarms import Alarms
from app.managers.system_manager.journal.journal_feed import RunJournal
from app.managers.system_manager.journal.past import Past, past_of
from app.managers.system_manager.journal.program import Program
from app.managers.system_manager.live.account_keeper import AccountKeeper
from app.managers.system_manager.live.live_line import LiveLine
from app.managers.system_manager.live.live_means import LiveMeans
from app.managers.system_manager.record.run_record import RunRecord
from app.managers.system_manager.rerun.rebuilding import rebuild_run
from app.managers.system_manager.rerun.recovery import Recovery
from app.managers.system_manager.risk.run_risk import RunRisk
from app.managers.system_manager.risk.standing_risk import settled
from app.managers.system_manager.venue.real_money import check_key
from app.managers.time_manager import TimeManager, WallClock
from app.repositories.account_locks import AccountLocks
from app.repositories.account_risk import AccountRisks
from app.repositories.journal_file import JournalWriter
from app.repositories.journal_reader import JOURNAL_FOLDER, has_begun
from app.threads.watch.notifier import Alarm, AlarmNotifier

if TYPE_CHECKING:
    from sqlalchemy import Engine


class LiveOpening:
    """One start: `unfinished` is the account's run that has no end, `journal` what it left."""

    def __init__(
        self,
        settings: Settings,
        engine: "Engine",
        wall: WallClock,
        config: SessionConfig,
        since: str,
        times: TimeManager,
        source: BarSource,
        alarms: Alarms,
    ) -> None:
        self._alarms = alarms
        self._runs = settings.runs_folder
        self._risks = AccountRisks(settings.data_folder)
        self._began_with = RiskPast()
        self._recorded = 0  # inputs of the run that goes on
        self._engine = engine
        self._times, self._source = times, source
        self._wall = wall
        self._account = account = config.lived.account
        self._currency = config.account.currency
        self._line: LiveLine | None = None
        self.keeper: AccountKeeper | None = None
        self._notifier: AlarmNotifier | None = None
        self._since = since
        self.unfinished = unfinished_run(engine, self._runs, account)
        if self.unfinished is not None and complete_record(
            self.unfinished, self._runs, engine, times, source
        ):
            self.unfinished = None
        if self.unfinished is None:
            check_means(config)  # one that goes on does so whatever became of its program
        self.journal: RunJournal | None = None
        self.past: Past | None = None  # what it had come to by its last saved state
        if self.unfinished is not None:
            self.hold(self.unfinished)
            folder = self._runs / self.unfinished
            JournalWriter(folder / JOURNAL_FOLDER).close()  # cuts off what was never durable
            self.journal = RunJournal(folder)

    def hold(self, run_id: str) -> None:
        """Take the account for a run; AccountTaken names a holder that lives."""
        locks = AccountLocks(self._engine, self._wall)
        self.keeper = AccountKeeper(
            locks, self._account, run_id, since=self._since, on_lost=self._lose, clock=self._wall
        )

    def watch(self, record: RunRecord) -> None:
        """The run begins: the account is kept for it, alarms go out, and its journal stands in for
        its record.
        """
        record.rest_on_journal(self._alarms.alarm, lambda: self._make_record(record.run_id))
        if self.keeper is not None:
            self.keeper.start()
            if self._line is not None:
                self._line.releasing.regain = self.keeper.regain
        if self._notifier is not None:
            self._notifier.start()
            self._notifier.attach(self._note)
            self._alarms.notify = self._notifier.alarm

    def _make_record(self, run_id: str) -> None:
        """Of the journal of the run that has ended."""
        if RunJournal(self._runs / run_id).end() is None:
            raise DataError("The journal could not be written to its end either.")
        rebuild_run(run_id, self._runs, self._engine, self._times, self._source)

    def _note(self, alarm: Alarm) -> None:
        """Into the journal, from where the run's own records are behind it."""
        line = self._line
        if line is not None and line.journal is not None and line.is_recovered:
            line.journal.note_alarm(alarm.what, alarm.details)

    def give_back(self) -> None:
        """The run is over, or never began."""
        self._alarms.notify = None
        if self._notifier is not None:
            self._notifier.stop()
        if self.keeper is not None:
            self.keeper.close()

    def _lose(self, reason: str) -> None:
        """Somebody else trades the account: nothing opens here any more."""
        if self._line is not None:
            self._line.lose(reason)

    def line(self, config: SessionConfig, source: BarSource, program: Program) -> LiveLine:
        """The line to the venue; with the run's past, where there is one."""
        recovery = None
        if self.journal is not None:
            self.past = past_of(self.journal, program)
            recovery = Recovery(self.journal, self.past)
            self._recorded = recovery.last_sequence
            part = 1 if self.past is None else self.past.part
            logger.info("Run {} goes on from part {} of its journal", self.unfinished, part)
        live = config.lived
        notify = live.notify
        notifier = AlarmNotifier(self._wall, notify.command or (), notify.timeout_seconds)
        notifier.attach(lambda alarm: self._alarms.keep(alarm.what, alarm.details))
        venue = _venue_of(config, self._wall)
        self._notifier = notifier
        means = LiveMeans(self._wall, self.give_back)
        try:
            check_key(config, venue)
            self._line = LiveLine(config, source, venue, notifier, means, recovery)
        except ConfigError:
            venue.close()
            self.give_back()
            raise
        except VenueError as error:
            venue.close()
            self.give_back()
            raise StateError(
                f"The venue '{live.venue}' cannot be reached: {error} {_way_out(live)}"
            ) from error
        if recovery is None:
            try:
                self._check_symbols(config, venue, self._line.clock.now_ns())
            except BaseException:
                venue.close()
                self.give_back()
                raise
        return self._line

    def risk_past(self) -> RiskPast:
        """What the account's runs before have left: amounts of the currency it counts in."""
        left = self._risks.load(self._account).past
        if left.currency not in ("", self._currency):
            raise StateError(
                f"The runs before of the account '{self._account}' counted in {left.currency}, and "
                f"this one counts in {self._currency}: what is lost today would be forgotten. Name "
                "another account in live.account, or the currency of before in account.currency."
            )
        self._began_with = self._risks.change(self._account, settled).past
        return self._began_with

    def run_risk(self, run_id: str) -> RunRisk:
        """Where the run's trading state is remembered; the run hears what waited for it."""
        if self._line is not None:
            for one in self._risks.load(self._account).waiting:
                self._line.inbox.put(Command(one.name, one.value))
        alarm = self._alarms.alarm
        for trip in self._began_with.trips:
            way_out = f"'{resumed_by(self._account)}' clears it"
            alarm(f"risk: {trip.name}", f"{told(trip)}; {way_out}")
        return RunRisk(run_id, alarm, self._risks, self._account, self._recorded)

    def _check_symbols(self, config: SessionConfig, venue: Venue, now_ns: int) -> None:
        """Refuse symbols that the venue does not trade; a stream of theirs would stay silent."""
        for name in config.symbols:
            try:
                venue.bars(name, config.base_interval, now_ns - MINUTE_NS, now_ns)
            except VenueRefused as error:
                raise NotFoundError(
                    f"The venue '{config.lived.venue}' has no bars of {name}. {error}"
                ) from error
            except VenueError:
                return  # the run asks again


def unfinished_run(engine: "Engine", runs: Path, account: str) -> str | None:
    """The account's latest run that has no end, if it left a journal."""
    from app.repositories.run_repository import RunRepository

    found = unfinished_runs(engine, runs).get(account)
    if found is None:
        if elsewhere := unfinished_elsewhere(engine, runs, account):
            raise StateError(elsewhere_text(elsewhere, runs, account))
        _refuse_forgotten(runs, RunRepository(engine).run_ids(), account)
    return found


def unfinished_runs(engine: "Engine", runs: Path) -> dict[str, str]:
    """By account. Those that go on in a process are among them."""
    from app.repositories.run_repository import RunRepository

    found = {}
    for run in RunRepository(engine).unfinished_runs():
        if run["mode"] == "live" and has_begun(runs / run["run_id"]):
            found[account_of(run["config"])] = str(run["run_id"])
    return found


def unfinished_elsewhere(engine: "Engine", runs: Path, account: str) -> str | None:
    """The account's run that broke off with orders at a venue, and whose folder is not here, as
    another machine has it: a new one would leave those to nobody.
    """
    from app.repositories.run_repository import RunRepository

    if AccountLocks(engine, WallClock()).trader(account) is not None:
        return None  # whoever wants the account hears of that
    for run in RunRepository(engine).unfinished_runs():
        at_venue = (run["config"].get("live") or {}).get("broker") == "venue"
        is_ours = at_venue and account_of(run["config"]) == account
        if is_ours and not (runs / run["run_id"]).exists():
            return str(run["run_id"])
    return None


def elsewhere_text(run_id: str, runs: Path, account: str) -> str:
    """What there is to do about it."""
    return (
        f"Run {run_id} of the account '{account}' broke off, and may have orders at its venue. Its "
        f"folder is not in {runs}: go on with it in the data folder that has it, or copy it here. "
        f"Where it is lost, see to the venue by hand; 'system recover --account {account} "
        "--give-up' ends the run then."
    )


def _refuse_forgotten(runs: Path, known: set[str], account: str) -> None:
    """A journal without an end that SQL knows nothing of, for instance as its file was moved away:
    a new run would leave its orders and positions to nobody.
    """
    for folder in sorted(runs.iterdir()) if runs.is_dir() else ():
        if folder.name in known or not has_begun(folder):
            continue
        try:
            journal = RunJournal(folder)
            is_ours = journal.header().session_config.lived.account == account
            is_forgotten = is_ours and journal.end() is None
        except AppError as error:
            logger.warning("The journal in {} is left alone: {}", folder, error)
            continue
        if is_forgotten:
            raise StateError(
                f"Run {folder.name} broke off, and the database does not know it. Enter it again by"
                f" 'runs rebuild {folder.name}'; then this command goes on with it."
            )


def check_means(config: SessionConfig) -> Abilities:
    """Refuse a venue that cannot be one, charges that it does not know of, and a program for alarms
    that is not there; what the venue can be asked for.
    """
    live = config.lived
    names = ("margin_rate", "borrow_rate") if live.goes_to_venue else ()
    what = "the venue keeps the account, and charges what it charges; leave it out."
    if charges := [(f"account.{name}", what) for name in names if getattr(config.account, name)]:
        raise InvalidConfigError(None, charges)
    venue = _venue_of(config, WallClock())
    venue.close()
    program = (live.notify.command or ("",))[0]
    if program and shutil.which(program) is None:
        raise ConfigError(
            f"live.notify.command: there is no program '{program}' that can be run here, so no "
            "alarm would be heard. Give its path, or a name in PATH; each word is an item."
        )
    return venue.abilities


def _way_out(live: LiveConfig) -> str:
    """What to do where a venue is not reached: that depends on where it is."""
    words = {"practice": "", "binance": " --as binance"}.get(live.venue)
    if live.venue != "practice" and live.url is None:
        remedy = "See to the network, and to a proxy or firewall between."
    else:
        remedy = "Is it running, and is live.url its address?"
    if words is None:
        return remedy
    return f"{remedy} 'practice start{words}' starts a practice venue."


def _venue_of(config: SessionConfig, wall: WallClock) -> Venue:
    live = config.lived
    return open_venue(
        live.venue, live.url, symbols=config.symbols, wall=wall, real_money=live.trades_real_money
    )


def complete_record(
    run_id: str, runs: Path, engine: "Engine", times: TimeManager, source: BarSource
) -> bool:
    """Whether a run that SQL takes for unfinished had ended, by its journal: its process died
    before its record was closed. Then that is made again, and the next run is a new one.
    """
    end = RunJournal(runs / run_id).end()
    if end is None:
        return False
    logger.warning("Run {} had ended, and not its record: that is made from its journal.", run_id)
    rebuild_run(run_id, runs, engine, times, source)
    return True
