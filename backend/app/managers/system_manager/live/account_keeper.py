"""Keeps a run's hold on its account: renews the lock, and says when it is lost."""

import threading
from collections.abc import Callable

from loguru import logger

from app.core.errors import AppError
from app.managers.time_manager import WallClock
from app.repositories.account_locks import RENEW_SECONDS, SILENT_NS, AccountLocks, LockLost

_LONGEST_NS = SILENT_NS * 2 // 3  # without a renewal; by then another may be about to follow
_LOOK_SECONDS = 1.0
_LATE_LOOKS = 5  # in a row before it counts: a process that stood still may renew first


class AccountKeeper:
    """Holds from its making until `close`; `on_lost` is told once, and has to halt the run."""

    def __init__(
        self,
        locks: AccountLocks,
        account: str,
        run_id: str,
        *,
        since: str,
        on_lost: Callable[[str], None],
        clock: WallClock,
    ) -> None:
        self.token = locks.acquire(account, run_id, since=since)
        self._run_id, self._since = run_id, since
        self._locks = locks
        self._account = account
        self._on_lost = on_lost
        self._clock = clock
        self._renewed_ns = clock.monotonic_ns()
        self._ended = threading.Event()
        self._losing = threading.Lock()
        self._late_looks = 0
        self.lost = False

    def start(self) -> None:
        """Renew on a thread of its own from now on; another one looks, as a renewal may hang."""
        for name, work, seconds in (
            ("account keeper", self.beat, RENEW_SECONDS),
            ("account watch", self.look, _LOOK_SECONDS),
        ):
            given = (work, seconds)
            threading.Thread(target=self._repeat, args=given, name=name, daemon=True).start()

    def close(self) -> None:
        """Give the account back."""
        self._ended.set()
        try:
            self._locks.release(self._account, self.token)
        except AppError as error:  # whoever is next sees that our process has ended
            logger.warning("Account {} could not be given back. {}", self._account, error)

    def regain(self) -> None:
        """Hold the account again, if it was lost; AccountTaken names who has it."""
        if not self.lost:
            return
        asked_ns = self._clock.monotonic_ns()
        try:
            self._locks.renew(self._account, self.token)  # the database was away for long
        except LockLost:
            self.token = self._locks.acquire(self._account, self._run_id, since=self._since)
        self._renewed_ns, self.lost = asked_ns, False

    def beat(self) -> None:
        """Renew once, unless it is lost; a database that is away is borne for a while."""
        if self.lost:
            return
        asked_ns = self._clock.monotonic_ns()
        try:
            self._locks.renew(self._account, self.token)
        except LockLost as error:
            self._lose(str(error))
        except AppError as error:
            if self._is_late():
                self._lose_unheard(str(error))
        else:
            self._renewed_ns = asked_ns

    def look(self) -> None:
        """A database that neither answers nor fails is away too."""
        self._late_looks = self._late_looks + 1 if self._is_late() else 0
        if self._late_looks >= _LATE_LOOKS:
            self._lose_unheard("the database does not answer.")

    def _is_late(self) -> bool:
        return self._clock.monotonic_ns() - self._renewed_ns > _LONGEST_NS

    def _lose_unheard(self, why: str) -> None:
        self._lose(f"The hold on account {self._account} could not be renewed: {why}")

    def _lose(self, why: str) -> None:
        with self._losing:
            is_news = not self.lost and not self._ended.is_set()
            self.lost = self.lost or is_news
        if is_news:
            self._on_lost(why)

    def _repeat(self, work: Callable[[], None], seconds: float) -> None:
        while not self._clock.wait(self._ended, seconds):
            work()
