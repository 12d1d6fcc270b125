"""Writes a live run's states into its journal, and compares them with those already there."""

from loguru import logger

from app.core.errors import DataError
from app.managers.system_manager.journal.program import program_of
from app.managers.system_manager.journal.saved_states import StateKeeper
from app.managers.system_manager.live.line_journal import LineJournal
from app.managers.system_manager.rerun.recovery import Recovery
from app.managers.system_manager.wiring import Run


def state_keeper(run: Run, journal: LineJournal, recovery: Recovery | None) -> StateKeeper | None:
    """None for a run that is never asked for a state: its one chapter would only grow.

    What was told before the state that the run goes on from, is told already: its fingerprint
    has it. The program is what it is now; its files may be replaced while it runs.
    """
    past = None if recovery is None else recovery.past
    for chapter in () if past is None else past.chapters:
        run.execution.diary.fingerprint.add(chapter.entries)
    if not run.coordinator.asks_states:
        return None

    def accepts(sequence: int) -> bool:
        is_new = recovery is None or sequence >= recovery.last_sequence
        return is_new and journal.accepts_state(sequence)

    def refuse(sequence: int, recorded: str, repeated: str) -> None:
        journal.refuse_state(sequence)
        what = (
            f"The state behind input {sequence} is not what the journal says: it has {recorded}, "
            f"and now it is {repeated}."
        )
        if past is None:  # all was run again, and that counts
            logger.warning("{} No start goes on from it.", what)
            return
        journal.refuse_state(past.sequence)
        raise DataError(
            f"{what} Nothing was sent; positions and orders at the venue are as they were. Start "
            "again, and the run goes on from the first part of its journal, or see to the venue "
            "by hand and give the run up by 'system recover --give-up'."
        )

    known = {} if recovery is None else recovery.saved
    since = 0 if past is None else past.sequence
    program = program_of(run.strategies)
    return StateKeeper(program, accepts, journal.record_state, known, refuse, since)
