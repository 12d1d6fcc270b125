"""The recorder: the journal's one writer, and the only one who says that a record is durable.

Whoever records only puts into a queue. The recorder takes all that waits, writes it at once, syncs
once, and then calls back those who wait for it, in order: on its own thread, or by `flush` on the
caller's.

A disk that refuses does not stop the stream, it stops orders: `failed` is set, `on_failure` told
once, and no callback that waits then is ever called, nor one given before `try_again` has put the
journal right. Records are kept meanwhile, without their callbacks. Nor does a disk that is too
slow: past `bound_records` the recorder has failed, and past four times that it keeps no more, which
only a restart mends.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from loguru import logger

from app.core import message_codec as codec
from app.core.errors import DataError, StateError
from app.core.messages import Message
from app.core.order_events import Intent
from app.repositories import journal_format as form
from app.repositories.bar_store_files import disk_errors
from app.repositories.journal_file import Entry, JournalWriter

_GROUP_BYTES: Final = 16 << 20  # a write is cut behind the record that passes this
_BOUND_BYTES: Final = 256 << 20
_PATIENCE: Final = 4  # times its bound a failed recorder still keeps
_IDLE_SECONDS: Final = 0.05  # records that nobody waits for are written this often

Then = Callable[[], None]


class _Header(msgspec.Struct, frozen=True):
    content: dict[str, Any]


class _Group(msgspec.Struct, frozen=True):
    """What is made durable at once: entries, or one part's header; then `thens` are called."""

    entries: list[Entry]
    header: _Header | None
    thens: list[Then]


