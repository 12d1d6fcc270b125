"""How a live run comes to be: the account is held, and an unfinished run of it goes on."""

from pathlib import Path
from typing import TYPE_CHECKING

from app.core.config import SessionConfig
from app.core.seams import BarSource, Notifier
from app.core.settings import Settings
from app.integrations.registry import open_venue
from app.managers.system_manager.account_guard import AccountGuard
from app.managers.system_manager.journal_feed import RunJournal
from app.managers.system_manager.live_line import LiveLine
from app.managers.system_manager.live_means import LiveMeans
from app.managers.system_manager.recovery import Recovery
from app.managers.time_manager import WallClock
from app.repositories.account_locks import AccountLocks
from app.repositories.journal_file import JournalWriter
from app.repositories.journal_reader import JOURNAL_FOLDER

if TYPE_CHECKING:
    from sqlalchemy import Engine


class LiveOpening:
    """Of one start. `unfinished` is the account's run that has no end, `journal` what it left."""

    def __init__(
        self,
        settings: Settings,
        engine: "Engine",
        wall: WallClock,
        config: SessionConfig,
        since: str,
    ) -> None:
        self._runs = settings.data_folder / "runs"
        self._engine = engine
        self._wall = wall
        account = config.lived.account
        self.guard = AccountGuard(AccountLocks(engine, wall), account, wall)
        self.unfinished = self._unfinished_run(account)
        self.journal = None
        if self.unfinished is not None:
            self.guard.hold(self.unfinished, since)
            folder = self._runs / self.unfinished
            JournalWriter(folder / JOURNAL_FOLDER).close()  # cuts off what was never durable
            self.journal = RunJournal(folder)

    def line(self, config: SessionConfig, source: BarSource, notifier: Notifier) -> LiveLine:
        """The line to the venue; with the run's past, where there is one."""
        recovery = None if self.journal is None else Recovery(self.journal)
        venue = open_venue(config.lived.venue, config.lived.url)
        means = LiveMeans(self._wall)
        return LiveLine(config, source, venue, notifier, means, self.guard, recovery)

    def _unfinished_run(self, account: str) -> str | None:
        """The account's latest run that broke off, if it left a journal."""
        from app.repositories.run_repository import RunRepository

        found = None
        for run in RunRepository(self._engine).unfinished_runs():
            live = run["config"].get("live") or {}
            is_live = run["mode"] == "live" and live.get("account", "default") == account
            if is_live and _has_journal(self._runs / run["run_id"]):
                found = str(run["run_id"])
        return found


def _has_journal(folder: Path) -> bool:
    return any((folder / JOURNAL_FOLDER).glob("part-*"))
