"""Real money: a word in the config, its own address, a fit key, and a name that is confirmed."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from app.cli.main import main
from app.core.config import SessionConfig, load_session_config
from app.core.config_json import InvalidConfigError
from app.core.errors import AppError, ConfigError, StateError, UsageError
from app.core.venue import VenueRefused
from app.integrations.binance.adapter import BinanceAdapter
from app.integrations.binance.endpoints import REAL, endpoints_of
from app.integrations.binance.key_rights import judged_rights
from app.integrations.registry import open_venue
from app.managers.system_manager.venue.real_money import need_confirmation
from app.managers.time_manager import WallClock

WORD = "I trade real money"
GOOD: dict[str, Any] = {
    "ipRestrict": True,
    "enableWithdrawals": False,
    "enableSpotAndMarginTrading": True,
    "enableReading": True,
}


def config_file(folder: Path, **live: Any) -> Path:
    path = folder / "real.json"
    content = {
        "name": "btc",
        "mode": "live",
        "market": "24/7",
        "symbols": ["BTC/USDT"],
        "account": {"currency": "USDT"},
        "live": {"venue": "binance", "broker": "venue", **live},
        "strategies": [{"use": "app.strategies.examples.sma_cross:SmaCross"}],
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def config_of(folder: Path, **live: Any) -> SessionConfig:
    return load_session_config(config_file(folder, **live))


@pytest.mark.parametrize(
    ("live", "told"),
    [
        ({"real_money": WORD, "broker": "paper"}, "live.real_money: on paper no order leaves"),
        ({"real_money": WORD, "url": "http://127.0.0.1:1"}, "live.url: real money is traded at"),
        ({"real_money": "yes"}, 'live.real_money: found "yes", allowed is "I trade real money"'),
        ({"real_money": True}, "live.real_money: found true"),
        ({"url": "http://me:canary@127.0.0.1:1"}, "live.url: an address here carries no user"),
    ],
)
def test_a_config_asks_for_real_money_in_one_way_alone(
    live: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidConfigError) as error:
        config_of(tmp_path, **live)
    assert told in str(error.value).replace("'", '"')
    assert "canary" not in str(error.value)


def test_a_config_that_says_nothing_trades_none(tmp_path: Path) -> None:
    assert not config_of(tmp_path).lived.trades_real_money
    assert config_of(tmp_path, real_money=WORD).lived.trades_real_money


def test_the_check_of_a_config_says_that_it_trades_real_money(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for live, is_told in (({"real_money": WORD}, True), ({}, False)):
        assert main(["config", "check", str(config_file(tmp_path, **live))]) == 0
        assert ("REAL MONEY" in capsys.readouterr().out) is is_told


def test_the_real_exchange_is_asked_on_the_word_alone_and_nowhere_else() -> None:
    found = endpoints_of(None, real_money=True)
    hosts = {urlsplit(one).hostname for one in found if isinstance(one, str)}
    assert hosts == {"api.binance.com", "stream.binance.com", "ws-api.binance.com"}
    assert {urlsplit(one).scheme for one in found if isinstance(one, str)} == {"https", "wss"}
    assert found.wallet, "else nobody would tell the key's rights"
    assert not found.tells_rate
    assert found == REAL != endpoints_of(None)
    for url in ("https://api.binance.com", "http://127.0.0.1:1", "https://testnet.binance.vision"):
        with pytest.raises(ConfigError, match="leave url out"):
            endpoints_of(url, real_money=True)


def test_by_its_name_the_venue_is_opened_where_the_word_says() -> None:
    """Nothing is asked of it: opening connects to nobody."""
    wall, chance = WallClock(), np.random.default_rng(1)
    for real_money in (False, True):
        venue = open_venue(
            "binance", None, chance, symbols=("BTC/USDT",), wall=wall, real_money=real_money
        )
        assert isinstance(venue, BinanceAdapter)
        assert venue._link.endpoints == endpoints_of(None, real_money)
        venue.close()
    with pytest.raises(ConfigError, match="'practice' knows no real money"):
        open_venue("practice", real_money=True)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"enableWithdrawals": True}, "may withdraw"),
        ({"enableWithdrawals": None}, "may withdraw"),
        ({"enableSpotAndMarginTrading": False}, "may not trade"),
    ],
)
def test_a_key_that_may_do_too_much_or_too_little_is_refused(
    changed: dict[str, Any], told: str
) -> None:
    with pytest.raises(VenueRefused, match=told):
        judged_rights({**GOOD, **changed})


def test_what_is_only_unwise_about_a_key_is_told() -> None:
    assert list(judged_rights(GOOD)) == []
    (anywhere,) = judged_rights({**GOOD, "ipRestrict": False})
    assert "from any address" in anywhere
    (moves,) = judged_rights({**GOOD, "permitsUniversalTransfer": True})
    assert "between your accounts" in moves
    with pytest.raises(KeyError):  # an answer that does not tell is none
        judged_rights({})


@pytest.mark.parametrize(
    ("live", "confirmed", "error"),
    [
        ({}, None, None),
        ({}, "btc", UsageError),
        ({"real_money": WORD}, None, StateError),
        ({"real_money": WORD}, "btd", UsageError),
        ({"real_money": WORD}, "", UsageError),
        ({"real_money": WORD}, "btc", None),
    ],
)
def test_a_run_of_real_money_is_confirmed_by_its_name(
    live: dict[str, Any], confirmed: str | None, error: type[AppError] | None, tmp_path: Path
) -> None:
    config = config_of(tmp_path, **live)
    if error is None:
        need_confirmation(config, confirmed)
        return
    with pytest.raises(error):
        need_confirmation(config, confirmed)


def test_the_check_of_a_config_refuses_exits_that_the_venue_has_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config_file(tmp_path)
    content = json.loads(path.read_text(encoding="utf-8"))
    for broker, code in (("venue", 4), ("paper", 0)):
        content |= {"protection": {"trailing_percent": 1}}
        content["live"]["broker"] = broker
        path.write_text(json.dumps(content), encoding="utf-8")
        assert main(["config", "check", str(path)]) == code
    assert "trailing stop here: the venue 'binance' has none" in capsys.readouterr().err


def test_the_check_of_a_config_refuses_an_account_in_another_currency(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config_file(tmp_path)
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | {"account": {"currency": "USD"}}), encoding="utf-8")
    assert main(["config", "check", str(path)]) == 4
    told = capsys.readouterr().err
    assert "needs a rate of USDT" in told and '"currency": "USDT"' in told
