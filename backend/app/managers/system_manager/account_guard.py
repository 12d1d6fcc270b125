"""Holds an account for a live run, and halts the run when somebody else holds it."""

import threading
from collections.abc import Callable

from app.core.errors import AppError
from app.managers.time_manager import WallClock
from app.repositories.account_locks import RENEW_SECONDS, AccountLocks, LockLost


class AccountGuard:
    """One account's lock, renewed on a thread of its own until it is given back or lost."""

    def __init__(self, locks: AccountLocks, account: str, wall: WallClock) -> None:
        self._locks = locks
        self._account = account
        self._wall = wall
        self._token = 0
        self._ended = threading.Event()

    def hold(self, run_id: str, since: str) -> None:
        """Take the account; AccountTaken names a holder that lives."""
        self._token = self._locks.acquire(self._account, run_id, since=since)

    def watch(self, on_lost: Callable[[str], None]) -> None:
        """Renew the lock from now on; `on_lost` is told once when it is another's."""

        def renew() -> None:
            while not self._wall.wait(self._ended, RENEW_SECONDS):
                try:
                    self._locks.renew(self._account, self._token)
                except LockLost as error:
                    on_lost(str(error))
                    return
                except AppError:  # the database is busy or away; the lock lasts some time
                    continue

        threading.Thread(target=renew, name="account lock", daemon=True).start()

    def give_back(self) -> None:
        """The run is over, or never began."""
        self._ended.set()
        if self._token:
            self._locks.release(self._account, self._token)
            self._token = 0
