"""One schedule: a live run under faults, all of it drawn from a seed."""

import errno
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

import msgspec

from app.core import message_codec as codec
from app.core.config import SessionConfig
from app.core.errors import AppError, DataError
from app.core.intervals import HOUR_NS
from app.core.venue import Execution, VenueError
from app.integrations.practice.wire import Fault
from app.managers.execution_manager.gate.calls import Call, PlaceCall
from app.managers.system_manager.record.run_outcome import RunEnd
from app.strategies.failure import HookInterrupted
from app.threads.stream.results import Results
from tests.faults import coin_side
from tests.faults.day import SYMBOLS, make_day
from tests.faults.grounds import COINS, STOCKS
from tests.faults.kinds import CRASH, Counts, kind_of
from tests.faults.life import Alarms, Life, config_from, has_journal, states_of
from tests.faults.means import SimMeans
from tests.faults.venue_side import Call as Request
from tests.faults.venue_side import Link, Menu, VenueSide
from tests.faults.watch import Broke, Watch, must
from tests.faults.world import SECOND, World
from tests.memory_disk import Faults, MemoryDisk, PowerLoss

_MINUTES: Final = 40
_RATE: Final = 4
_STALE_SECONDS: Final = 25  # of the machine
_MOST_STARTS: Final = 40


class WorkerDown(Exception):
    """A worker's own defect."""


class Outcome(msgspec.Struct):
    """What a schedule came to."""

    seed: int
    broke: str = ""
    log_hash: str = ""
    events: int = 0
    lives: int = 0
    orders: int = 0
    fills: int = 0
    reason: str = ""
    counts: Counts = msgspec.field(default_factory=Counts)


class DiskFaults(Faults):
    """Tells of what fails, and when the power goes."""

    def __init__(self, on_failure: Callable[[str], None], on_power: Callable[[], None]) -> None:
        super().__init__()
        self._on_failure, self._on_power = on_failure, on_power

    def count(self, call: str) -> None:
        was_off = self.is_off
        try:
            super().count(call)
        except PowerLoss:
            if not was_off:
                self._on_power()
            raise
        except OSError:
            self._on_failure(call)
            raise


def cover_from(draw: Random) -> dict[str, Any] | None:
    """What protects the first strategy in one schedule of four; the others are what they were."""
    if draw.random() >= 0.25:
        return None
    cover: dict[str, Any] = {"stop_loss_percent": draw.choice((0.1, 0.2))}
    if draw.random() < 0.6:
        cover["take_profit_amount"] = draw.choice((0.03, 0.08))
    if draw.random() < 0.3:
        cover["trailing_percent"] = 0.3
    if draw.random() < 0.4:
        cover["time_stop_minutes"] = draw.choice((2, 7))
    if draw.random() < 0.4:
        cover["flat_before_close_minutes"] = 4
    return cover


def second_from(draw: Random) -> dict[str, Any] | None:
    """The second strategy of one schedule in four, which shares symbols with the first; of the
    others it is what it was.
    """
    if draw.random() >= 0.25:
        return None
    if draw.random() < 0.3:
        return {"use": "Trader", "first": draw.choice((0, 1))}
    return {"use": "Keeper", "first": draw.choice((0, 0, 1))}


