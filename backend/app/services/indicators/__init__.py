"""Indicators: TA-Lib's functions, our session functions and a user's own, as computations."""

from app.services.indicators.catalogue import names, problems, resolve
from app.services.indicators.causality import check_causal
from app.services.indicators.computation import Computation, Problem, Running, Values

__all__ = [
    "Computation",
    "Problem",
    "Running",
    "Values",
    "check_causal",
    "names",
    "problems",
    "resolve",
]
