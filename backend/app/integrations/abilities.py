"""What an adapter says before it asks: no to what it has declared that its venue cannot do."""

from app.core.venue import Abilities, VenueOrder, VenueRefused


def check_order(abilities: Abilities, order: VenueOrder) -> None:
    """Refuse an order that the venue has no form for; what is not held there it refuses itself."""
    if order.kind not in abilities.kinds:
        raise VenueRefused(f"This venue has no {order.kind} orders.{_those(abilities.kinds)}")
    if order.tif not in abilities.tifs:
        raise VenueRefused(f"This venue has no {order.tif} orders.{_those(abilities.tifs)}")
    if order.reduce_only and not abilities.reduces_only:
        raise VenueRefused("This venue has no orders that only reduce.")


def check_amendment(abilities: Abilities) -> None:
    """Refuse other terms where an order keeps those it has."""
    if not abilities.amends:
        raise VenueRefused("This venue gives no order other terms: cancel it, and place another.")


def _those(words: frozenset[str]) -> str:
    return f" It has {', '.join(sorted(words))}."
