"""What a recovery would find: our word and the venue's, compared with nothing changed or sent."""

from pathlib import Path

import msgspec

from app.core.errors import StateError
from app.core.seams import BarSource
from app.core.venue import VenueError
from app.integrations.registry import open_venue
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.gate.reconcile import Difference
from app.managers.system_manager.journal_feed import RunJournal
from app.managers.system_manager.reckoning import reckon
from app.managers.system_manager.verification import Repetition
from app.managers.time_manager import TimeManager


class Preview(msgspec.Struct, frozen=True):
    """Of one unfinished run. No differences: it would go on as it stands."""

    run_id: str
    goes_to_venue: bool
    inputs: int
    orders: int  # that may still work
    holdings: dict[str, int]  # in units
    differences: list[Difference]


def preview(run_folder: Path, times: TimeManager, source: BarSource) -> Preview:
    """Run the journal again, ask the venue, and compare with books that are thrown away."""
    journal = RunJournal(run_folder)
    repetition = Repetition(journal, times, source)
    repetition.verdict()
    run, header = repetition.run, repetition.header
    config = header.session_config
    held = dict(zip(config.symbols, run.execution.held_units, strict=True))
    rows: list[Difference] = []
    if repetition.goes_to_venue:
        book = GateBook(
            header.run_id,
            config.symbols,
            since_ns=header.since_ns,
            positions=header.positions,
            external=config.lived.external,
        )
        for item in journal.gate_items():
            book.recall(item)
        venue = open_venue(config.lived.venue, config.lived.url)
        try:
            now_ns = venue.time().venue_ns
            rows, _ = reckon(run.execution, book, venue, header.since_ns, now_ns)
        except VenueError as error:
            raise StateError(
                f"The venue '{config.lived.venue}' cannot be asked about run {header.run_id}: "
                f"{error} Is it running?"
            ) from error
        finally:
            venue.close()
    return Preview(
        run_id=header.run_id,
        goes_to_venue=repetition.goes_to_venue,
        inputs=repetition.inputs,
        orders=len(run.execution.broker.working),
        holdings={name: units for name, units in held.items() if units},
        differences=rows,
    )
