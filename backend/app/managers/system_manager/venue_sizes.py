"""Ticks and lots as a venue tells them: a live run's instruments are set so before it begins."""

from loguru import logger

from app.core.config import SessionConfig
from app.core.venue import Venue
from app.managers.data_manager import DataManager


def record_sizes(venue: Venue, data: DataManager, config: SessionConfig) -> None:
    """Orders of other multiples would be refused, and what is left of a lot could not be sold."""
    for symbol in config.symbols:
        told, known = venue.sizes(symbol), data.instrument(config.market, symbol)
        if told is not None and (told.tick, told.lot) != (known.tick, known.lot):
            sizes = {"tick": f"{told.tick.normalize():f}", "lot": f"{told.lot.normalize():f}"}
            data.set_instrument(config.market, symbol, sizes, known.currency)
            logger.info(
                "{} trades in ticks of {} and lots of {} there; its instrument is set so",
                symbol, *sizes.values(),
            )  # fmt: skip