class Recorder:
    """The journal's one writer, which any number of threads may record by.

    `on_failure` is called on the thread that finds the trouble, which may be one that records: it
    must not wait for anything.
    """

    def __init__(
        self,
        writer: JournalWriter,
        on_failure: Callable[[Exception], None],
        bound_records: int = 50_000,
    ) -> None:
        self._writer, self._on_failure, self._bound_records = writer, on_failure, bound_records
        self._waiting: deque[Entry | _Header | Then] = deque()
        self._records = self._bytes = 0  # waiting, or being written
        self._ready = threading.Condition()  # holds all of the above
        self._writing = threading.RLock()  # one thread at a time writes and calls back
        self._busy = False  # the holder of that lock is at it: a callback may come here again
        self._urgent = self._closed = False
        self._compressed = False  # all closed parts are
        self._thread: threading.Thread | None = None
        self.failed: Exception | None = None
        self.lost_records = 0

    def start(self) -> None:
        """Write on a thread of its own from now on."""
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def begin_part(self, header: Mapping[str, Any]) -> None:
        """What is recorded from here on goes into a new part; its header is written now."""
        self._put(_Header(codec.decode(codec.encode(dict(header)), dict[str, Any])))

    def record_input(self, message: Message) -> None:
        """A sequenced input, before any worker sees it."""
        self.record(form.INPUT, message.sequence, codec.encode_message(message))

    def record_output(self, sequence: int, entries: bytes, intents: Sequence[Intent]) -> None:
        """What came of an input: fingerprint entries, and intents for the broker."""
        self.record(form.OUTPUT, sequence, codec.encode_output(entries, intents))

    def record_note(self, note: Mapping[str, Any]) -> None:
        """Something for people to read."""
        self.record(form.NOTE, 0, codec.encode_note(note))

    def record_state(self, state: bytes, sequence: int) -> None:
        """What the run holds behind an input, for a later start to go on from."""
        self.record(form.STATE, sequence, state)

    def record(self, kind: int, sequence: int, payload: bytes) -> None:
        """A record of any kind; only puts it into the queue."""
        if len(payload) > form.MOST_PAYLOAD_BYTES:
            raise DataError(
                f"A {form.KIND_NAMES.get(kind, kind)} record of {len(payload):,} bytes is more than"
                f" a journal takes, {form.MOST_PAYLOAD_BYTES:,}. Declare less history."
            )
        self._put(Entry(kind, sequence, payload))

    def commit(self, then: Then) -> None:
        """Call `then` once all that was recorded until now is durable; never, once failed."""
        with self._ready:
            self._check_open()
            if self.failed is None:
                self._waiting.append(then)
                self._urgent = True
                self._ready.notify()

    def flush(self) -> None:
        """Make all that waits durable and call back, on this thread; then compress."""
        self._drain(compress=True)

    def try_again(self) -> bool:
        """After a failure: put the journal right, and write what is not in it yet.

        True once that is done: from then on commits are served again. What waited for the records
        that are written now is not called.
        """
        with self._writing:
            if self._busy or self.lost_records:
                return False
            while self.failed is not None:
                group = None
                try:
                    with disk_errors("The journal cannot be put right"):
                        self._writer.repair()
                        group = self._take()
                        if group is not None:
                            self._make_durable(group)  # and those who waited are not called
                except Exception as error:
                    self._put_back(group)
                    self.failed = error
                    return False
                with self._ready:
                    if not self._waiting:
                        self.failed = None
            return True

    def close(
        self,
        note: Mapping[str, Any] | None = None,
        *,
        ended: bool = False,
        patience_seconds: float = 30.0,
    ) -> None:
        """Write what waits, and stop. `ended`: the run is over, its journal closed for good."""
        if note is not None:
            self.record_note(note)
        with self._ready:
            self._closed = True
            self._ready.notify()
        if self._thread is not None:
            self._thread.join(patience_seconds)
            if self._thread.is_alive():
                late = f"The disk has not answered for {patience_seconds:g} s; the journal is left."
                self._fail(DataError(late))
                return
        self.try_again()  # nobody else will, once it is closed
        self.flush()
        if ended and self.failed is None:
            try:
                with disk_errors("The journal cannot be ended"):
                    self._writer.end()
                self._writer.compress_closed()
            except Exception as error:
                self._fail(error)
        self._writer.close()

    def _put(self, item: Entry | _Header) -> None:
        size_bytes = len(item.payload) if isinstance(item, Entry) else 0
        with self._ready:
            self._check_open()
            full = self._is_full(1 if self.failed is None else _PATIENCE)
            if self.lost_records or (full and self.failed is not None):
                self.lost_records += 1  # from here on all: a journal has no gap
                return
            self._waiting.append(item)
            self._records += 1
            self._bytes += size_bytes
            count = self._records
        if full:
            self._fail(
                DataError(
                    f"The disk is too slow: {count:,} records wait to be written to the journal."
                )
            )

    def _check_open(self) -> None:
        if self._closed:
            raise StateError("The recorder is closed: nothing more can be recorded.")

    def _is_full(self, patience: int) -> bool:
        most = self._bound_records * patience
        return self._records >= most or self._bytes >= _BOUND_BYTES * patience

    def _drain(self, *, compress: bool) -> None:
        with self._writing:
            if self._busy:
                return  # a callback asks: the loop below, which called it, goes on anyway
            self._busy = True
            try:
                while self.failed is None and (group := self._take()):
                    self._write(group)
                if compress and self.failed is None and not self._compressed:
                    self._writer.compress_closed()
                    self._compressed = True
            finally:
                self._busy = False

    def _take(self) -> _Group | None:
        """The next group, out of the queue."""
        entries: list[Entry] = []
        thens: list[Then] = []
        size_bytes = 0
        with self._ready:
            while self._waiting and size_bytes < _GROUP_BYTES:
                item = self._waiting[0]
                if isinstance(item, _Header) and (entries or thens):
                    break
                self._waiting.popleft()
                if isinstance(item, _Header):
                    return _Group(entries, item, thens)
                if isinstance(item, Entry):
                    entries.append(item)
                    size_bytes += len(item.payload)
                else:
                    thens.append(item)
        return _Group(entries, None, thens) if entries or thens else None

    def _write(self, group: _Group) -> None:
        try:
            with disk_errors("The journal cannot be written"):
                self._make_durable(group)
        except Exception as error:
            self._put_back(group)
            self._fail(error)
            return
        for then in group.thens:
            if self.failed is not None:
                return
            try:
                then()
            except Exception as error:
                self._fail(error)

    def _make_durable(self, group: _Group) -> None:
        if group.header is not None:
            self._writer.begin_part(group.header.content)
            self._compressed = False
        elif group.entries:
            self._writer.append(group.entries)
        with self._ready:
            self._records -= len(group.entries) + (group.header is not None)
            self._bytes -= sum(len(entry.payload) for entry in group.entries)

    def _put_back(self, group: _Group | None) -> None:
        """What is not durable stays first in the queue, without those who waited for it."""
        if group is not None:
            with self._ready:
                self._waiting.extendleft(reversed(group.entries))
                if group.header is not None:
                    self._waiting.appendleft(group.header)

    def _fail(self, error: Exception) -> None:
        with self._ready:
            if self.failed is not None:
                return
            self.failed = error
        try:
            self._on_failure(error)
        except Exception as other:  # the recorder lives on: it may be asked to try again
            logger.opt(exception=other).error("Nobody could be told that {}", error)

    def _run(self) -> None:
        closed = False
        while not closed:
            with self._ready:
                self._ready.wait_for(lambda: self._urgent or self._closed, _IDLE_SECONDS)
                urgent, closed = self._urgent, self._closed
                self._urgent = False
            try:
                self._drain(compress=not urgent)  # nobody is to wait for that
            except Exception as error:  # a defect; it must not end this thread unseen
                self._fail(error)
