"""Reloads within a schedule: other code, some of it broken, and crashes around it.

What they draw is of a draw of its own, so that each seed's faults are what they were.
"""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

from app.threads.stream.reloading import Reload
from tests.faults import traders
from tests.faults.simulation import Simulation
from tests.faults.world import SECOND

SHARE: Final = 0.3  # of the schedules
FILE: Final = "traders.py"
_SOURCE: Final = Path(traders.__file__).read_text(encoding="utf-8")
# of these the code before goes on; the others take over
_BROKEN: Final = (
    _SOURCE.replace('state["seen"]', 'state["never"]').replace(
        '"""There is nothing to remember."""', "raise Broken"
    ),
    _SOURCE.replace("class Trader", "clas Trader"),
    _SOURCE.replace("def setup(self) -> None:", "def setup(self) -> None:\n        raise Broken"),
)
_OTHER: Final = (
    _SOURCE,
    _SOURCE.replace("digest % 3 or", "digest % 2 or").replace("digest % 14:", "digest % 13:"),
    _SOURCE.replace('"SMA", 3', '"EMA", 4'),
)


class NewCode:
    """For one schedule; `at` has something happen at a moment of the venue's."""

    def __init__(
        self,
        sim: Simulation,
        at: Callable[[int, Callable[[], object]], None],
        first_ns: int,
        end_ns: int,
    ) -> None:
        self._sim = sim
        self._draw = draw = Random(sim.outcome.seed ^ 0xC0DE)
        if draw.random() < SHARE:
            for _ in range(draw.choice((1, 2, 4))):
                at(draw.randrange(first_ns, end_ns), self._reload)

    def _reload(self) -> None:
        """As whoever has checked the code asks for it; the run may not be ready to take it."""
        sim, draw, life = self._sim, self._draw, self._sim.life
        if life is None:
            return
        seat = draw.choice(life.run.seats)
        item = next(one for one in life.run.config.strategies if one.label == seat.name)
        is_fresh = draw.random() < 0.2
        text = draw.choice(_OTHER if is_fresh or draw.random() < 0.6 else _BROKEN)
        in_force = {
            one.name: one.reloaded_by.sequence
            for one in life.run.seats
            if one.reloaded_by is not None
        }
        use = f"{FILE}:{item.use.partition(':')[2]}"
        reload = Reload(seat.name, use, text, dict(item.params), is_fresh, in_force)
        sim.world.say("reload", seat.name, reload.hash, reload.fresh)
        life.line.inbox.put(reload.command())
        if draw.random() < 0.3:
            sim.world.after(sim.world.some_ns(SECOND), self._crash)

    def _crash(self) -> None:
        if self._sim.life is not None:
            self._sim.crash(self._draw.random() < 0.5)
