"""The invariants, asserted while a schedule runs and when it has come to rest."""

import io
from collections import Counter
from fractions import Fraction
from itertools import chain

from app.core import orders as states
from app.core.halts import ALL_SYMBOLS
from app.core.messages import BrokerNews, Command, LastNews
from app.core.order_events import Cancel, Filled, GateActed, GateFilled, Place
from app.core.orders import UNKNOWN, Order
from app.core.venue import Tick, VenueBar, run_mark
from app.integrations.practice.venue.books import Entry, Placed
from app.managers.execution_manager.gate.calls import AmendCall, Call, PlaceCall
from app.managers.execution_manager.orders.parts import APART
from app.managers.system_manager.journal.journal_feed import JournalFeed, RunJournal
from app.repositories.journal_archive import ArchiveDamaged, ArchiveReader
from app.threads.stream.commands import HALT, KILL, STOP
from app.threads.stream.results import Results
from tests.faults.life import FOLDER, RUN_ID, Life
from tests.faults.read_once import ReadJournal
from tests.faults.traders import Keeper
from tests.faults.venue_side import CASH, VenueSide
from tests.faults.venue_side import Call as Request
from tests.faults.world import SECOND
from tests.memory_disk import MemoryDisk

MARK = run_mark(RUN_ID) + "-"
_OF_EXITS = (  # alarms
    "exit lost", "too small to close", "exit not resized", "exit stays", "exit too much",
)  # fmt: skip
_CLOSES = "is closed at market"  # of what an exit filled too much, where the run sees to that


class Broke(BaseException):
    """An invariant does not hold; nobody handles this."""


def must(holds: bool, what: str) -> None:
    """Assert, with Python's own assertions switched off too."""
    if not holds:
        raise Broke(what)


def number_of(client_id: str) -> int:
    """A strategy's order by its name at the venue; 0 for the gate's own and for strangers."""
    number = client_id.removeprefix(MARK)
    return int(number) if client_id.startswith(MARK) and number.isdigit() else 0


