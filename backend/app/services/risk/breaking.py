"""All breakers by name, and those that a config and the account file ask for."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final, NamedTuple

from app.core.config_breakers import Breakers
from app.core.money import to_units
from app.services.risk import breakers
from app.services.risk.readings import Readings

DAILY: Final = ("daily_loss", "daily_loss_percent")  # those that each session begins anew


class BreakerLimit(NamedTuple):
    """A breaker, where it trips, and what the account comes to by that."""

    name: str  # with its scope where that is not the account
    kind: str  # its name alone
    figure: Callable[[Readings], int]  # in units, whatever it counts
    words: Callable[[Readings, int], str]
    at_units: int
    then: str
    given: Any  # where it trips, as the config says it

    def why(self, readings: Readings) -> str:
        """Why it trips, or ""."""
        if self.figure(readings) < self.at_units:
            return ""
        return self.words(readings, self.at_units)


@cache  # they lie in a folder
def breaker_names() -> tuple[str, ...]:
    """Every breaker there is."""
    return tuple(sorted(module.name for module in iter_modules(breakers.__path__)))


def breakers_of(config: Breakers, scope: str = "") -> Iterator[BreakerLimit]:
    """The breakers asked for; a scope that is not the account is told with their names."""
    for kind in breaker_names():
        asked = getattr(config, kind)
        if asked is not None:
            module = import_module(f"{breakers.__name__}.{kind}")
            name = f"{kind} of {scope}" if scope else kind
            at_units = to_units(Decimal(asked.at))
            yield BreakerLimit(
                name, kind, module.figure, module.words, at_units, asked.then, asked.at
            )
