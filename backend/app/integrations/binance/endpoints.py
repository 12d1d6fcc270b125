"""Where Binance is asked: its spot testnet or a peer on this machine; its real exchange on a word.

And by which keys. The library is not needed to know these.
"""

from typing import Final, NamedTuple
from urllib.parse import urlsplit

from app.core.errors import ConfigError

TESTNET_URL: Final = "https://testnet.binance.vision"
KEY_NAME: Final = "MISMARTERA_BINANCE_KEY"  # in the environment,
SECRET_NAME: Final = "MISMARTERA_BINANCE_SECRET"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class Keys(NamedTuple):
    """What signs the requests."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return "Keys(**)"


class Endpoints(NamedTuple):
    """The addresses of one Binance."""

    rest: str
    wallet: str  # where a key's rights are told; "" where nobody tells them
    market_stream: str
    requests_stream: str  # the websocket API, which carries the user's events
    tells_rate: bool = False  # a peer on this machine, whose time may run at another pace

    @property
    def host(self) -> str:
        """Who is asked, as a message names it."""
        return urlsplit(self.rest).netloc.rpartition("@")[2]


REAL: Final = Endpoints(
    "https://api.binance.com/api",
    "https://api.binance.com/sapi",
    "wss://stream.binance.com:9443/stream",
    "wss://ws-api.binance.com:443/ws-api/v3",
)


def endpoints_of(url: str | None, real_money: bool = False) -> Endpoints:
    """The testnet's addresses, or those of a peer, whose streams are one port above its REST.

    With `real_money` they are the real exchange's, and there is no other address.
    """
    if real_money:
        if url is not None:
            raise ConfigError("Real money is traded at Binance's own address alone: leave url out.")
        return REAL
    url = TESTNET_URL if url is None else url.rstrip("/")
    if url == TESTNET_URL:
        return Endpoints(
            f"{TESTNET_URL}/api",
            "",
            "wss://stream.testnet.binance.vision/stream",
            "wss://ws-api.testnet.binance.vision/ws-api/v3",
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"'{url}' is no address of Binance: {error}.") from error
    if parts.scheme != "http" or host not in _LOOPBACK or not port:
        raise ConfigError(
            f"'{url.rpartition('@')[2]}' is refused: without url it is Binance's testnet"
            f" ({TESTNET_URL}), else a peer on this machine (http://127.0.0.1:PORT). Real money is"
            ' traded by the word live.real_money, "I trade real money", and without url.'
        )
    streams = f"ws://{parts.netloc.rpartition(':')[0]}:{port + 1}"
    return Endpoints(
        f"{url}/api",
        f"{url}/sapi",
        f"{streams}/stream",
        f"{streams}/ws-api/v3",
        tells_rate=True,
    )
