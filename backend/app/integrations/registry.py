"""The venues there are adapters for, by name; the one place that knows them."""

import os
from urllib.parse import urlsplit

import numpy as np

from app.core.errors import UsageError, did_you_mean
from app.core.venue import Venue
from app.integrations.practice.adapter import open_practice
from app.integrations.practice.stream import Chance

VENUES = {"practice": open_practice}
_USUAL_URLS = {"practice": "http://127.0.0.1:8790"}


def open_venue(name: str, url: str | None = None, chance: Chance | None = None) -> Venue:
    """The adapter of a venue, at its usual address or another; nothing is asked of it yet.

    `chance` spreads out the tries to come back after a lost connection.
    """
    if name not in VENUES:
        known = ", ".join(VENUES)
        raise UsageError(
            f"There is no venue '{name}'; there is {known}.{did_you_mean(name, VENUES)}"
        )
    url = _USUAL_URLS[name] if url is None else url
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        shown = url.rpartition("@")[2]  # without the user and password that it may name
        raise UsageError(f"'{shown}' is no address of a venue; write it as http://127.0.0.1:8790.")
    return VENUES[name](url, np.random.default_rng(os.getpid()) if chance is None else chance)
