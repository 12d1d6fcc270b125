"""One trader an account: a lock in the database, with a token that rises at each change of hands.

A holder renews its lock. One that is dead, or on another machine and silent for `SILENT_NS`, can be
followed by the next, under a higher token; a renewal under the old one fails then.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    RowMapping,
    Table,
    Update,
    select,
    text,
    update,
)

from app.core.errors import StateError
from app.core.processes import Process, is_gone, is_running, this_process
from app.core.run_states import RUNNING
from app.core.seams import Clock
from app.models.tables import AccountLockRow
from app.repositories.database import database_errors

RENEW_SECONDS = 5.0
SILENT_NS = 30_000_000_000

assert isinstance(AccountLockRow.__table__, Table)
_LOCKS = AccountLockRow.__table__
_FREE = {"run_id": None, "since": None, "host": None, "machine": None, "pid": None,
         "process_start": None, "heartbeat_ns": None}  # fmt: skip


class AccountTaken(StateError):
    """Another run trades the account."""


class LockLost(StateError):
    """The lock is another's by now, or was given back: whoever held it may not trade any more."""


class Holder(msgspec.Struct, frozen=True):
    """Who trades an account."""

    account: str
    token: int
    run_id: str
    since: str
    process: Process
    heartbeat_ns: int


class AccountLocks:
    """The locks of one database; PostgreSQL's own clock counts, as hosts may differ in theirs."""

    def __init__(self, engine: Engine, clock: Clock, process: Process | None = None) -> None:
        """`clock` is the wall's; `process` is the one that holds, this one unless given."""
        self._engine = engine
        self._clock = clock
        self._process = process or this_process()

    def acquire(self, account: str, run_id: str, *, since: str) -> int:
        """Hold the account for a run; the token. AccountTaken names a holder that lives."""
        with database_errors(self._engine), self._writing() as connection:
            connection.execute(
                text(
                    "INSERT INTO account_locks (account, token) VALUES (:account, 0) "
                    "ON CONFLICT DO NOTHING"
                ),
                {"account": account},
            )
            row = self._row(connection, account, locks=True)
            assert row is not None
            now_ns = self._now_ns(connection)
            holder = _holder(row)
            if holder is not None and not _is_dead(holder, now_ns):
                raise AccountTaken(_taken(holder, now_ns))
            token = int(row["token"]) + 1
            mine = self._process
            values = {
                "token": token, "run_id": run_id, "since": since, "host": mine.host,
                "machine": mine.machine, "pid": mine.pid, "process_start": mine.start,
                "heartbeat_ns": now_ns,
            }  # fmt: skip
            connection.execute(update(_LOCKS).where(_LOCKS.c.account == account).values(values))
        return token

    def renew(self, account: str, token: int) -> None:
        """Still here. LockLost when the token is not the holder's any more."""
        with database_errors(self._engine), self._writing() as connection:
            beat = {"heartbeat_ns": self._now_ns(connection)}
            if not connection.execute(_held(account, token).values(beat)).rowcount:
                row = self._row(connection, account)
                holder = None if row is None else _holder(row)
                who = "nobody" if holder is None else f"run {holder.run_id}"
                raise LockLost(f"Account {account} is held by {who} now; this run lost it.")

    def release(self, account: str, token: int) -> bool:
        """Give it back; False when it was lost before."""
        with database_errors(self._engine), self._writing() as connection:
            return bool(connection.execute(_held(account, token).values(_FREE)).rowcount)

    def trader(self, account: str) -> Holder | None:
        """Who trades it: a holder that is dead does not."""
        return self._living(_LOCKS.c.account == account)[1]

    def trades(self, run_id: str) -> bool | None:
        """Whether the run's process lives; None of a run that holds no account."""
        is_held, holder = self._living(_LOCKS.c.run_id == run_id)
        return holder is not None if is_held else None

    def _living(self, which: ColumnElement[bool]) -> tuple[bool, Holder | None]:
        """Whether somebody holds it, and who that is while he lives."""
        with database_errors(self._engine), self._engine.connect() as connection:
            row = connection.execute(select(_LOCKS).where(which)).mappings().first()
            holder = None if row is None else _holder(row)
            if holder is None:
                return False, None
            return True, None if _is_dead(holder, self._now_ns(connection)) else holder

    def _writing(self) -> AbstractContextManager[Connection]:
        return self._engine.execution_options(write_lock=True).begin()

    def _row(self, connection: Connection, account: str, locks: bool = False) -> RowMapping | None:
        query = select(_LOCKS).where(_LOCKS.c.account == account)
        found = connection.execute(query.with_for_update() if locks else query)
        return found.mappings().one_or_none()

    def _now_ns(self, connection: Connection) -> int:
        if connection.dialect.name != "postgresql":
            return self._clock.now_ns()
        micros = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"
        return int(connection.execute(text(micros)).scalar_one()) * 1_000


def is_under_way(run: Mapping[str, Any] | RowMapping, engine: Engine, clock: Clock) -> bool:
    """Whether a run's process lives, wherever that is; of one that holds no account, as a replay
    does not, only a pid is known, and what that means elsewhere is not.
    """
    if run["state"] != RUNNING:
        return False
    trades = AccountLocks(engine, clock).trades(run["run_id"])
    return is_running(run["pid"]) if trades is None else trades


def _held(account: str, token: int) -> Update:
    held = (_LOCKS.c.account == account) & (_LOCKS.c.token == token)
    return update(_LOCKS).where(held & _LOCKS.c.run_id.is_not(None))


def _holder(row: RowMapping) -> Holder | None:
    if row["run_id"] is None:
        return None
    process = Process(row["host"], row["machine"], row["pid"], row["process_start"])
    return Holder(
        row["account"], row["token"], row["run_id"], row["since"], process, row["heartbeat_ns"]
    )


def _is_dead(holder: Holder, now_ns: int) -> bool:
    gone = is_gone(holder.process)
    return now_ns - holder.heartbeat_ns > SILENT_NS if gone is None else gone


def _taken(holder: Holder, now_ns: int) -> str:
    process = holder.process
    silent_seconds = max(0, now_ns - holder.heartbeat_ns) // 1_000_000_000
    return (
        f"Account {holder.account} is traded by run {holder.run_id}: process {process.pid} on "
        f"{process.host}, since {holder.since}, last heard of {silent_seconds} s ago. An account "
        "has one trader; stop that run first ('system stop' on its host)."
    )
