"""One trader an account, on SQLite and on PostgreSQL."""

import os
import subprocess
import sys
import threading

import msgspec
import pytest
from sqlalchemy import Engine, text

from app.core.errors import DataError
from app.core.processes import Process, is_gone, this_process
from app.managers.system_manager.live.account_keeper import AccountKeeper
from app.managers.time_manager import WallClock
from app.repositories.account_locks import (
    SILENT_NS,
    AccountLocks,
    AccountTaken,
    LockLost,
    is_under_way,
)

SINCE = "2026-01-05T10:00:00-05:00"
ELSEWHERE = Process("far-away", "another boot", 4_711, "1")


@pytest.fixture
def locks(engine: Engine) -> AccountLocks:
    return AccountLocks(engine, WallClock())


def elsewhere(engine: Engine) -> AccountLocks:
    """A process of another machine."""
    return AccountLocks(engine, WallClock(), ELSEWHERE)


def be_silent(engine: Engine, ns: int) -> None:
    """As if the holder had last been heard of so long ago."""
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE account_locks SET heartbeat_ns = heartbeat_ns - :ns"), {"ns": ns}
        )


def ended_process() -> Process:
    """One that was here, and is gone."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    found = msgspec.structs.replace(this_process(), pid=child.pid)
    assert is_gone(found) is True  # it lives, but did not begin when we did
    child.communicate()
    return found


def test_a_second_trader_is_refused_and_told_who_holds_the_account(
    engine: Engine, locks: AccountLocks
) -> None:
    assert locks.trader("paper") is None
    token = locks.acquire("paper", "run-1", since=SINCE)
    mine = this_process()
    holder = locks.trader("paper")
    assert holder is not None
    assert (holder.run_id, holder.token, holder.process) == ("run-1", token, mine)
    with pytest.raises(AccountTaken) as refused:
        elsewhere(engine).acquire("paper", "run-2", since=SINCE)
    for words in ("Account paper", "run-1", str(os.getpid()), mine.host, SINCE):
        assert words in str(refused.value)
    assert locks.acquire("another", "run-2", since=SINCE) == 1


def test_a_released_account_goes_to_the_next_under_a_higher_token(locks: AccountLocks) -> None:
    first = locks.acquire("paper", "run-1", since=SINCE)
    assert locks.release("paper", first)
    assert locks.trader("paper") is None
    second = locks.acquire("paper", "run-2", since=SINCE)
    assert second > first
    assert not locks.release("paper", first)
    with pytest.raises(LockLost, match="held by run run-2 now"):
        locks.renew("paper", first)
    locks.renew("paper", second)


@pytest.mark.parametrize("silent_ns", [0, 10 * SILENT_NS])
def test_a_holder_here_lives_as_long_as_its_process_however_silent(
    engine: Engine, locks: AccountLocks, silent_ns: int
) -> None:
    locks.acquire("paper", "run-1", since=SINCE)
    be_silent(engine, silent_ns)
    with pytest.raises(AccountTaken):
        AccountLocks(engine, WallClock()).acquire("paper", "run-2", since=SINCE)


def test_a_holder_here_whose_process_has_ended_is_followed_at_once(
    engine: Engine, locks: AccountLocks
) -> None:
    dead = AccountLocks(engine, WallClock(), ended_process())
    old = dead.acquire("paper", "run-1", since=SINCE)
    new = locks.acquire("paper", "run-2", since=SINCE)
    assert new > old
    with pytest.raises(LockLost):
        dead.renew("paper", old)


def test_a_pid_that_was_given_again_is_another_process(engine: Engine) -> None:
    reused = msgspec.structs.replace(this_process(), start="1")
    AccountLocks(engine, WallClock(), reused).acquire("paper", "run-1", since=SINCE)
    assert AccountLocks(engine, WallClock()).acquire("paper", "run-2", since=SINCE) == 2


def test_a_holder_elsewhere_lives_until_it_is_silent_for_long(
    engine: Engine, locks: AccountLocks
) -> None:
    far = elsewhere(engine)
    old = far.acquire("paper", "run-1", since=SINCE)
    be_silent(engine, SILENT_NS - 5_000_000_000)
    with pytest.raises(AccountTaken, match=r"last heard of 2[56] s ago"):
        locks.acquire("paper", "run-2", since=SINCE)
    far.renew("paper", old)
    be_silent(engine, SILENT_NS)
    assert locks.acquire("paper", "run-2", since=SINCE) == old + 1
    with pytest.raises(LockLost):
        far.renew("paper", old)


def test_of_many_that_come_at_once_one_gets_it(engine: Engine) -> None:
    begin = threading.Barrier(8)
    won: list[int] = []
    lost: list[AccountTaken] = []

    def come(number: int) -> None:
        own = AccountLocks(engine, WallClock())
        begin.wait(10)
        try:
            won.append(own.acquire("paper", f"run-{number}", since=SINCE))
        except AccountTaken as error:
            lost.append(error)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (won, len(lost)) == ([1], 7)


def test_a_keeper_renews_and_tells_once_that_it_has_lost(
    engine: Engine, locks: AccountLocks
) -> None:
    told: list[str] = []
    keeper = AccountKeeper(
        elsewhere(engine), "paper", "run-1", since=SINCE, on_lost=told.append, clock=WallClock()
    )
    be_silent(engine, SILENT_NS)
    keeper.beat()
    with pytest.raises(AccountTaken):  # it was heard of again
        locks.acquire("paper", "run-2", since=SINCE)
    be_silent(engine, 2 * SILENT_NS)
    locks.acquire("paper", "run-2", since=SINCE)
    keeper.beat()
    keeper.beat()
    assert told == ["Account paper is held by run run-2 now; this run lost it."]
    keeper.close()
    holder = locks.trader("paper")
    assert holder is not None
    assert holder.run_id == "run-2"


def test_a_keeper_that_has_lost_takes_the_account_again_once_nobody_has_it(
    engine: Engine, locks: AccountLocks
) -> None:
    told: list[str] = []
    keeper = AccountKeeper(
        elsewhere(engine), "paper", "run-1", since=SINCE, on_lost=told.append, clock=WallClock()
    )
    be_silent(engine, 2 * SILENT_NS)
    token = locks.acquire("paper", "run-2", since=SINCE)
    keeper.beat()
    with pytest.raises(AccountTaken, match="run-2"):
        keeper.regain()
    locks.release("paper", token)
    keeper.regain()
    holder = locks.trader("paper")
    assert holder is not None
    assert (holder.run_id, keeper.lost, len(told)) == ("run-1", False, 1)
    keeper.close()


class Jumping(WallClock):
    """A clock that is set on by hand."""

    seconds = 0.0

    def monotonic_ns(self) -> int:
        return int(self.seconds * 1e9)


class Failing(AccountLocks):
    """A database that has stopped to answer."""

    down = False

    def renew(self, account: str, token: int) -> None:
        if self.down:
            raise DataError("The database cannot be used: gone.")
        super().renew(account, token)


def test_a_database_that_is_away_is_borne_for_a_while_and_then_the_account_counts_as_lost(
    engine: Engine,
) -> None:
    told: list[str] = []
    clock, own = Jumping(), Failing(engine, WallClock())
    keeper = AccountKeeper(own, "paper", "run-1", since=SINCE, on_lost=told.append, clock=clock)
    own.down = True
    clock.seconds = 19
    keeper.beat()
    assert told == []
    own.down, clock.seconds = False, 20
    keeper.beat()
    own.down, clock.seconds = True, 39
    keeper.beat()
    assert told == []
    clock.seconds = 41
    keeper.beat()
    assert len(told) == 1
    assert "could not be renewed" in told[0]
    own.down = False
    keeper.regain()  # nobody has taken it meanwhile
    assert not keeper.lost
    keeper.close()


class Hanging(AccountLocks):
    """A database that takes what it is asked, and does not answer."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, WallClock())
        self.answers = threading.Event()

    def renew(self, account: str, token: int) -> None:
        assert self.answers.wait(30)
        super().renew(account, token)


