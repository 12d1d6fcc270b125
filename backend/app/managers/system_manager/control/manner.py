"""What a person who steers a run is told, where a replay and a live run differ."""

from typing import Final

import msgspec


class Manner(msgspec.Struct, frozen=True):
    """Phrases to put behind a run's name, or to stand by themselves."""

    paused: str
    stopping: str = ""  # what is done before the end
    has_no_pace: str = ""  # why it cannot be stepped, or set to a speed; "": it can
    halting: str = (
        "until it ends or 'system release' lifts that. The trading state is the account's, and is "
        "as it was"
    )


REPLAYED: Final = Manner("stands still", halting="until it ends")
PAPER: Final = (
    "Paper: orders are simulated on the venue's prices and none leaves. On minute bars a market "
    "order fills at the open of the minute it is given in, and that is known when the minute is "
    "over: a fill is told about a minute late, at the price before it."
)
