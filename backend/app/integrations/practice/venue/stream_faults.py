"""What becomes of the streams' items on their way: lost, doubled, turned round, late."""

from collections.abc import Iterable
from typing import NamedTuple

from app.core.intervals import SECOND_NS
from app.core.venue import Execution, Heartbeat, VenueReport
from app.integrations.practice.venue import faults
from app.integrations.practice.venue.faults import FaultMenu
from app.integrations.practice.wire import ORDER_STREAM, StreamItem


class Sent(NamedTuple):
    """An item for all who listen to a stream; None: their connection is cut."""

    stream: str
    item: StreamItem | None


class StreamFaults:
    """Stands between the venue and whoever listens."""

    def __init__(self, menu: FaultMenu) -> None:
        self._menu = menu
        self._silent_until_ns: dict[str, int] = {}
        self._held: dict[str, Sent] = {}  # until the next one has gone before it
        self._late: list[tuple[int, Sent]] = []
        self._lost_venue_id = ""  # of a fill, whose report is lost with it

    def next_ns(self) -> int | None:
        """When the next late item is due."""
        return min((at_ns for at_ns, _ in self._late), default=None)

    def passed(self, items: Iterable[Sent], now_ns: int) -> list[Sent]:
        """What arrives now."""
        out = [sent for at_ns, sent in self._late if at_ns <= now_ns]
        self._late = [late for late in self._late if late[0] > now_ns]
        for sent in items:
            if self._is_silent(sent, now_ns) or self._is_lost_fill(sent):
                continue
            if sent.item is None or isinstance(sent.item, Heartbeat):
                out += [sent, *self._released(sent.stream)]
            else:
                out += self._one(sent, now_ns)
        return out

    def _one(self, sent: Sent, now_ns: int) -> list[Sent]:
        stream, menu = sent.stream, self._menu
        if menu.fires(faults.DISCONNECT, stream):  # and the item is lost
            self._held.pop(stream, None)
            return [Sent(stream, None)]
        if menu.fires(faults.DROP, stream):
            return []
        if late := menu.fires(faults.DELAY, stream):
            self._late.append((now_ns + int(late.seconds * SECOND_NS), sent))
            return []
        if stream not in self._held and menu.fires(faults.REORDER, stream):
            self._held[stream] = sent
            return []
        twice = [sent, sent] if menu.fires(faults.DUPLICATE, stream) else [sent]
        return [*twice, *self._released(stream)]

    def _released(self, stream: str) -> list[Sent]:
        held = self._held.pop(stream, None)
        return [] if held is None else [held]

    def _is_silent(self, sent: Sent, now_ns: int) -> bool:
        """A socket that stands and says nothing; a heartbeat can be the first it does not say."""
        if sent.item is None:
            return False
        if silent := self._menu.fires(faults.SILENT, sent.stream):
            self._silent_until_ns[sent.stream] = now_ns + int(silent.seconds * SECOND_NS)
        return now_ns < self._silent_until_ns.get(sent.stream, 0)

    def _is_lost_fill(self, sent: Sent) -> bool:
        if sent.stream != ORDER_STREAM:
            return False
        lost, self._lost_venue_id = self._lost_venue_id, ""
        if isinstance(sent.item, VenueReport):
            return sent.item.venue_id == lost != ""
        if isinstance(sent.item, Execution) and self._menu.fires(faults.FILL_LOST):
            self._lost_venue_id = sent.item.venue_id
            return True
        return False
