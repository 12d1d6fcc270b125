"""From a due bar to its order at the adapter, durable before that; and how soon a kill acts.

The run, the recorder and the gate are the real ones, on the real disk; of the venue there is only
the moment at which its adapter is called.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from time import perf_counter_ns
from types import SimpleNamespace
from typing import Any

from loguru import logger

from app.core.bars import Bar
from app.core.config import SessionConfig
from app.core.message_codec import encode_message
from app.core.messages import Bars, BrokerNews, Message
from app.core.order_events import Place
from app.core.orders import Terms
from app.core.venue import VenueOrder, VenueRefused, VenueReport
from app.managers.data_manager.replay_feed import ReplayFeed
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.live.live_broker import LiveBroker
from app.managers.system_manager.control.alarms import Alarms
from app.managers.system_manager.control.server import ControlServer
from app.managers.system_manager.live.live_means import TURN_SECONDS
from app.managers.system_manager.looking import Looking
from app.managers.system_manager.replay_line import ReplayLine
from app.managers.system_manager.steering.desk import ControlDesk
from app.managers.system_manager.system_manager import SystemManager
from app.managers.system_manager.wiring import Parts, Run
from app.managers.time_manager import WallClock
from app.repositories import journal_format as form
from app.repositories.journal_file import Entry, JournalWriter
from app.strategies import Strategy
from app.threads.live.order_gate import OrderGate
from app.threads.live.recorder import Recorder
from app.threads.machine.garbage import only_new_collected
from app.threads.stream.results import Results
from benchmarks.house import config_of, fill_store, open_system, plain_market
from benchmarks.measure import BenchError, fresh, percentile
from benchmarks.outcome import Outcome, Row

SYMBOLS = tuple(f"S{number:02}" for number in range(50))
CANCELS, KILLS_A_ROUND = 500, 20
PATIENCE_SECONDS = 10.0
RUN = "20240102-000000-live"
_CLIENT = (
    "import sys; from pathlib import Path;"
    "from app.managers.system_manager.control.client import connect;"
    "views = connect(Path(sys.argv[1])).views(); print(next(views).run_id, flush=True);"
    "[None for _ in views]"
)


class OneInTen(Strategy):
    """Each minute an order in five of the fifty symbols, others each time."""

    def setup(self) -> None:
        self.place = {symbol: place for place, symbol in enumerate(self.symbols)}

    def on_bar(self, bar: Bar) -> None:
        if (bar.start_ns // 60_000_000_000 + self.place[bar.symbol]) % 10 == 0:
            self.order(bar.symbol, 1)


class Adapter:
    """The venue's end: notes when it is called, and refuses, so that an order ends at once."""

    def __init__(self) -> None:
        self.called = SimpleQueue[int]()

    def place(self, order: VenueOrder) -> VenueReport:
        self.called.put(perf_counter_ns())
        raise VenueRefused("a benchmark trades nothing")

    def cancel(self, client_id: str, symbol: str = "") -> VenueReport:
        self.called.put(perf_counter_ns())
        raise VenueRefused("a benchmark trades nothing")

    def order(self, client_id: str, symbol: str = "") -> None:
        return None

    def open_orders(self) -> Sequence[VenueReport]:
        return []

    def executions(self, since_ns: int) -> Sequence[Any]:
        return []

    def positions(self) -> dict[str, int]:
        return {}

    def order_stream(self, on_item: Any) -> Any:
        return SimpleNamespace(close=lambda: None)


def live(folder: Path, minutes: int, repeats: int) -> Outcome:
    """Half of the orders, and all but 1 % of them; alone, and with a client that watches."""
    config = fresh(fill_store, folder, SYMBOLS, minutes)
    figures: dict[str, float] = {"minutes": minutes, "symbols": len(SYMBOLS)}
    rows = []
    for name, watched in (("", False), ("watched_", True)):
        orders_ms, bare_ms = fresh(measure, folder / (name or "alone"), folder, config, watched)
        figures[f"{name}orders"] = len(orders_ms)
        for label, share in (("p50", 0.5), ("p99", 0.99)):
            own, bare = _best(orders_ms, repeats, share), _best(bare_ms, repeats, share)
            figures |= {
                f"{name}{label}_ms": round(own, 3),
                f"{name}bare_{label}_ms": round(bare, 3),
            }
            what = f"{label}, watched at 20 Hz" if watched else label
            rows.append(Row(what, f"{own:.2f} ms", f"{bare:.2f} ms append and sync", own / bare))
    return Outcome("live", figures, tuple(rows))


