"""Indicators: TA-Lib's functions, our session functions and a user's own, as computations."""

from app.services.indicators.catalogue import faults, names, resolve
from app.services.indicators.causality import check_causal
from app.services.indicators.computation import Computation, Running, Values
from app.services.indicators.positional import positional_params

__all__ = [
    "Computation",
    "Running",
    "Values",
    "check_causal",
    "faults",
    "names",
    "positional_params",
    "resolve",
]