def test_a_database_that_hangs_is_away_as_one_that_fails(engine: Engine) -> None:
    told: list[str] = []
    clock, own = Jumping(), Hanging(engine)
    keeper = AccountKeeper(own, "paper", "run-1", since=SINCE, on_lost=told.append, clock=clock)
    beat = threading.Thread(target=keeper.beat)
    beat.start()
    for second in range(40):
        clock.seconds = second
        keeper.look()
        assert bool(told) == (second >= 25)
    assert told == ["The hold on account paper could not be renewed: the database does not answer."]
    own.answers.set()
    beat.join(30)
    assert keeper.lost
    keeper.regain()
    keeper.look()
    assert (keeper.lost, len(told)) == (False, 1)
    keeper.close()


def test_a_process_that_stood_still_for_long_renews_before_it_counts_as_lost(
    engine: Engine,
) -> None:
    told: list[str] = []
    clock, locks = Jumping(), AccountLocks(engine, WallClock())
    keeper = AccountKeeper(locks, "paper", "run-1", since=SINCE, on_lost=told.append, clock=clock)
    clock.seconds = 3_600
    keeper.look()
    keeper.beat()
    for _ in range(9):
        keeper.look()
    assert told == []
    keeper.close()


def test_whether_a_live_run_goes_on_is_told_by_its_hold_wherever_its_process_is(
    engine: Engine, locks: AccountLocks
) -> None:
    far, wall = elsewhere(engine), WallClock()
    gone, here = ended_process().pid, os.getpid()
    run: dict[str, object] = {"run_id": "run-1", "state": "running", "pid": gone}
    token = far.acquire("paper", "run-1", since=SINCE)
    assert is_under_way(run, engine, wall)
    assert not is_under_way({**run, "run_id": "a replay"}, engine, wall)
    assert not is_under_way({**run, "state": "failed"}, engine, wall)
    trader = locks.trader("paper")
    assert trader is not None
    assert trader.run_id == "run-1"

    be_silent(engine, 2 * SILENT_NS)
    assert not is_under_way({**run, "pid": here}, engine, wall)  # it is another's number here
    assert locks.trader("paper") is None

    far.release("paper", token)
    assert [is_under_way({**run, "pid": pid}, engine, wall) for pid in (gone, here)] == [
        False,
        True,
    ]
