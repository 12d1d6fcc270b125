"""How patient a live run's feed is: by its config, in its venue's time."""

from app.core.config_live import LiveConfig
from app.core.intervals import SECOND_NS
from app.managers.data_manager.live_stream import LiveTerms


def feed_terms(live: LiveConfig, rate: float) -> LiveTerms:
    """Waits are for networks and machines, which are no faster where the venue's time is."""
    pace = max(rate, 1.0)
    usual = LiveTerms()
    return LiveTerms(
        grace_ns=int(live.grace_ms * 1_000_000 * pace),
        stale_ns=int(live.stale_seconds * SECOND_NS * pace),
        silent_ns=int(usual.silent_ns * pace),
        catch_up_ns=int(usual.catch_up_ns * pace),
        beat_ns=int(usual.beat_ns * pace),
    )
