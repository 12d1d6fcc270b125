"""How bars are labelled: by whom they were told, and whether that is a market."""

import pytest

from app.integrations.origins import NO_MARKETS, origin_of


@pytest.mark.parametrize(
    ("name", "url", "real_money", "origin"),
    [
        ("practice", None, False, "practice"),
        ("practice", "http://127.0.0.1:8790", False, "practice"),
        ("binance", None, False, "binance-testnet"),
        ("binance", "https://testnet.binance.vision/", False, "binance-testnet"),
        ("binance", "http://127.0.0.1:9000", False, "binance-peer"),
        ("binance", None, True, "binance"),
        ("binance-public", None, False, "binance-public"),
        ("binance-public", "https://data-api.binance.vision", False, "binance-public"),
    ],
)
def test_the_label_tells_the_testnet_a_peer_and_the_real_exchange_apart(
    name: str, url: str | None, real_money: bool, origin: str
) -> None:
    assert origin_of(name, url, real_money=real_money) == origin
    assert (origin in NO_MARKETS) == (origin in ("binance-testnet", "binance-peer"))
