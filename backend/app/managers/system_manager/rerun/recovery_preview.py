"""What a recovery would find: our word and the venue's, compared with nothing changed or sent."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from app.core.errors import StateError
from app.core.order_events import OrderEvent
from app.core.seams import BarSource
from app.core.venue import VenueError
from app.integrations.registry import open_venue
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.gate.reconcile import Difference
from app.managers.system_manager.journal.journal_feed import JournalFeed, RunJournal
from app.managers.system_manager.journal.run_header import RunHeader
from app.managers.system_manager.rerun.recovery import Recovery
from app.managers.system_manager.rerun.rewiring import wired_again
from app.managers.system_manager.venue.reckoning import reckon
from app.managers.system_manager.wiring import Run
from app.managers.time_manager import TimeManager, WallClock
from app.threads.stream.results import Results


class Preview(msgspec.Struct, frozen=True):
    """What one unfinished run would find; without differences it would go on as it stands."""

    run_id: str
    goes_to_venue: bool
    inputs: int
    orders: int  # that may still work
    holdings: dict[str, int]  # in units
    differences: list[Difference]


def preview(run_folder: Path, times: TimeManager, source: BarSource) -> Preview:
    """Run the journal again, ask the venue, and compare with books that are thrown away.

    Where it does not repeat, the error is that of the recovery itself.
    """
    journal = RunJournal(run_folder)
    header, recovery = journal.header(), Recovery(journal)
    config = header.session_config

    def take(results: Results) -> None:
        recovery.take(results)

    with wired_again(header, times, source, JournalFeed(journal), take) as run:
        run.execute()
    held = dict(zip(config.symbols, run.execution.held_units, strict=True))
    known, *_ = recovery.finish()
    rows: list[Difference] = []
    if config.lived.goes_to_venue:
        first = recovery.lacking(header.told_first)
        book = GateBook(
            header.run_id,
            config.symbols,
            since_ns=header.since_ns,
            positions=header.positions,
            external=config.lived.external,
            lot_units=run.execution.lot_units,
        )
        for item in (*known, *first):
            book.recall(item)
        rows = _differences(run, book, header, first)
    return Preview(
        run_id=header.run_id,
        goes_to_venue=config.lived.goes_to_venue,
        inputs=recovery.last_sequence,
        orders=sum(number not in recovery.void for number in run.execution.broker.working),
        holdings={name: units for name, units in held.items() if units},
        differences=rows,
    )


def _differences(
    run: Run, book: GateBook, header: RunHeader, first: Sequence[OrderEvent]
) -> list[Difference]:
    config = header.session_config
    live = config.lived
    venue = open_venue(
        live.venue, live.url, symbols=config.symbols, wall=WallClock(),
        real_money=live.trades_real_money,
    )  # fmt: skip
    try:
        now_ns = venue.time().venue_ns
        rows, _ = reckon(run.execution, book, venue, header.since_ns, now_ns, first)
    except VenueError as error:
        raise StateError(
            f"The venue '{live.venue}' cannot be asked about run {header.run_id}: {error} "
            "Is it running?"
        ) from error
    finally:
        venue.close()
    return rows