class Simulation:
    """Used once: `run`, then `outcome`."""

    def __init__(
        self, seed: int, tell: Callable[[str], None] | None = None, venue: str = STOCKS.venue
    ) -> None:
        is_coins = venue == COINS.venue
        self.outcome = Outcome(seed)
        self.world = World(seed, 10**12, tell)
        self.draw = Random(seed ^ 0x5EED)
        draw = self.draw
        self.halted, self.split = draw.random() < 0.15, draw.random() < 0.12
        self.split = self.split and not is_coins
        # of a draw of its own, so that each seed's faults are what they were
        sessions = Random(seed ^ 0xDA75).choice((1, 1, 2, 3))
        self.day = make_day(
            draw, _MINUTES, halted=self.halted, split=self.split, sessions=sessions,
            symbols=coin_side.COINS if is_coins else SYMBOLS,
        )  # fmt: skip
        self.menu = Menu(self._menu_fired)
        kind = coin_side.CoinSide if is_coins else VenueSide
        self.side = kind(self.world, self.day, _RATE, draw.random() < 0.2, self.menu)
        beat_ns = _RATE * SECOND
        self.watch = Watch(self.side, (_STALE_SECONDS + 10) * _RATE * SECOND + 2 * beat_ns)
        self.world.after_each = self.watch.after_each
        self.alarms = Alarms(self._alarmed)
        self.disk = MemoryDisk()
        self.life: Life | None = None
        self.link: Link | None = None
        self.wants_failure = False  # F23: the run is to fail
        self.crashes_at = 0  # this call of the next start on its disk
        self.restarts_at_once = False
        self.is_lossy = False  # the last crash took the power with it
        self._config_words = (
            seed % 1000, draw.choice(("halt", "ignore")), draw.choice(("freeze", "flatten")),
            _STALE_SECONDS, draw.choice((500, 2000)),
        )  # fmt: skip
        self.cover = None if is_coins else cover_from(Random(seed ^ 0xC07E))
        self.second = second_from(Random(seed ^ 0x5A4E))
        self.config = self._config()
        self._filled: set[str] = set()
        self.reloads: Counter[str] = Counter()  # by what came of them, in every life anew

    # -- its course --------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """All lives of the program, to the end."""
        outcome = self.outcome
        try:
            with self.side.in_force():
                self._run()
            if isinstance(self.world.raised, Broke):
                raise self.world.raised
            self.watch.ended(self.disk, self.life, outcome.reason)
        except Broke as broke:
            outcome.broke = str(broke)
        outcome.log_hash, outcome.events = self.world.log_hash(), self.world.events
        outcome.orders = len(self.side.books.entries)
        outcome.fills = len(self.side.books.executions)
        return outcome

    def _run(self) -> None:
        while not self.outcome.reason:
            must(self.outcome.lives < _MOST_STARTS, "the program does not come up any more")
            self.outcome.lives += 1
            try:
                self._live()
            except PowerLoss:
                self._after_crash()

    def _live(self) -> None:
        life = self._start()
        if life is None:
            self.world.let_pass(self.draw.uniform(0.5, 5.0))
            return
        self.world.say("begun", "again" if life.recovery else "new")
        failed = False
        try:
            reason = life.execute()
        except (Broke, PowerLoss):
            raise
        except (Exception, HookInterrupted) as error:
            is_meant = self.wants_failure and not isinstance(error, DataError)  # it goes astray
            must(is_meant, f"the run failed: {type(error).__name__}: {error}")
            self.count("F23")
            self.world.say("failed", type(error).__name__)
            reason, failed = "failed", True
            self.watch.closed_ns = self.world.now_ns
        life.line.close(RunEnd(reason, error="it failed" if failed else None))
        self.world.say("ended", reason)
        self.outcome.reason = reason

    def _start(self) -> Life | None:
        """The program; None where it cannot start just now."""
        world, watch = self.world, self.watch
        faults = self.disk.faults = DiskFaults(self._disk_failed, self._power_went)
        if self.crashes_at:  # in the midst of the start
            faults.first, faults.power, self.crashes_at = self.crashes_at, True, 0

        def requested(call: Request) -> None:
            world.say("request", call.method, call.path)
            if life_of:
                watch.request(life_of[0], call)

        def heard(stream: str, item: object) -> None:
            watch.heard(item)
            if isinstance(item, Execution):
                self._filled.add(item.client_id)

        life_of: list[Life] = []
        self.link = link = self.side.link(requested, heard)
        means = SimMeans(world, link, self.disk)
        means.on_answer = self._answered
        means.on_defect = lambda: must(False, "the gate failed")

        def begins(call: Call) -> None:
            world.say("call", type(call).__name__, getattr(call, "client_id", ""))
            watch.begins(life_of[0], call, world.now_ns)

        means.on_begin = begins
        try:
            life = Life(means, link, self.day, self.config, self.alarms, self._results)
        except AppError as error:
            link.die()
            foreign = isinstance(error, VenueError) or isinstance(error.__cause__, OSError)
            must(foreign, f"the program does not start: {type(error).__name__}: {error}")
            world.say("no start", type(error).__name__)
            return None
        life_of.append(life)
        self.life = life
        return life

    def _results(self, life: Life, results: Results) -> None:
        payload = codec.encode_output(results.records.entries, results.intents)
        self.watch.results(life, results, payload)
        for intent in results.intents:
            self.world.say("intent", intent)
        if results.reload is not None:
            self.world.say("reloaded", results.reload.strategy, results.reload.refused[:60])
            self.reloads["refused" if results.reload.refused else "replaced"] += 1
        for fill in results.records.fills:
            self.world.say("fill", *fill)

    def _answered(self, call: Call, answer: object) -> None:
        self.world.say("answer", type(call).__name__, type(answer).__name__)
        if isinstance(call, PlaceCall) and call.client_id in self._filled:
            self.count("F09")

    # -- crashes -----------------------------------------------------------------------------------

    def crash(self, lossy: bool) -> None:
        """The process is gone, here and now."""
        self.is_lossy = lossy
        self.disk.faults.is_off = True
        self._power_went()
        raise PowerLoss

    def _power_went(self) -> None:
        self.count(CRASH)
        self.world.say("CRASH", "power" if self.is_lossy else "killed")
        if self.life is not None:
            self.watch.crashed(self.life, self.world.now_ns)
        if self.link is not None:
            self.link.die()
        self.life = None

    def _after_crash(self) -> None:
        lots = Random(self.draw.randrange(1 << 30))
        self.disk = self.disk.after_power_loss(lots) if self.is_lossy else self.disk.after_kill()
        self.watch.restarts_on(self.disk if has_journal(self.disk) else None)
        longest = 0.05 if self.restarts_at_once else self.draw.choice((0.05, 0.5, 3.0, 20.0))
        self.world.let_pass(longest * self.draw.random())

    # -- what is counted ---------------------------------------------------------------------------

    def count(self, kind: str) -> None:
        """A fault has fired."""
        present = self.states_present()
        self.outcome.counts.count(kind, present)
        self.world.say("FAULT", kind, ",".join(present or ()))

    def states_present(self) -> Sequence[str] | None:
        """What the run's orders are in; None while it is down, and its journal may hold some."""
        if self.life is None:
            return None if has_journal(self.disk) else ()
        return states_of(self.life.run)

    def has_filled(self, client_id: str) -> bool:
        """Whether a fill of an order has been heard of."""
        return client_id in self._filled

    def leap_to(self, venue_ns: int) -> None:
        """The venue's clock jumps ahead, and the machine's is set back or right again."""
        self.count("F22")
        self.world.wall_ahead_ns = -HOUR_NS - self.world.wall_ahead_ns
        self.side.clock.advance_to(venue_ns, self.world.now_ns)

    def _menu_fired(self, fault: Fault, where: str) -> None:
        self.count(kind_of(fault, where))

    def _alarmed(self, what: str, details: str) -> None:
        self.world.say("ALARM", what, details)
        if what.startswith("strategy "):
            self.count("F23")
        elif what == "not booked":  # a worker of the ended run is broken too: its journal has it
            self.watch.money_is_booked = False

    def _disk_failed(self, call: str) -> None:
        self.count("F21")

    def fail_a_strategy(self, bar: int) -> None:
        """One of them raises at this bar, in every life."""
        self.config = self._config(bar)

    def _config(self, fails_at: int = 0) -> SessionConfig:
        return config_from(
            *self._config_words, fails_at, cover=self.cover, symbols=self.day.symbols,
            goes_short=not self.side.is_spot, second=self.second,
        )  # fmt: skip

    def fail_disk(self, first: int, count: int) -> None:
        """Some of the disk's next calls fail."""
        faults = self.disk.faults
        faults.code = self.draw.choice((errno.EIO, errno.ENOSPC))
        faults.first = len(faults.calls) + first
        faults.last = faults.first + count - 1
