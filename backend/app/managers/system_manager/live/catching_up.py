"""The feeds of live runs: entries are closed until time has come to where the run began."""

from collections.abc import Callable, Iterator
from itertools import chain

from app.core.halts import ALL_SYMBOLS, START
from app.core.intervals import MINUTE_NS
from app.core.messages import Bars, BrokerNews, Message
from app.core.order_events import Halted, Resumed
from app.managers.data_manager.live_feed import LiveFeed
from app.managers.data_manager.stored_bars import HistorySources
from app.managers.system_manager.rerun.recovery import Recovery
from app.threads.stream.run_state import StateGiven


class StartedFeed:
    """Live from the first: history, then what happens.

    A start in mid-session runs through the session's hours so far: what a timer asks for then
    would come too late.
    """

    def __init__(self, live: LiveFeed, began_ns: int) -> None:
        self._live = live
        self._began_ns = began_ns

    @property
    def history_sources(self) -> HistorySources:
        """Which past bars it gave."""
        return self._live.history_sources

    def messages(self) -> Iterator[Message]:
        """History first."""
        live = self._live.messages()
        yield next(live)
        yield from _caught_up(live, self._began_ns)


class ResumedFeed:
    """What was recorded first, then what a live feed says that is new."""

    def __init__(
        self,
        recovery: Recovery,
        live: LiveFeed,
        now_ns: Callable[[], int],
        is_stopping: Callable[[], bool],
    ) -> None:
        self._recovery = recovery
        self._live = live
        self._now_ns = now_ns
        self._is_stopping = is_stopping

    @property
    def history_sources(self) -> HistorySources:
        """Which past bars the run was given."""
        return self._recovery.history_sources

    def messages(self) -> Iterator[Message | StateGiven]:
        """The history is among what was recorded; time does not go back."""
        yield from self._recovery.messages(self._is_stopping)
        if self._is_stopping():
            return
        began_ns, live = self._now_ns(), self._live.messages()
        next(live)  # its history
        lifted = self._recovery.lifted()
        first = [BrokerNews(lifted)] if lifted else []
        news = chain(first, _after(live, self._recovery.through_ns))
        yield from _caught_up(news, began_ns)


def _after(messages: Iterator[Message], through_ns: int) -> Iterator[Message]:
    """What leaves time where it was, or moves it on."""
    for message in messages:
        if not (isinstance(message, Bars) and message.block.through_ns <= through_ns):
            yield message


def _caught_up(messages: Iterator[Message], began_ns: int) -> Iterator[Message]:
    """The messages, with no entries until time has come to a moment."""
    yield BrokerNews((Halted(ALL_SYMBOLS, "the run catches up with the time", START),))
    behind = True
    for message in messages:
        yield message
        if behind and isinstance(message, Bars) and _is_there(message, began_ns):
            behind = False
            yield BrokerNews((Resumed(ALL_SYMBOLS, "it has caught up", START),))


def _is_there(message: Bars, began_ns: int) -> bool:
    """Whether time has come to a moment; to a beat before it, as a minute may be waited for."""
    return message.block.through_ns >= began_ns - MINUTE_NS
