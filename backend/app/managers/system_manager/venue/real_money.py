"""Real money: a run that trades it begins only where its name was confirmed, with a fit key."""

from loguru import logger

from app.core.config import SessionConfig
from app.core.errors import ConfigError, StateError, UsageError
from app.core.venue import Keyed, Venue, VenueRefused


def need_confirmation(config: SessionConfig, confirmed: str | None) -> None:
    """Refuse a run of real money that nobody has confirmed by its name."""
    if not config.lived.trades_real_money:
        if confirmed is not None:
            raise UsageError(
                f"Real money was confirmed, and config '{config.name}' trades none: leave"
                " --confirm-real-money out."
            )
        return
    if confirmed is None:
        raise StateError(
            f"Config '{config.name}' trades REAL MONEY at {config.lived.venue}, and nobody has"
            " confirmed that. Start it at a terminal, or give --confirm-real-money NAME, with the"
            " config's name."
        )
    if confirmed != config.name:
        raise UsageError(
            f"'{confirmed}' was confirmed, and the config that trades REAL MONEY is named"
            f" '{config.name}'."
        )


def check_key(config: SessionConfig, venue: Venue) -> None:
    """Before anything is ordered: refuse a key that may do too much or too little."""
    if not config.lived.goes_to_venue or not isinstance(venue, Keyed):
        return
    try:
        warnings = venue.check_key()
    except VenueRefused as error:
        raise ConfigError(f"The venue '{config.lived.venue}' is not traded. {error}") from error
    for warning in warnings:
        logger.warning("{}", warning)
    if config.lived.trades_real_money:
        logger.warning("Run of '{}' trades REAL MONEY at {}", config.name, config.lived.venue)
