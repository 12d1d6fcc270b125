"""The data sources there are, by name; the one place that knows them."""

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from app.core.errors import ConfigError, UsageError, did_you_mean
from app.core.source import DataSource, SourceFacts
from app.integrations.binance import places
from app.integrations.lasting_stream import Chance
from app.integrations.practice import source as practice
from app.integrations.practice.adapter import PracticeAdapter
from app.integrations.registry import PRACTICE, open_venue

if TYPE_CHECKING:
    from app.core.seams import Wall

BINANCE, BINANCE_PUBLIC = "binance", "binance-public"
SOURCES: Final[Mapping[str, SourceFacts]] = MappingProxyType(
    {
        BINANCE: places.TESTNET_FACTS,
        BINANCE_PUBLIC: places.PUBLIC_FACTS,
        PRACTICE: practice.FACTS,
    }
)


def facts_of(name: str) -> SourceFacts:
    """What is known of a source without asking it."""
    if name not in SOURCES:
        known = ", ".join(SOURCES)
        hint = did_you_mean(name, SOURCES)
        raise UsageError(f"There is no source '{name}'; there is {known}.{hint}")
    return SOURCES[name]


def open_source(
    name: str, url: str | None, wall: "Wall", chance: Chance | None = None
) -> DataSource:
    """A source, at its usual address or another; nothing is asked of it yet."""
    facts_of(name)
    chance = np.random.default_rng(os.getpid()) if chance is None else chance
    if name == PRACTICE:
        adapter = open_venue(PRACTICE, url, chance)
        assert isinstance(adapter, PracticeAdapter)
        return practice.PracticeSource(name, adapter)
    return _binance(name, url, wall, chance)


def _binance(name: str, url: str | None, wall: "Wall", chance: Chance) -> DataSource:
    if name == BINANCE_PUBLIC:
        if url is not None and url.rstrip("/") != places.PUBLIC_URL:
            raise UsageError(
                f"The source '{name}' has one address, {places.PUBLIC_URL}; a peer on this machine"
                f" is asked with --source {BINANCE} --url http://127.0.0.1:PORT."
            )
        endpoints = places.public_endpoints()
    else:
        endpoints = places.testnet_endpoints(url)
    try:
        from app.integrations.binance.source import open_source as opened
    except ImportError as error:
        raise ConfigError(
            f"The source '{name}' needs a library that is not installed:"
            f" './start_cli.sh --setup binance' installs it ({error})."
        ) from error
    return opened(name, facts_of(name), endpoints, wall, chance)
