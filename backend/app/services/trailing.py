"""Where a trailing stop is: at its distance from a price, exact, and on the tick."""

from app.core.money import UNITS, price_ratio


def trailed(
    price: float, buys: bool, trail: float | None, trail_percent: float | None, tick_units: int
) -> float:
    """The stop of an order that follows this price: never later than asked, a tick at least."""
    over, under = price_ratio(price)
    if trail is not None:
        away_over, away_under = price_ratio(trail)
    else:
        assert trail_percent is not None, "a trailing stop has a distance"
        share_over, share_under = price_ratio(trail_percent)
        away_over, away_under = over * share_over, under * share_under * 100
    away = away_over * under if buys else -away_over * under
    over, under = (over * away_under + away) * UNITS, under * away_under * tick_units
    return max(over // under if buys else -(-over // under), 1) * tick_units / UNITS
