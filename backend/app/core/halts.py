"""Halts: what takes no entries, and by whose word. The words stand in journals: they are kept."""

from typing import Final

ALL_SYMBOLS: Final = -1  # in place of a symbol's number

# The sources of halts; each lifts only what it has closed. A pause and breakers have their own.
COMMAND: Final = "command"  # a person, or the end of the run
FEED: Final = "feed"  # data is stale, or its stream is gone
GATE: Final = "gate"  # what the gate sees at the venue
HOLDINGS: Final = "holdings"  # what the venue held before the run
JOURNAL: Final = "journal"  # nothing can be made durable
LATCH: Final = "latch"  # a kill, at the gate
RECOVERY: Final = "recovery"  # the venue has not been asked since the run broke off
START: Final = "start"  # the run catches up with the time
