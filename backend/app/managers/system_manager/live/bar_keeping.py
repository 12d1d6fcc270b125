"""The bars of a live run on their way into the store, on a thread of their own."""

from collections.abc import Sequence

from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.messages import Message
from app.core.seams import Alarm
from app.core.venue import Venue
from app.integrations.origins import origin_of
from app.managers.data_manager import DataManager
from app.managers.data_manager.bar_keeper import BarKeeper, KeptTerms
from app.managers.data_manager.errands import Errands

_LONGEST_SECONDS = 30.0  # for the last bars, when the run has ended


def bars_origin(config: SessionConfig) -> str:
    """How the bars of a live config's venue are labelled."""
    live = config.lived
    return origin_of(live.venue, live.url, real_money=live.trades_real_money)


class BarKeeping:
    """Has the bars of one run kept."""

    def __init__(
        self,
        data: DataManager,
        venue: Venue,
        config: SessionConfig,
        sessions: Sequence[TradingSession],
        alarm: Alarm,
    ) -> None:
        self._alarm = alarm
        self._errands = Errands("bars kept")
        terms = KeptTerms(
            config.market, config.symbols, config.base_interval, config.extended_hours,
            tuple(sessions), bars_origin(config),
        )  # fmt: skip
        self._keeper = BarKeeper(data, venue, terms, alarm, self._errands.run)

    def hear(self, message: Message) -> None:
        """An input, before any worker sees it."""
        self._keeper.hear(message)

    def close(self) -> None:
        """The run has ended: keep what is left, while its venue can still be asked."""
        self._keeper.finish()
        if not self._errands.close(_LONGEST_SECONDS):
            self._alarm("bars not kept", "the store or the venue takes too long")