def _best(took_ms: Sequence[float], rounds: int, share: float) -> float:
    """The percentile of the round in which it is least: a machine's other work comes and goes."""
    size = -(-len(took_ms) // rounds)
    parts = [took_ms[at : at + size] for at in range(0, len(took_ms), size)]
    return min(percentile(part, share) for part in parts)


def measure(
    own: Path, store: Path, config: SessionConfig, watched: bool
) -> tuple[list[float], list[float]]:
    """Milliseconds of each order, and of a bare append and sync after each minute."""
    system = open_system(store)
    desk = LiveDesk(system, config, own)
    bare = JournalWriter(own / "bare")
    bare.begin_part({})
    with as_live(), Watching(system, desk, own) if watched else nullcontext():
        return desk.trade(bare)


@contextmanager
def as_live() -> Iterator[None]:
    """Threads take turns, and garbage is searched for, as in a live session's process."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_SECONDS)
    try:
        with only_new_collected():
            yield
    finally:
        sys.setswitchinterval(before)


class LiveDesk:
    """A run, its journal and its gate, fed a minute at a time."""

    def __init__(self, system: SystemManager, config: SessionConfig, own: Path) -> None:
        engine = config.engine.model_copy(update={"block_rows": len(SYMBOLS)})
        plain = config_of(config.symbols, config.replayed.end, f"{__name__}:OneInTen")
        self.config = plain.model_copy(update={"engine": engine})
        market = plain_market(system, self.config)
        self.adapter = Adapter()
        self.heard = SimpleQueue[BrokerNews]()
        self.failed: list[Exception] = []
        self.recorder = Recorder(JournalWriter(own / "journal"), self.failed.append)
        self.recorder.begin_part({})
        self.wanted = 0  # orders that the minute in hand asked for
        self.arrived = threading.Event()
        book = GateBook(RUN, SYMBOLS, since_ns=0)
        self.gate = OrderGate(
            book,
            self.adapter,
            WallClock(),
            self._hear,
            Alarms(lambda: ""),  # type: ignore[arg-type]
        )
        self.run = Run(
            self.config,
            market,
            Path(),
            self._take,
            parts=Parts(partial(ReplayFeed, market.source), LiveBroker, self.recorder.record_input),
        )
        self.orders_ms: list[float] = []
        self.bare_ms: list[float] = []

    def trade(self, bare: JournalWriter) -> tuple[list[float], list[float]]:
        self.recorder.start()
        self.gate.start()
        try:
            self.run.pipeline.run(self._one_at_a_time(bare))
        finally:
            self.gate.stop()
            self.recorder.close()
        if self.run.pipeline.cause is not None:
            raise self.run.pipeline.cause.error
        if self.failed or not self.orders_ms:
            raise BenchError(f"No order was timed: {self.failed}")
        return self.orders_ms, self.bare_ms

    def _one_at_a_time(self, bare: JournalWriter) -> Iterator[Message]:
        for message in self.run.feed.messages():
            while not self.heard.empty():
                yield self.heard.get()
            self.arrived.clear()
            begin_ns = perf_counter_ns()
            yield message
            if not isinstance(message, Bars):
                continue
            if not self.arrived.wait(PATIENCE_SECONDS):
                raise BenchError(f"A minute has not come through in {PATIENCE_SECONDS:g} s.")
            for _ in range(self.wanted):
                try:
                    called_ns = self.adapter.called.get(timeout=PATIENCE_SECONDS)
                except Empty:
                    raise BenchError("An order did not come to the venue.") from None
                self.orders_ms.append((called_ns - begin_ns) / 1e6)
            entry = Entry(form.INPUT, 1, encode_message(message))
            begin_ns = perf_counter_ns()
            bare.append([entry])
            self.bare_ms.append((perf_counter_ns() - begin_ns) / 1e6)

    def _take(self, results: Results) -> None:
        """As a live line does it."""
        intents = results.intents
        self.recorder.record_output(results.sequence, results.records.entries, intents)
        if intents:
            self.recorder.commit(lambda: self.gate.send(intents))
        if results.bars:
            self.wanted = sum(isinstance(intent, Place) for intent in intents)
            self.arrived.set()

    def _hear(self, events: tuple[Any, ...]) -> None:
        self.heard.put(BrokerNews(events))


class Watching:
    """A client in a process of its own, subscribed to the run's snapshots."""

    def __init__(self, system: SystemManager, desk: LiveDesk, own: Path) -> None:
        session = SimpleNamespace(
            run=desk.run, run_id=RUN, started_at="", bars=0, is_recovering=False,
            looking=Looking(desk.run, RUN, WallClock(), ReplayLine(desk.run, WallClock())),
        )  # fmt: skip
        shown = SimpleNamespace(
            state="RUNNING",
            time_manager=system.time_manager,
            alarms=SimpleNamespace(latest=lambda: ()),
        )
        self._desk = ControlDesk(shown, session)  # type: ignore[arg-type]
        self._own = own

    def __enter__(self) -> None:
        folder = self._own / "control"
        folder.mkdir(parents=True, mode=0o700)
        path = folder / f"{RUN}.sock"
        self._server = ControlServer(path, self._desk, self._desk.view, WallClock())
        words = [sys.executable, "-c", _CLIENT, str(self._own)]
        self._client = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert self._client.stdout is not None
        if self._client.stdout.readline().strip() != RUN:
            raise BenchError("The client was shown nothing.")

    def __exit__(self, *error: object) -> None:
        self._server.close()
        self._client.kill()
        self._client.communicate()


# -- the kill ------------------------------------------------------------------------------------


def kill(folder: Path, size: int, repeats: int) -> Outcome:
    """From the command to the last of the cancels, while a strategy's loop has the processor."""
    del folder, size
    took_ms, bare_ms = fresh(measure_kills, repeats * KILLS_A_ROUND)
    figures: dict[str, float] = {"cancels": CANCELS, "kills": len(took_ms)}
    rows = []
    for label, share in (("p50", 0.5), ("p99", 0.99)):
        own, bare = _best(took_ms, repeats, share), _best(bare_ms, repeats, share)
        figures |= {f"{label}_ms": round(own, 2), f"bare_{label}_ms": round(bare, 2)}
        rows.append(Row(label, f"{own:.1f} ms", f"{bare:.1f} ms for the bare calls", own / bare))
    return Outcome("kill", figures, tuple(rows))


def measure_kills(kills: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each kill, and of as many bare calls of the adapter, the loop beside both."""
    logger.disable("app")  # an alarm a kill
    done = threading.Event()

    def stuck() -> None:
        while not done.is_set():
            pass

    strategy = threading.Thread(target=stuck, name="stuck strategy", daemon=True)
    strategy.start()
    took, bare = [], []
    try:
        with as_live():
            for _ in range(kills + 1):
                took.append(_kill_ms())
                bare.append(_bare_ms())
    finally:
        done.set()
        strategy.join()
    return took[1:], bare[1:]  # the first warms up


class Accepting(Adapter):
    """Takes every order, and lets none go."""

    def place(self, order: VenueOrder) -> VenueReport:
        return VenueReport(
            client_id=order.client_id,
            venue_id=order.client_id,
            symbol=order.symbol,
            state="ACCEPTED",
            units=order.terms.units,
            filled_units=0,
            kind=order.kind,
            at_ns=1,
            limit=order.terms.limit,
        )


def _kill_ms() -> float:
    adapter, working = Accepting(), threading.Semaphore(0)
    book = GateBook(RUN, ["S00"], since_ns=0)

    def report(events: tuple[Any, ...]) -> None:
        for _ in events:
            working.release()

    gate = OrderGate(
        book,
        adapter,
        WallClock(),
        report,
        Alarms(lambda: ""),  # type: ignore[arg-type]
    )
    gate.start()
    try:
        terms = Terms(100_000_000, 1.0, None, None, None)
        gate.send([Place(n, 0, "limit", "day", terms, False, True) for n in range(1, CANCELS + 1)])
        for _ in range(CANCELS):
            if not working.acquire(timeout=PATIENCE_SECONDS):
                raise BenchError("The orders to be cancelled were not taken.")
        begin_ns = perf_counter_ns()
        gate.kill("flatten", "benchmark")
        called_ns = [adapter.called.get(timeout=PATIENCE_SECONDS) for _ in range(CANCELS)]
        return (max(called_ns) - begin_ns) / 1e6
    finally:
        gate.stop()


def _bare_ms() -> float:
    adapter = Adapter()
    begin_ns = perf_counter_ns()
    for number in range(CANCELS):
        try:
            adapter.cancel(str(number))
        except VenueRefused:
            continue
    return (perf_counter_ns() - begin_ns) / 1e6
