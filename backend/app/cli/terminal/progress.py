"""How far a long command is: a bar with rate and remaining time on a terminal's standard error.

Nothing is shown off a terminal, nor in the first moment: what is quick leaves no trace.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from app.cli.terminal.output import errors

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.progress import Progress

    from app.core.calendar import TradingSession
    from app.core.progress import OnCount

QUICK_SECONDS = 0.5
_BAR_WIDTH = 24
_SLOW = 10  # a second
_UNITS = (("MB", 1_000_000), ("kB", 1_000), ("bytes", 1))


class HowFar(NamedTuple):
    """How far it is: what is done now, how much of it, and which share that is of all of it."""

    what: str
    done: float = 0.0  # in the unit
    share: float | None = None  # None while that is not known
    total: float | None = None  # in the unit, where it is known


Look = Callable[[], HowFar]


def how_far_text(how_far: HowFar, unit: str, seconds: float) -> str:
    """Amount, rate, and the time that is left at this rate."""
    parts = []
    if unit and how_far.done:
        total = how_far.total
        of = "" if total is None else f" of {_amount(total, unit)}"
        parts.append(f"{_amount(how_far.done, '' if of and unit != 'bytes' else unit)}{of}")
        if seconds > 0:
            parts.append(f"{_rate(how_far.done / seconds, unit)}")
    if how_far.share:
        left = seconds * (1 - min(how_far.share, 1.0)) / how_far.share
        parts.append(f"{_lasting(left)} left")
    else:
        parts.append(_lasting(seconds))
    return ", ".join(parts)


def share_of(sessions: "Sequence[TradingSession]") -> Callable[[int], float]:
    """Which share of the trading time of these sessions has passed at an instant."""
    opens = [session.open_ns for session in sessions]
    lengths = [session.close_ns - session.open_ns for session in sessions]
    before = [sum(lengths[:place]) for place in range(len(lengths) + 1)]

    def share(at_ns: int) -> float:
        place = bisect_right(opens, at_ns) - 1
        if place < 0 or not before[-1]:
            return 0.0
        return (before[place] + min(at_ns - opens[place], lengths[place])) / before[-1]

    return share


@contextmanager
def working(look: Look, unit: str = "") -> Iterator[None]:
    """Show how far it is while the body runs; `look` is called now and then, from a thread."""
    if not is_shown():
        yield
        return
    with _meter(look, unit):
        yield


@contextmanager
def telling(what: str, unit: str = "") -> Iterator[Callable[[HowFar], None]]:
    """The same, where the body tells how far it is."""
    latest = [HowFar(what)]

    def tell(how_far: HowFar) -> None:
        latest[0] = how_far

    with working(lambda: latest[0], unit):
        yield tell


@contextmanager
def counting(what: str, unit: str) -> "Iterator[OnCount | None]":
    """The same, where the body counts; None where nobody would see it."""
    if not is_shown():
        yield None
        return
    with telling(what, unit) as tell:
        yield lambda done, total: tell(HowFar(what, done, done / total if total else None, total))


def is_shown() -> bool:
    """Whether there is a terminal to show it on."""
    return errors.is_terminal and not errors.is_dumb_terminal


def _meter(look: Look, unit: str) -> "Progress":
    from rich.console import Group
    from rich.progress import Progress
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    class Meter(Progress):
        """One line: what, a bar where the share is known, and the figures."""

        def get_renderable(self) -> "RenderableType":
            task = self.tasks[0] if self.tasks else None
            seconds = 0.0 if task is None or task.elapsed is None else task.elapsed
            if seconds < QUICK_SECONDS:
                return Group()
            how_far = look()
            line = Table.grid(padding=(0, 1))
            cells: list[RenderableType] = [Text(how_far.what)]
            if how_far.share is not None:
                cells.append(ProgressBar(1.0, min(how_far.share, 1.0), width=_BAR_WIDTH))
                cells.append(Text(f"{min(how_far.share, 1.0):4.0%}"))
            line.add_row(*cells, Text(how_far_text(how_far, unit, seconds)))
            return line

    meter = Meter(console=errors, transient=True)
    meter.add_task("", total=None)
    return meter


def _amount(done: float, unit: str) -> str:
    if unit != "bytes":
        return f"{done:,.0f} {unit}".rstrip()
    name, size = next(one for one in _UNITS if done >= one[1] or one[1] == 1)
    return f"{done / size:,.1f} {name}" if size > 1 else f"{done:,.0f} {name}"


def _rate(amount: float, unit: str) -> str:
    """How many a second; a slow rate has a digit more, so that it does not read as 0."""
    if unit != "bytes" and amount < _SLOW:
        return f"{amount:.1f} {unit}/s"
    return f"{_amount(amount, unit)}/s"


def _lasting(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
