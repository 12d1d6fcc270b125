"""All rules by name, in the order of their names, and what a limit of the config is to them."""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, NamedTuple

from app.core.config_risk import RiskLimits
from app.core.money import to_units
from app.services.risk import rules
from app.services.risk.bounds import Bounds, Worth
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.names import Names
from app.services.risk.verdict import Verdict

_NO_NAMES = Names()
Figure = Callable[[Ask, Portfolio, Market], str]
Check = Callable[[Ask, Portfolio, Market, Any], Verdict | None]
# How a rule narrows bounds by what it is to hold, and by what is so at the moment.
Narrow = Callable[[Bounds, Any], None]
NarrowNow = Callable[[Bounds, Worth, Market, Any], None]
SureUntil = Callable[[int, Market, Any], int]


class Limit(NamedTuple):
    """A rule, and what it is to hold."""

    name: str
    check: Check
    most: Any
    remembers: bool = False  # whether it looks back on the day, or on the peak
    holds_prices: bool = False  # it is asked of an amendment of prices alone, too
    given: Any = None  # the same as the config says it
    figure: Figure | None = None  # what it looks at, in words, for whoever asks later
    only_repeats: bool = False  # it refuses nothing but what is equal to an entry before
    narrow: Narrow | None = None
    narrow_now: NarrowNow | None = None
    sure_until_ns: SureUntil | None = None

    @property
    def has_bounds(self) -> bool:
        """Whether there are bounds within which it surely approves."""
        return self.narrow is not None or self.narrow_now is not None


@cache  # they lie in a folder
def rule_names() -> tuple[str, ...]:
    """Every rule there is."""
    return tuple(sorted(module.name for module in iter_modules(rules.__path__)))


def limits_of(config: RiskLimits, names: Names = _NO_NAMES) -> tuple[Limit, ...]:
    """The rules that a config asks for."""
    fields = type(config).model_fields
    return tuple(
        _limit(name, value, names)
        for name in rule_names()
        if (value := getattr(config, name)) != fields[name].default
    )


def _limit(name: str, value: object, names: Names) -> Limit:
    """A rule with what it is to hold, as its own `most_of` has it where it has one."""
    rule = import_module(f"{rules.__name__}.{name}")
    most_of = getattr(rule, "most_of", _in_units)
    remembers = getattr(rule, "REMEMBERS", False)
    holds_prices = getattr(rule, "HOLDS_PRICES", False)
    figure = getattr(rule, "figure", None)
    most = most_of(value, names)
    only_repeats = getattr(rule, "ONLY_REPEATS", False)
    sure = (getattr(rule, name, None) for name in ("narrow", "narrow_now", "sure_until_ns"))
    return Limit(
        name, rule.check, most, remembers, holds_prices, value, figure, only_repeats, *sure
    )


def _in_units(value: object, names: Names) -> object:
    return to_units(value) if isinstance(value, Decimal) else value