class Watch:
    """Of one schedule, over all lives of its program."""

    def __init__(self, side: VenueSide, stale_ns: int) -> None:
        self._side = side
        self._stale_ns = stale_ns
        self.places: dict[int, Place] = {}  # durable or not, the latest life's
        self.payloads: dict[int, bytes] = {}  # the records that hold them
        self.closed_ns: int | None = None  # since when nothing may open, by the machine
        self._may_forget = False  # that nothing may open
        self.money_is_ours = True  # nobody else uses the account
        self.money_is_booked = True  # unless somebody was told that not all of it is
        self.is_moved = False  # somebody has changed a position at the venue
        self._split: tuple[str, bool, int] | None = None  # is it as told, and of what was held
        self._asked: Counter[str] = Counter()
        self._heard_ns: dict[str, int] = {}  # of each symbol's data, by the venue's time
        self._seen_events = 0

    # -- at every moment ---------------------------------------------------------------------------

    def request(self, life: Life, call: Request) -> None:
        """What reaches the venue's door: I1 and I3."""
        if call.bars_of:  # an answer is as good as the stream
            self._heard_ns[call.bars_of] = self._side.now_ns
        name = call.places
        if not name:
            return
        self._asked[name] += 1
        must(self._asked[name] == 1, f"I1: {name} is placed twice")
        number = number_of(name)
        if number:
            must(
                is_durable(life.means.disk, self.payloads.get(number, b"\0nothing")),
                f"I3: {name} leaves and its intent is not durable",
            )

    def begins(self, life: Life, call: Call, now_ns: int) -> None:
        """A call of the gate is about to be made: I11."""
        if isinstance(call, PlaceCall | AmendCall) and self.closed_ns is not None:
            place = self.places.get(number_of(call.client_id))
            opens = isinstance(call, PlaceCall) and place is not None and place.opens
            must(not opens, f"I11: {call.client_id} leaves, and nothing may open any more")

    def heard(self, item: object) -> None:
        """Market data has reached the program."""
        if isinstance(item, VenueBar | Tick):
            self._heard_ns[item.symbol] = self._side.now_ns

    def results(self, life: Life, results: Results, payload: bytes) -> None:
        """What came of an input: I9."""
        opening = [one for one in results.intents if isinstance(one, Place) and one.opens]
        for intent in results.intents:
            if isinstance(intent, Place):
                self.places[intent.order_id] = intent
                self.payloads[intent.order_id] = payload
        if life.recovery is not None and not life.recovery.is_over:
            return
        # given by the very hook of which a refusal trips a breaker, and taken back unsent
        back = {one.order_id for one in results.intents if isinstance(one, Cancel)}
        excused = back if results.risk is not None else set()
        for intent in opening:
            symbol = self._side.symbols[intent.symbol]
            must(
                intent.order_id in excused or not self._is_closed(life, intent.symbol),
                f"I9: order {intent.order_id} opens in {symbol}, which takes no entries",
            )
            age_ns = self._side.now_ns - self._heard_ns.get(symbol, self._side.now_ns)
            must(
                age_ns <= self._stale_ns,
                f"I9: order {intent.order_id} opens on data of {symbol} that is {age_ns} ns old",
            )

    def after_each(self) -> None:
        """I1 in the venue's books."""
        kept = self._side.kept
        for event in kept[self._seen_events :]:
            if isinstance(event, Placed) and event.order.client_id.startswith(MARK):
                name = event.order.client_id
                must(self._asked[name] == 1, f"I1: {name} came {self._asked[name]} times")
        self._seen_events = len(kept)

    def expect_split(self, symbol: str, as_told: bool) -> None:
        """The venue is about to split: as the run's actions say, or not so."""
        self._split = symbol, as_told, self._side.books.held_units(symbol)

    # -- across a crash ----------------------------------------------------------------------------

    def crashed(self, life: Life, now_ns: int) -> None:
        """A halt that no journal could take, or had no time to, does not outlive the program."""
        recorder, closed_ns = life.means.made_recorder, self.closed_ns
        has_failed = recorder is not None and recorder.failed is not None
        self._may_forget = closed_ns is not None and (has_failed or now_ns - closed_ns < SECOND)

    def restarts_on(self, disk: MemoryDisk | None) -> None:
        """The journal that the next life finds, if there is one."""
        if disk is None or (self._may_forget and not _is_told_to_halt(disk)):
            self.closed_ns = None
        self._may_forget = False

    # -- at rest -----------------------------------------------------------------------------------

    def settled(self, life: Life, alarms: list[tuple[str, str]]) -> None:
        """The venue has been reachable and quiet for minutes: I2, I4, I7."""
        recorder = life.means.made_recorder
        if recorder is None or recorder.failed is not None:
            must(any(what == "journal failed" for what, _ in alarms), "no alarm of the journal")
            return
        self._settled_orders(life)
        self._settled_split(life, alarms)
        for index, symbol in enumerate(self._side.symbols):
            halted = self.is_halted(life, index)
            differs = index in life.book.latch.halted
            must(not differs or bool(alarms), f"{symbol} is halted and nobody was told")
            if not halted:
                self._settled_symbol(life, index, symbol, alarms)

    def _settled_split(self, life: Life, alarms: list[tuple[str, str]]) -> None:
        """A split that the run's actions tell of halts nothing; another one is seen."""
        if self._split is None or self.is_moved:
            return
        symbol, as_told, held_units = self._split
        differs = f"Positions differ of {symbol}"
        told = [details for what, details in alarms if what == "halted" and differs in details]
        if as_told:
            must(not told, f"F24: a split that was told of halts: {told}")
        elif held_units and self._side.symbols.index(symbol) not in life.book.latch.halted:
            # one that is halted for another reason, which was told, is not halted again
            must(bool(told), f"F24: {symbol} is not split as it was told, and nobody sees it")

    def is_halted(self, life: Life, index: int) -> bool:
        """Whether a symbol takes no entries."""
        latch = life.book.latch
        halted = {ALL_SYMBOLS, index} & {*latch.halted}
        return bool(latch.killed or halted or self._is_closed(life, index))

    def _is_closed(self, life: Life, index: int) -> bool:
        closed = life.run.execution.entries.closed
        return any(symbol in (ALL_SYMBOLS, index) for symbol, _ in closed)

    def _settled_orders(self, life: Life) -> None:
        broker = life.run.execution.broker
        live = {number_of(entry.client_id) for entry in self._side.books.live.values()} - {0}
        for order in broker.known.values():  # type: ignore[attr-defined]
            must(order.state is not UNKNOWN, f"I2: order {order.order_id} is still UNKNOWN")
        working = {part.number for part in broker.parts.values()}  # type: ignore[attr-defined]
        must(live <= working, f"I4: {sorted(live - working)} work at the venue and not here")
        must(working <= live, f"I2: {sorted(working - live)} work here and not at the venue")

    def _settled_symbol(
        self, life: Life, index: int, symbol: str, alarms: list[tuple[str, str]]
    ) -> None:
        theirs = self._side.books.held_units(symbol)
        execution, tracker = life.run.execution, life.book.tracker
        ours = tracker.held_units(index)  # with what others did, where that is ignored
        must(ours == theirs, f"I4: {symbol}: ours is {ours}, the venue's {theirs}")
        booked = execution.held_units[index]
        must(tracker.net[index] == booked, f"I4: {symbol}: the gate and the books differ")
        for number, seat in enumerate(life.run.seats):
            if isinstance(seat.strategy, Keeper):
                self._settled_holding(life, index, number, alarms)

    def _settled_holding(
        self, life: Life, index: int, strategy: int, alarms: list[tuple[str, str]]
    ) -> None:
        """What a strategy holds of a symbol, which keeps all it holds under stops: I7 and I8."""
        execution, symbol = life.run.execution, self._side.symbols[index]
        held = execution.held_units_of(strategy, index)
        own = [
            entry
            for entry in self._side.books.live.values()
            if entry.order.symbol == symbol
            and _strategy_of(life, number_of(entry.client_id)) == strategy
        ]
        stops = sum(
            self._room(entry.order, execution.held_units[index])
            for entry in own
            if _protects(entry)
            and (self._side.is_spot or _only_reduces(life, number_of(entry.client_id)))
            and (not held or (entry.order.units > 0) == (held < 0))
        )
        told = any(
            what == "journal failed"
            or (what in _OF_EXITS and f" {symbol}," in details and _CLOSES not in details)
            or (what == "late fill" and f" {symbol}," in details and _is_of_exit(life, details))
            for what, details in alarms
        )
        closing = [entry for entry in own if entry.order.kind == states.MARKET]
        # what the run counts itself is under no stop while it is being closed
        under_way = sum(
            abs(entry.order.units - entry.order.filled_units)
            for entry in closing
            if not entry.order.reduce_only
            and _only_reduces(life, number_of(entry.client_id))
            and entry.order.units * held < 0
        )
        whose = f"{symbol} of {strategy}"
        under = f"under stops of {stops}, and {under_way} are being closed"
        must(stops + under_way >= abs(held) or told, f"I7: {whose}: {held} held {under}")
        must(stops <= abs(held) or told, f"I7: {whose}: {held} held {under}")
        protection = execution.protection
        if protection is not None and protection.flat.is_flat(strategy, life.line.clock.now_ns()):
            # a bar has too little volume for some
            left = held + sum(one.order.units - one.order.filled_units for one in closing)
            is_capped = left * held < 0 and any(one.order.reduce_only for one in closing)
            told = told or is_capped  # no more of it fills than is held
            must(not left or told, f"I8: {whose}: {held} held where it is to be flat")

    def _room(self, order: Order, net_units: int) -> int:
        """What may still fill, by what all strategies hold together: by that a venue counts."""
        left = abs(order.units - order.filled_units)
        held_against = abs(net_units) if order.units * net_units < 0 else 0
        return min(left, held_against) if order.reduce_only else left

    def ended(self, disk: MemoryDisk, last: Life | None, reason: str) -> None:
        """The journal against the venue's books: I5 and I6."""
        journal = ReadJournal(disk)
        heard = chain(JournalFeed(journal).messages(), journal.last_news())
        told = Counter(
            event.execution_id
            for news in heard
            if isinstance(news, BrokerNews | LastNews)
            for event in news.events
            if isinstance(event, Filled | GateFilled)
        )
        twice = [name for name, count in told.items() if count > 1]
        must(not twice, f"I6: executions told twice: {twice}")
        theirs = [
            execution
            for execution in self._side.books.executions
            if execution.client_id.startswith(MARK)
        ]
        known = {self._side.told_id(one) for one in theirs}
        must({*told} <= known, f"I6: executions that never were: {sorted({*told} - known)}")
        if last is None or {*told} != known or not self.money_is_ours:
            return
        paid = sum(Fraction(one.units) * Fraction(str(one.price)) for one in theirs)
        must(
            Fraction(self._side.books.cash["USD"]) == CASH - paid,
            "I5: the venue's cash is not what its fills come to",
        )
        ours = last.run.execution.account.cash_units()
        must(
            ours == self._side.books.cash["USD"] or not self.money_is_booked,
            f"I5: cash is {ours}, not the venue's",
        )


