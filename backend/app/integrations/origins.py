"""What bars are labelled with in the store: the market that told them, a testnet's told apart."""

from typing import Final

from app.integrations.binance.endpoints import TESTNET_URL

BINANCE: Final = "binance"
TESTNET, PEER = f"{BINANCE}-testnet", f"{BINANCE}-peer"
NO_MARKETS: Final = frozenset({TESTNET, PEER})  # their prices are nobody's


def origin_of(name: str, url: str | None, *, real_money: bool = False) -> str:
    """The label of a venue's or a source's bars, by its name and the address that it is asked at.

    Binance by its plain name is the real exchange, which is asked only for real money.
    """
    if name != BINANCE or real_money:
        return name
    return TESTNET if url is None or url.rstrip("/") == TESTNET_URL else PEER
