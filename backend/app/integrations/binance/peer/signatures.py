"""Whether a request is signed as Binance wants it: the key, the signature, the moment."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from app.core.venue import VenueTime
from app.integrations.binance.peer.words import MS
from app.integrations.binance.peer.wrong import Wrong, missing

_USUAL_WINDOW_MS: Final = 5_000
_LONGEST_WINDOW_MS: Final = 60_000
_AHEAD_MS: Final = 1_000  # a request may be from the future by this much


class Account(NamedTuple):
    """Whose signature is good here."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return "Account(**)"


def check_rest(account: Account, raw: str, key: str, at: VenueTime) -> None:
    """A request over HTTP: `raw` is its query and its body, as they were sent."""
    _check_key(account, key)
    payload, _, signature = raw.rpartition("&signature=")
    _check_signed(account, payload, signature, dict(parse_qsl(payload)), at)


def check_websocket(account: Account, words: Mapping[str, Any], at: VenueTime) -> None:
    """A request of the websocket API: its parameters are signed in the order of their names."""
    _check_key(account, str(words.get("apiKey", "")))
    rest = {name: value for name, value in words.items() if name != "signature"}
    payload = "&".join(f"{name}={rest[name]}" for name in sorted(rest))
    _check_signed(account, payload, str(words.get("signature", "")), rest, at)


def _check_key(account: Account, key: str) -> None:
    if not key:
        raise Wrong(401, -2014, "API-key format invalid.")
    if not hmac.compare_digest(key.encode(), account.key.encode()):
        raise Wrong(401, -2015, "Invalid API-key, IP, or permissions for action.")


def _check_signed(
    account: Account, payload: str, signature: str, asked: Mapping[str, Any], at: VenueTime
) -> None:
    good = hmac.new(account.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature.encode(), good.encode()):
        raise Wrong(400, -1022, "Signature for this request is not valid.")
    window_ms, at_ms = (
        _whole(asked, "recvWindow", str(_USUAL_WINDOW_MS)),
        _whole(asked, "timestamp", ""),
    )
    if not 0 < window_ms <= _LONGEST_WINDOW_MS:
        raise Wrong(400, -1131, f"recvWindow must be less than {_LONGEST_WINDOW_MS}.")
    now_ms = at.venue_ns // MS
    pace = max(at.rate, 1.0)  # the same way takes longer in a time that runs fast
    if at_ms >= now_ms + _AHEAD_MS * pace:
        raise Wrong(400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if at_ms < now_ms - window_ms * pace:
        raise Wrong(400, -1021, "Timestamp for this request is outside of the recvWindow.")


def _whole(asked: Mapping[str, Any], name: str, usual: str) -> int:
    text = str(asked.get(name, usual))
    if not text:
        raise missing(name)
    if not text.isdecimal() or len(text) > 18:
        raise Wrong(400, -1100, f"Illegal characters found in parameter '{name}'.")
    return int(text)
