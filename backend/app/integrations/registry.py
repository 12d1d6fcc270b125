"""The venues there are adapters for, by name; the one place that knows them."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import numpy as np

from app.core.errors import ConfigError, UsageError, did_you_mean
from app.core.settings import get_settings
from app.core.venue import Venue
from app.integrations.lasting_stream import Chance
from app.integrations.origins import BINANCE
from app.integrations.practice.adapter import open_practice

if TYPE_CHECKING:
    from app.core.seams import Wall

PRACTICE = "practice"
VENUES: Final = (PRACTICE, BINANCE)
_USUAL_PRACTICE_URL: Final = "http://127.0.0.1:8790"


def open_venue(
    name: str,
    url: str | None = None,
    chance: Chance | None = None,
    *,
    symbols: Sequence[str] = (),
    wall: "Wall | None" = None,
    real_money: bool = False,
) -> Venue:
    """The adapter of a venue, at its usual address or another; nothing is asked of it yet.

    `chance` spreads out the tries to come back after a lost connection. `symbols` are those it is
    opened for, `wall` is the machine's clock: some venues are asked symbol by symbol, and signed
    requests carry their time. With `real_money` it is where orders cost money.
    """
    if name not in VENUES:
        known = ", ".join(VENUES)
        raise UsageError(
            f"There is no venue '{name}'; there is {known}.{did_you_mean(name, VENUES)}"
        )
    chance = np.random.default_rng(os.getpid()) if chance is None else chance
    if name == BINANCE:
        return _binance(url, chance, symbols, wall, real_money)
    if real_money:
        raise ConfigError(f"The venue '{name}' knows no real money: leave live.real_money out.")
    url = _USUAL_PRACTICE_URL if url is None else url
    if not _is_address(url):
        shown = url.rpartition("@")[2]  # without the user and password that it may name
        raise UsageError(f"'{shown}' is no address of a venue; write it as http://127.0.0.1:8790.")
    return open_practice(url, chance)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # which raises where it is no number
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _binance(
    url: str | None, chance: Chance, symbols: Sequence[str], wall: "Wall | None", real_money: bool
) -> Venue:
    """Its library is imported here, and nowhere before."""
    try:
        from app.integrations.binance.adapter import open_binance
    except ImportError as error:
        raise ConfigError(
            "The venue 'binance' needs a library that is not installed:"
            f" './start_cli.sh --setup binance' installs it ({error})."
        ) from error
    from app.integrations.binance.endpoints import Keys

    if wall is None:
        raise UsageError("Binance is opened with a clock, for its requests carry their time.")
    found = get_settings()
    secrets = (found.binance_key, found.binance_secret)
    keys = Keys(*("" if one is None else one.get_secret_value() for one in secrets))
    return open_binance(url, keys, symbols, wall, chance, real_money)
