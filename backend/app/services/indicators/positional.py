"""Arguments without a name: `indicator("SMA", 10)` means `timeperiod=10`."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.core.errors import ConfigError
from app.services.indicators import session_functions, talib_library
from app.services.indicators.catalogue import resolve
from app.services.indicators.user_functions import name_of


def positional_params(
    indicator: str | Callable[..., Any],
    args: Sequence[object],
    params: Mapping[str, object],
    columns: int = 1,
) -> dict[str, object]:
    """`params` with each of `args` under the name it stands for; `columns` come before them."""
    if not args:
        return dict(params)
    name = name_of(indicator)
    names = _parameter_names(indicator, columns)
    if len(args) > len(names):
        takes = ", ".join(names) or "none"
        raise ConfigError(
            f"The indicator '{name}' was given {len(args)} values; its parameters: {takes}."
        )
    given = dict(zip(names, args, strict=False))
    twice = ", ".join(given.keys() & params.keys())
    if twice:
        raise ConfigError(f"The indicator '{name}' was given {twice} twice.")
    return {**given, **params}


def _parameter_names(indicator: str | Callable[..., Any], columns: int) -> Sequence[str]:
    if not isinstance(indicator, str):
        return list(inspect.signature(indicator).parameters)[columns:]
    if indicator in talib_library.NAMES:
        return [parameter.name for parameter in talib_library.describe(indicator).parameters]
    if indicator not in session_functions.NAMES:
        resolve(indicator, {})  # tells that there is no such name, and which one is close
    return session_functions.parameter_names(indicator)
