"""Sizes as a venue tells them: a live run's instruments are set so before it begins."""

from collections.abc import Mapping
from decimal import Decimal

from loguru import logger

from app.core.config import SessionConfig
from app.core.venue import Venue
from app.managers.data_manager import DataManager


def record_sizes(venue: Venue, data: DataManager, config: SessionConfig) -> None:
    """Orders of other multiples would be refused, and what is left of a lot could not be sold."""
    for symbol in config.symbols:
        told, known = venue.sizes(symbol), data.instrument(config.market, symbol)
        if told is None:
            continue
        least = known.least_value if told.least_value is None else told.least_value
        if (told.tick, told.lot, least) == (known.tick, known.lot, known.least_value):
            continue
        sizes = {"tick": _text(told.tick), "lot": _text(told.lot)}
        if least is not None:
            sizes["least_value"] = _text(least)
        data.set_instrument(config.market, symbol, sizes, known.currency)
        logger.info("{} trades there by {}; its instrument is set so", symbol, _words(sizes))


def _words(sizes: Mapping[str, str]) -> str:
    """In words."""
    least = sizes.get("least_value")
    orders = f", and orders from {least} on" if least else ""
    return f"ticks of {sizes['tick']} and lots of {sizes['lot']}{orders}"


def _text(number: Decimal) -> str:
    return f"{number.normalize():f}"