def _protects(entry: Entry) -> bool:
    """A stop, or what closes at market in the place of one that the price had passed."""
    is_in_its_place = number_of(entry.client_id) >= APART and entry.order.kind == states.MARKET
    return entry.order.kind == states.STOP or is_in_its_place


def is_durable(disk: MemoryDisk, payload: bytes) -> bool:
    """Whether the power's loss would leave a record."""
    return any(
        payload in _plain(bytes(content.durable), path.suffix == ".zst")
        for path, content in disk.files.items()
    )


def _plain(content: bytes, is_archive: bool) -> bytes:
    """A closed part may have been compressed since it was written; half of one holds nothing."""
    if not is_archive:
        return content
    try:
        return ArchiveReader(io.BytesIO(content)).read()
    except ArchiveDamaged:
        return b""


def _is_told_to_halt(disk: MemoryDisk) -> bool:
    for message in RunJournal(FOLDER, disk).inputs():
        if isinstance(message, Command) and message.name in (HALT, KILL, STOP):
            return True
        events = message.events if isinstance(message, BrokerNews) else ()
        if any(isinstance(event, GateActed) for event in events):
            return True
    return False


def _only_reduces(life: Life, number: int) -> bool:
    """As given here: where strategies share a symbol the venue is not told so."""
    order = life.run.execution.broker.known.get(number)  # type: ignore[attr-defined]
    return order is not None and bool(order.reduce_only or order.triggered)


def _is_of_exit(life: Life, late_fill: str) -> bool:
    """Whether what filled late only reduced: what that has opened has no stop of its own."""
    number = number_of(late_fill.split()[0])
    order = life.run.execution.broker.known.get(number)  # type: ignore[attr-defined]
    return order is not None and bool(order.reduce_only)


def _strategy_of(life: Life, number: int) -> int:
    order = life.run.execution.broker.known.get(number)  # type: ignore[attr-defined]
    return -1 if order is None else int(order.strategy)
