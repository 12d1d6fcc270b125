"""The catalogue: an indicator's name or function, with its parameters, to a computation."""

from collections.abc import Mapping, Sequence

from app.core.config_json import Fault, json_path
from app.core.errors import ConfigError, did_you_mean
from app.services.indicators import session_functions, talib_library
from app.services.indicators.computation import Computation
from app.services.indicators.session_functions import session_computation
from app.services.indicators.talib_functions import talib_computation
from app.services.indicators.user_functions import UserFunction, name_of, user_computation


def names() -> tuple[str, ...]:
    """Every name that `resolve` knows, sorted."""
    return tuple(sorted((*talib_library.NAMES, *session_functions.NAMES)))


def faults(
    indicator: str | UserFunction,
    params: Mapping[str, object],
    inputs: Sequence[str] | None = None,
) -> list[Fault]:
    """All that keeps this indicator from being resolved, none when it can be."""
    found: list[Fault] = []
    _computation(indicator, params, inputs, found)
    return found


def resolve(
    indicator: str | UserFunction,
    params: Mapping[str, object],
    inputs: Sequence[str] | None = None,
) -> Computation:
    """The computation of a name of the catalogue, or of a user's own function of columns.

    `inputs` names the columns to read, in the order of the function's arguments. TA-Lib
    functions of one series read `close`; ADD, SUB, MULT, DIV, BETA and CORREL read `high`
    and `low`; MAVP reads `close` and takes its periods from `session_bar`.
    """
    found: list[Fault] = []
    computation = _computation(indicator, params, inputs, found)
    if computation is None:
        listed = " ".join(f"{json_path(where)}: {text}" for where, text in found)
        raise ConfigError(f"The indicator '{name_of(indicator)}' cannot be used. {listed}")
    return computation


def _computation(
    indicator: str | UserFunction,
    params: Mapping[str, object],
    inputs: Sequence[str] | None,
    found: list[Fault],
) -> Computation | None:
    if callable(indicator):
        return user_computation(indicator, params, inputs, found)
    if indicator in session_functions.NAMES:
        return session_computation(indicator, params, inputs, found)
    if indicator in talib_library.NAMES:
        return talib_computation(indicator, params, inputs, found)
    if not isinstance(indicator, str):
        found.append((("name",), "it is not a name or a function."))
        return None
    hint = did_you_mean(indicator, names())
    found.append((("name",), f"'{indicator}' is not in the catalogue of indicators.{hint}"))
    return None
