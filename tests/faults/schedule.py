"""Draws a schedule's faults and moments, and brings them about."""

from collections.abc import Callable
from contextlib import suppress
from heapq import heappop, heappush
from typing import Final

from app.core.money import UNITS
from app.core.orders import DAY, MARKET, Terms
from app.core.venue import VenueOrder
from app.integrations.practice.venue.books import Placed
from app.integrations.practice.venue.checks import Refusal
from app.integrations.practice.wire import Manual
from app.strategies.failure import HookInterrupted
from tests.faults.aims import Aims, some_state
from tests.faults.kinds import CRASH, NONE, OF_CANCELS, OF_PLACEMENTS, menu_faults
from tests.faults.new_code import NewCode
from tests.faults.simulation import Simulation, WorkerDown
from tests.faults.watch import MARK, must, number_of
from tests.faults.world import MILLISECOND, SECOND
from tests.memory_disk import Faults

_CALM_SHARE: Final = 0.62  # of the last session: from here on nothing goes wrong any more
_AIMED_SHARE: Final = 0.6


class Schedule:
    """Of one simulation; made before it runs."""

    def __init__(self, sim: Simulation, kinds: tuple[str, ...] | None = None) -> None:
        self.sim = sim
        draw, world = sim.draw, sim.world
        last = sim.day.sessions[-1]
        self._first_ns = sim.day.sessions[1].open_ns
        self._calm_ns = last.open_ns + int((last.close_ns - last.open_ns) * _CALM_SHARE)
        self._close_ns = last.close_ns
        self._aims = Aims(sim, self._calm_ns)
        self._planned: list[tuple[int, int, Callable[[], object]]] = []
        self._count = 0
        world.sources.insert(0, (self._due_ns, self._act))
        if kinds is None:
            kinds = tuple(draw.sample(sim.side.faults, draw.randint(3, 8)))
        self.kinds = kinds
        for kind in kinds:
            if kind == "F23" and draw.random() < 0.6:
                sim.fail_a_strategy(draw.randrange(8, 90))
                continue
            for _ in range(4 if kind == "F09" else draw.choice((1, 1, 2, 3))):
                self._plan(kind)
        if kinds and draw.random() < 0.3:
            self.at(self._some_moment_ns(), self._command)
        if kinds:
            NewCode(sim, self.at, self._first_ns, self._calm_ns)
        self._given()
        self.at(self._calm_ns, self._calm)
        self._recovers_twice = bool(kinds) and draw.random() < 0.25
        world.say("schedule", sim.outcome.seed, *kinds)

    def at(self, venue_ns: int, act: Callable[[], object]) -> None:
        """Have something happen when the venue shows that time, also where its clock leaps."""
        self._count += 1
        heappush(self._planned, (venue_ns, self._count, act))

    def _due_ns(self) -> int | None:
        return self.sim.side.wall_ns(self._planned[0][0]) if self._planned else None

    def _act(self) -> None:
        heappop(self._planned)[2]()

    def _some_moment_ns(self) -> int:
        return self.sim.draw.randrange(self._first_ns - 30 * SECOND, self._calm_ns)

    def _given(self) -> None:
        """What the day itself brings."""
        sim, day = self.sim, self.sim.day
        if day.halt is not None:
            self.at(day.halt.start_ns, lambda: sim.count("F24"))
        if day.split > 1:

            def split() -> None:
                sim.count("F24")
                if not sim.side.is_down and not sim.watch.is_moved:
                    sim.watch.expect_split(day.symbols[0], day.split == day.venues_split)
                sim.side.split(day.symbols[0], day.venues_split)

            self.at(day.sessions[-1].open_ns - 60 * SECOND, split)

    # -- the faults --------------------------------------------------------------------------------

    def _plan(self, kind: str) -> None:
        """At a drawn moment, or at the first instant from then on with an order in some state."""
        draw, bring = self.sim.draw, self._bring(kind)
        if draw.random() >= _AIMED_SHARE:
            self.at(self._some_moment_ns(), bring)
            return
        state = some_state(kind, draw)
        if state != NONE:
            self.at(self._some_moment_ns(), lambda: self._aims.aim(kind, state, bring))
        elif kind in OF_PLACEMENTS + OF_CANCELS:
            late_ns = int((self._calm_ns - self._first_ns) * draw.uniform(0.6, 0.9))
            self.at(self._first_ns + late_ns, lambda: self._while_flattened(kind, bring))
        else:  # before the first decision, as there is hardly another such instant
            early_ns = self._first_ns + draw.randrange(-30, 40) * SECOND
            self.at(early_ns, lambda: self._aims.aim(kind, state, bring))

    def _while_flattened(self, kind: str, bring: Callable[[], None]) -> None:
        """The strategies' orders have ended then, and the gate gives orders of its own."""
        if self.sim.life is None:
            return
        self._say_command("flatten")
        if kind not in OF_CANCELS:
            for _ in range(2):  # as either may be of another request, or not fire
                self._aims.aim(kind, NONE, bring)
            return

        def cancel() -> None:
            bring()
            with suppress(Refusal):
                self.sim.side.by_hand(Manual(cancel=self._closing_orders()[0]))

        self._aims.wait_for(NONE, cancel, lambda: bool(self._closing_orders()))

    def _closing_orders(self) -> list[str]:
        """The gate's own, at the venue."""
        side = self.sim.side
        names = [] if side.is_down else [entry.client_id for entry in side.books.live.values()]
        return [name for name in names if name.startswith(MARK) and not number_of(name)]

    def _bring(self, kind: str) -> Callable[[], None]:
        ways: dict[str, Callable[[], None]] = {
            CRASH: self._crash, "F09": self._answer_slowly, "F19": self._restart_venue,
            "F20": self._by_hand, "F21": self._break_disk, "F22": self._leap,
            "F23": self._break_run, "F24": self._expire_token,
        }  # fmt: skip
        return ways.get(kind, lambda: self._arm(kind))

    def _arm(self, kind: str) -> None:
        for fault in menu_faults(kind, self.sim.draw):
            self.sim.menu.add(fault)

    def _crash(self) -> None:
        sim, draw = self.sim, self.sim.draw
        if sim.life is None:
            return
        lossy = draw.random() < 0.5
        if draw.random() < 0.5:  # soon again, in the midst of the recovery
            sim.world.after(sim.world.some_ns(3 * SECOND), self._crash_once_more)
        elif draw.random() < 0.5:
            sim.crashes_at = draw.randrange(1, 8)
        if draw.random() < 0.5:
            sim.crash(lossy)
        sim.is_lossy = lossy
        faults = sim.disk.faults
        faults.first, faults.power = len(faults.calls) + draw.randrange(1, 6), True

    def _crash_once_more(self) -> None:
        if self.sim.life is not None:
            self.sim.crash(self.sim.draw.random() < 0.5)

    def _answer_slowly(self) -> None:
        life = self.sim.life
        if life is not None:
            life.means.answer_ns = self.sim.draw.choice((20, 40)) * SECOND

            def fast() -> None:
                life.means.answer_ns = 20 * MILLISECOND

            self.sim.world.after(90 * SECOND, fast)

    def _restart_venue(self) -> None:
        sim = self.sim
        if sim.side.is_down:
            return
        sim.count("F19")
        sim.side.restart(sim.draw.choice((0.2, 2.0, 10.0, 40.0)), sim.draw.random() < 0.7)

    def _by_hand(self) -> None:
        sim, draw = self.sim, self.sim.draw
        if sim.side.is_down:
            return
        live = [entry for entry in sim.side.books.live.values() if entry.client_id]
        way = draw.randrange(4)
        sim.count("F20")
        symbol = draw.choice(sim.day.symbols)
        if way == 0:
            self._strange_order(symbol)
        elif way == 1 and live:
            with suppress(Refusal):  # it has filled meanwhile
                sim.side.by_hand(Manual(cancel=draw.choice(live).client_id))
        elif way == 2:
            sim.watch.is_moved = True
            held = sim.side.books.held_units(symbol) + draw.choice((-3, 4)) * UNITS
            held = max(held, 0) if sim.side.is_spot else held
            sim.side.by_hand(Manual(positions={symbol: held}))
        else:
            sim.side.by_hand(Manual(cash={"USD": sim.side.books.cash["USD"] - UNITS}))
            sim.watch.money_is_ours = False

    def _strange_order(self, symbol: str) -> None:
        size = self.sim.draw.choice((-7, 5, 11))
        size = abs(size) if self.sim.side.is_spot else size
        terms = Terms(size * UNITS, None, None, None, None)
        asked = VenueOrder(client_id="", symbol=symbol, kind=MARKET, tif=DAY, terms=terms)
        self.sim.side.by_hand(Manual(order=asked))
        self.sim.watch.money_is_ours = False

    def _break_disk(self) -> None:
        self.sim.fail_disk(self.sim.draw.randrange(1, 4), self.sim.draw.choice((1, 2, 5, 1000)))

    def _leap(self) -> None:
        sim = self.sim
        sim.leap_to(sim.side.now_ns + round(sim.draw.choice((0.05, 0.9, 5.0, 60.0)) * SECOND))

    def _break_run(self) -> None:
        sim, draw, life = self.sim, self.sim.draw, self.sim.life
        if life is None:
            return
        sim.wants_failure = True
        if draw.random() < 0.5:
            workers = life.run.pipeline._workers
            _break(draw.choice(workers), "step", WorkerDown("a worker's own defect"))
        else:
            hook = draw.choice(("on_bar", "on_order"))  # the watchdog interrupts it
            _break(life.run.seats[0].strategy, hook, HookInterrupted())

    def _expire_token(self) -> None:
        sim = self.sim
        sim.count("F24")
        sim.side.refuses_until_ns = sim.world.now_ns + sim.world.some_ns(40 * SECOND)

    def _command(self) -> None:
        """Somebody halts, stops or kills the run, or has it pause."""
        sim, life = self.sim, self.sim.life
        if life is None:
            return
        self._say_command(sim.draw.choice(("halt", "freeze", "flatten", "stop", "pause", "lock")))

    def _say_command(self, what: str) -> None:
        sim, life = self.sim, self.sim.life
        assert life is not None
        sim.world.say("command", what)
        line, run = life.line, life.run
        if what == "halt":
            line.halt("by hand")
        elif what in ("freeze", "flatten"):
            line.kill(what, lambda: run.pipeline.kill("killed"))
        elif what == "stop":
            line.stop(lambda: run.pipeline.stop("stopped"))
            return
        elif what == "pause":
            line.pause()
            sim.world.after(20 * SECOND, line.resume)
            return
        else:
            life.line.lose("somebody else has the account")
        sim.watch.closed_ns = sim.world.now_ns

    # -- the end -----------------------------------------------------------------------------------

    def _calm(self) -> None:
        """Nothing goes wrong from here on, and the venue can be reached."""
        sim = self.sim
        self._aims.clear()
        sim.world.say("calm")
        self.at(self._close_ns - 8 * SECOND, self._settle)
        if self._recovers_twice:
            self._recover_twice()
        sim.menu.arm([])
        sim.side.refuses_until_ns = 0
        faults: Faults = sim.disk.faults
        if not faults.is_off:
            faults.first = faults.last = 0
            faults.power = False
        if sim.life is not None:
            sim.life.means.answer_ns = 20 * MILLISECOND

    def _settle(self) -> None:
        sim = self.sim
        sim.world.say("settled")
        must(sim.life is not None, "the program is not up, minutes after the last fault")
        if sim.life is not None and not sim.outcome.reason:
            sim.watch.settled(sim.life, sim.alarms.told)

    def _recover_twice(self) -> None:
        """After the close: a recovery, and one more without new events adds nothing."""
        sim = self.sim
        stood: list[int] = []

        def again() -> None:
            if sim.life is None or sim.outcome.reason:
                return
            placed = sum(isinstance(event, Placed) for event in sim.side.kept)
            must(stood in ([], [placed]), "I10: a second recovery has given an order")
            stood[:] = [placed]
            sim.restarts_at_once = True
            sim.crash(False)

        for after_seconds in (4, 16):  # the feed ends half a minute after the close
            self.at(self._close_ns + after_seconds * SECOND, again)


def _break(owner: object, name: str, error: BaseException) -> None:
    """The next time it is called; what is booked behind the failure is not to fail as well."""

    def broken(*_: object) -> None:
        delattr(owner, name)
        raise error

    setattr(owner, name, broken)
