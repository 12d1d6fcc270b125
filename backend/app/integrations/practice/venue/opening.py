"""Opens a venue on its books: new ones begin, old ones are read and gone on with."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from app.core.calendar import TradingSession
from app.core.errors import StateError, UsageError
from app.core.intervals import SECOND_NS
from app.integrations.practice.venue.book_file import BookFile
from app.integrations.practice.venue.books import PAUSED, RUNNING, Books
from app.integrations.practice.venue.clock import VenueClock
from app.integrations.practice.venue.floor import Terrain
from app.integrations.practice.venue.tape import LoadBars, Tape
from app.integrations.practice.venue.venue import PracticeVenue


class Start(NamedTuple):
    """When and how fast a venue's time begins; None goes on as the books say."""

    default_ns: int  # of new books
    at_ns: int | None = None
    rate: float | None = None


class Opened(NamedTuple):
    """A venue, its clock, its books and the file of them."""

    venue: PracticeVenue
    clock: VenueClock
    file: BookFile
    books: Books
    goes_on: bool = False  # with books that were there


def open_on_books(
    folder: Path,
    terrain: Terrain,
    load: LoadBars,
    sessions: Sequence[TradingSession],
    start: Start,
    wall_ns: int,
    *,
    ticks: bool,
) -> Opened:
    """The venue of a folder; what happened while it was down happens at its first step."""
    file = BookFile(folder)
    try:
        books = new_books(terrain)
        for event in file.read():
            books.apply(event)
        if books.market and books.market != terrain.market:
            raise StateError(
                f"The books in {folder} are of {books.market}, not of {terrain.market}; name"
                " another folder with --books."
            )
        goes_on = books.clock is not None
        clock = clock_of(books, start, wall_ns)
        tape = Tape(
            load, tuple(terrain.sizes), sessions, adjustments=terrain.adjustments, ticks=ticks
        )
        venue = PracticeVenue(terrain, tape, books, file.write, clock.now_ns(wall_ns))
    except BaseException:
        file.close()
        raise
    return Opened(venue, clock, file, books, goes_on)


def new_books(terrain: Terrain) -> Books:
    """Empty books for what is traded there."""
    return Books(
        {symbol: sizes.multiplier_units for symbol, sizes in terrain.sizes.items()},
        {symbol: sizes.currency for symbol, sizes in terrain.sizes.items()},
    )


def clock_of(books: Books, start: Start, wall_ns: int) -> VenueClock:
    """After a crash the venue's time has gone on; after a stop in order it stood still."""
    known = books.clock
    if known is None:
        at_ns = start.default_ns if start.at_ns is None else start.at_ns
        return VenueClock(max(at_ns, books.through_ns), wall_ns, start.rate or 1.0)
    venue_ns = known.at_ns
    if known.state == RUNNING:
        venue_ns = VenueClock(venue_ns, known.wall_ns, known.rate).now_ns(wall_ns)
    venue_ns = max(venue_ns, books.through_ns)
    if start.at_ns is not None and start.at_ns != books.began_ns:  # else it is the same start again
        if start.at_ns < books.through_ns:
            raise UsageError(
                f"The books go up to {_text(books.through_ns)} and cannot begin again at"
                f" {_text(start.at_ns)}; name another folder with --books."
            )
        venue_ns = start.at_ns
    clock = VenueClock(venue_ns, wall_ns, start.rate or known.rate)
    clock.pause(wall_ns, known.state == PAUSED)
    return clock


def _text(at_ns: int) -> str:
    moment = dt.datetime.fromtimestamp(at_ns // SECOND_NS, dt.UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
