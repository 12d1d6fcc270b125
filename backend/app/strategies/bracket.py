"""A bracket: an entry with the orders that take it out again, all of them or none."""

from msgspec.structs import replace

from app.core.errors import UsageError
from app.core.money import from_units, to_units
from app.strategies.context import Context
from app.strategies.request import Bracket, Quantity, Request


def propose_bracket(
    context: Context,
    symbol: str,
    quantity: Quantity,
    entry: Request,
    target: Request | None,
    stop: Request | None,
) -> Bracket:
    """The entry, and its exits of the same size. What is refused, is refused before any of it."""
    if target is None and stop is None:
        raise UsageError("bracket() needs a target, a stop or a trail; order() enters alone.")
    enters = context.terms(symbol, quantity, entry)
    size = from_units(-enters.units)
    for leave in (stop, target):
        if leave is not None:
            context.terms(symbol, size, leave)
    first = None
    if enters.units:
        _check_sides(enters.units > 0, entry, stop, target)
        first = context.order(symbol, quantity, entry)
    if first is None:
        return Bracket(None, None, None)
    above, below = (
        None if leave is None else context.order(symbol, size, replace(leave, after=first))
        for leave in (target, stop)
    )
    context.oco((above, below))
    return Bracket(first, above, below)


def _check_sides(buys: bool, entry: Request, stop: Request | None, target: Request | None) -> None:
    """Prices on the wrong sides of each other are a mistake: it would leave as it enters.

    Those asked for: what the tick makes of equal ones may cross.
    """
    prices = (
        ("stop", None if stop is None else stop.stop),
        ("limit", entry.limit),
        ("target", None if target is None else target.limit),
    )
    found = [to_units(price) for _, price in prices if price is not None]
    if found != sorted(found, reverse=not buys):
        named = ", ".join(f"{name}={price}" for name, price in prices if price is not None)
        verb, first, last = ("buys", "below", "above") if buys else ("sells", "above", "below")
        raise UsageError(
            f"bracket() has its prices on the wrong sides: {named}. One that {verb} has its stop "
            f"{first} and its target {last} its entry."
        )
