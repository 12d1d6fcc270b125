"""Where Binance's market data is told, and at which pace; from here no order can go there.

The library is not needed to know them. The public address serves market data alone: Binance has no
account and no orders there, and it is asked without keys.
"""

import re
from typing import Final

from app.core.errors import UsageError
from app.core.source import SourceFacts
from app.integrations.binance.endpoints import TESTNET_URL, Endpoints, endpoints_of

PUBLIC_URL: Final = "https://data-api.binance.vision"
INTERVALS: Final = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d")
PAGE_BARS: Final = 1_000
PAGE_WEIGHT: Final = 2
USUAL_WEIGHT: Final = 6_000  # in a minute; what Binance tells goes before it
_HERE: Final = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\]):[0-9]{1,5}")

TESTNET_FACTS: Final = SourceFacts(
    has="Binance's spot testnet, or a peer on this machine by --url",
    usual_url=TESTNET_URL,
    intervals=INTERVALS,
    page_bars=PAGE_BARS,
    back="about a month: the testnet begins anew each month",
    weight_per_minute=USUAL_WEIGHT,
    page_weight=PAGE_WEIGHT,
)
PUBLIC_FACTS: Final = SourceFacts(
    has="Binance's real spot market; an address for market data alone, without orders",
    usual_url=PUBLIC_URL,
    intervals=INTERVALS,
    page_bars=PAGE_BARS,
    back="to the listing of the symbol",
    weight_per_minute=USUAL_WEIGHT,
    page_weight=PAGE_WEIGHT,
)


def public_endpoints() -> Endpoints:
    """The addresses of the public market data; nobody can trade there."""
    return Endpoints(f"{PUBLIC_URL}/api", "", "wss://data-stream.binance.vision/stream", "")


def testnet_endpoints(url: str | None) -> Endpoints:
    """The addresses of the testnet, or of a peer on this machine; others are refused."""
    url = TESTNET_URL if url is None else url.rstrip("/")
    if url == TESTNET_URL or _HERE.fullmatch(url):
        return endpoints_of(url)
    shown = url.rpartition("@")[2]  # without the user and password that it may name
    raise UsageError(
        f"'{shown}' is no address of the source 'binance'; it has {TESTNET_URL} and a peer on this"
        " machine, http://127.0.0.1:PORT. Bars of the real market: --source binance-public."
    )
