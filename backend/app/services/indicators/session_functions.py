"""What TA-Lib lacks: functions that know where a session starts.

They have values for today's rows only, `nan` before. With extended hours "a session's bars"
include them; the opening range and the time of day count from the regular open.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from app.core.bars import Floats
from app.core.config_json import Fault
from app.core.intervals import MINUTE_NS
from app.core.windows import Window
from app.services.indicators.computation import Computation, Values, label_of
from app.services.indicators.parameters import Number, Parameter, read_all


@dataclass(frozen=True, kw_only=True)
class SessionComputation(Computation):
    """A session function with its parameters in place."""

    function: Callable[..., Values] = field(compare=False, repr=False)

    def batch(self, window: Window) -> Values:
        return self.function(window, *(value for _, value in self.params))


class _Entry(msgspec.Struct, frozen=True):
    function: Callable[..., Values]
    outputs: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    price_units: bool = True
    history_sessions: Callable[[Mapping[str, Number]], int] = lambda values: 0


def session_vwap(window: Window) -> Values:
    """Volume-weighted mean of (high + low + close) / 3 since the session's first bar.

    Ready with the first volume of the day.
    """
    today = window.today
    volume = window.volume[today:]
    typical = (window.high[today:] + window.low[today:] + window.close[today:]) / 3.0
    traded = np.cumsum(volume)
    first = today + int(np.searchsorted(traded, 0.0, side="right"))
    paid = np.cumsum(typical * volume)
    return _from(window, first, paid[first - today :] / traded[first - today :])


def opening_range(window: Window, minutes: int) -> Values:
    """High and low of the bars that lie within the first `minutes` of the session.

    Ready with the first bar known at their end or later; never when none of them traded.
    """
    open_ns = int(window.session_open_ns[-1])
    end_ns = open_ns + minutes * MINUTE_NS
    today = window.today
    first = today + int(np.searchsorted(window.start_ns[today:], open_ns))
    end = today + int(np.searchsorted(window.known_ns[today:], end_ns, side="right"))
    ready = today + int(np.searchsorted(window.known_ns[today:], end_ns))
    if first >= end:
        return _from(window, len(window), np.nan, np.nan)
    return _from(window, ready, window.high[first:end].max(), window.low[first:end].min())


def previous_day(window: Window) -> Values:
    """High, low and close of the last earlier session that traded; ready all day."""
    today = window.today
    if today == 0:
        return _from(window, len(window), np.nan, np.nan, np.nan)
    session = int(np.searchsorted(window.session_first, today - 1, side="right")) - 1
    first = int(window.session_first[session])
    high, low = window.high[first:today].max(), window.low[first:today].min()
    return _from(window, today, high, low, window.close[today - 1])


def volume_ratio(window: Window, sessions: int) -> Values:
    """Today's volume so far over the mean, in the last `sessions`, up to the same time of day.

    The time of day is the time since the open. A half day counts its whole volume once it is
    over. Ready when the window has so many earlier sessions and one of them had traded by then.
    """
    today, past = window.today, len(window.session_first) - 1
    if past < sessions:
        return _from(window, len(window), np.nan)
    elapsed_ns = window.known_ns[today:] - window.session_open_ns[-1]
    usual = np.zeros(len(window) - today)
    for session in range(past - sessions, past):
        first, end = window.session_first[session], window.session_first[session + 1]
        known_ns = window.known_ns[first:end] - window.session_open_ns[session]
        traded = np.concatenate(([0.0], np.cumsum(window.volume[first:end])))
        usual += traded[np.searchsorted(known_ns, elapsed_ns, side="right")]
    first_usual = int(np.searchsorted(usual, 0.0, side="right"))
    ratio = np.cumsum(window.volume[today:])[first_usual:] / (usual[first_usual:] / sessions)
    return _from(window, today + first_usual, ratio)


def _from(window: Window, first_ready: int, *values: Floats | float) -> Values:
    """Each value at the rows from `first_ready` on."""
    outputs = []
    for value in values:
        output = np.full(len(window), np.nan)
        output[first_ready:] = value
        outputs.append(output)
    return Values(tuple(outputs), 0, first_ready)


_CATALOGUE: Mapping[str, _Entry] = {
    "OPENING_RANGE": _Entry(
        opening_range, ("high", "low"), (Parameter("minutes", 15, 1, 1440),)
    ),
    "PREVIOUS_DAY": _Entry(
        previous_day, ("high", "low", "close"), history_sessions=lambda values: 1
    ),
    "SESSION_VWAP": _Entry(session_vwap, ("vwap",)),
    "VOLUME_RATIO": _Entry(
        volume_ratio,
        ("ratio",),
        (Parameter("sessions", 5, 1, 250),),
        price_units=False,
        history_sessions=lambda values: int(values["sessions"]),
    ),
}  # fmt: skip
NAMES = tuple(_CATALOGUE)


def parameter_names(name: str) -> list[str]:
    """The parameters of one of NAMES, in order."""
    return [parameter.name for parameter in _CATALOGUE[name].parameters]


def session_computation(
    name: str, params: Mapping[str, object], inputs: Sequence[str] | None, faults: list[Fault]
) -> Computation | None:
    """The function `name` of NAMES; what is wrong goes to `faults`."""
    entry = _CATALOGUE[name]
    if inputs is not None:
        faults.append((("inputs",), f"{name} reads columns of its own; leave 'inputs' out."))
    values = read_all(name, entry.parameters, params, faults)
    if faults:
        return None
    pairs = tuple(values.items())
    return SessionComputation(
        name=name,
        params=pairs,
        label=label_of(name, pairs, ()),
        outputs=entry.outputs,
        history_sessions=entry.history_sessions(values),
        price_units=entry.price_units,
        function=entry.function,
    )
