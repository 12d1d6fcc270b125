"""What a run that broke off had come to by its last saved state, read from its journal."""

from collections.abc import Mapping

import msgspec
from loguru import logger

from app.core.errors import DataError
from app.core.message_codec import decode
from app.managers.system_manager.journal.journal_feed import STATE_REFUSED, RunJournal
from app.managers.system_manager.journal.program import Program
from app.managers.system_manager.journal.saved_states import Chapter
from app.threads.stream.run_state import RunState


class Past(msgspec.Struct, frozen=True):
    """All chapters up to a state, and where the journal goes on from there."""

    part: int
    sequence: int  # of the input it is the state behind
    state: RunState
    chapters: list[Chapter]


def past_of(journal: RunJournal, program: Program) -> Past | None:
    """None where there is no state that this program can go on from: the run is run again from
    the journal's first part.
    """
    try:
        return _past_of(journal, program)
    except DataError as error:
        logger.warning("The run goes on from its first part; a saved state is unusable: {}", error)
        return None


def _past_of(journal: RunJournal, program: Program) -> Past | None:
    told: list[msgspec.Raw] = []  # all chapters; of the states, which are larger, the last alone
    found = None
    for found in journal.saved_states():
        told.append(found[2].chapter.copy())
    if found is None:
        return None
    part, sequence, last = found
    notes = journal.since(part, sequence).notes()
    if any(note.get(STATE_REFUSED) == sequence for note in notes):
        logger.warning("The run goes on from its first part: from its saved state it went astray")
        return None
    changed = changed_words(last.program, program)
    if changed:
        logger.warning(
            "The run goes on from its first part: its saved state is of another {}", changed
        )
        return None
    chapters = [decode(one, Chapter) for one in told]
    return Past(part, sequence, last.run_state(), chapters)


def changed_words(recorded: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What of a program is not what it was."""
    names = [name for name in {**recorded, **now} if recorded.get(name) != now.get(name)]
    return ", ".join(names)
