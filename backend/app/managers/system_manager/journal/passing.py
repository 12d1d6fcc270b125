"""Between the minutes of a live run time passes in beats, most of a journal's inputs. Those that
nothing came of are left out when it is run again: where blocks end changes no decision.
"""

from collections.abc import Iterator

from app.core.messages import Bars, Message
from app.managers.system_manager.journal.journal_feed import RunJournal


class Passing:
    """Leaves out the beats of one journal; `left_out` are their numbers."""

    def __init__(self, journal: RunJournal) -> None:
        self.left_out: set[int] = set()
        self._fruitless = {
            sequence for sequence, entries, intents in journal.outputs() if not (entries or intents)
        }

    def without_beats(self, messages: Iterator[Message]) -> Iterator[Message]:
        """The same, but for beats before a block of the same session."""
        beat: Bars | None = None
        for message in messages:
            if beat is not None:
                if isinstance(message, Bars) and _sessions(message) == _sessions(beat):
                    self.left_out.add(beat.sequence)
                else:
                    yield beat
            beat = message if isinstance(message, Bars) and self._is_beat(message) else None
            if beat is None:
                yield message
        if beat is not None:
            yield beat

    def _is_beat(self, message: Bars) -> bool:
        return not len(message.block) and message.sequence in self._fruitless


def _sessions(message: Bars) -> list[object]:
    return [span.session for span in message.block.spans]
