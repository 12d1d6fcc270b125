"""Which halts of a live run are told as alarms, and that their end is told as well."""

from app.core.messages import BrokerNews, Command
from app.core.order_events import Halted, Resumed
from app.managers.system_manager.live.told_halts import ToldHalts


class Heard:
    def __init__(self) -> None:
        self.alarms: list[tuple[str, str]] = []

    def alarm(self, what: str, details: str) -> None:
        self.alarms.append((what, details))


def test_a_stream_that_is_gone_is_told_and_so_is_its_return() -> None:
    heard = Heard()
    halts = ToldHalts(["AAA", "BBB"], heard)
    gone, stale = "the market stream is gone: cut", "no data of BBB for 90 s"
    halts.hear(BrokerNews((Halted(-1, gone, "feed"), Halted(1, stale, "feed"))))
    halts.hear(Command("pause"))
    halts.hear(BrokerNews((Resumed(-1, "data flows again", "feed"),)))
    halts.hear(BrokerNews((Resumed(1, "data flows again", "feed"),)))
    assert heard.alarms == [
        ("halted", gone),
        ("halted", f"BBB: {stale}"),
        ("resumed", "data flows again"),
        ("resumed", "BBB: data flows again"),
    ]


def test_what_others_tell_of_and_what_an_earlier_life_was_halted_by_is_not_told() -> None:
    heard = Heard()
    halts = ToldHalts(["AAA"], heard)
    halts.hear(BrokerNews((Halted(0, "positions differ"), Halted(-1, "it catches up", "start"))))
    halts.hear(BrokerNews((Resumed(-1, "it began anew", "feed"), Resumed(0, "it agrees"))))
    assert heard.alarms == []
