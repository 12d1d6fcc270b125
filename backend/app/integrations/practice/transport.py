"""How the adapter asks the practice venue: HTTP, every error translated at this one place.

A plain no, with its reason in the body, is `VenueRefused`; all else that is not an answer is
`VenueUnclear`, for nobody can say whether the venue has done what it was asked.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urlsplit, urlunsplit

import httpx2
import msgspec

from app.core.venue import VenueRefused, VenueUnclear
from app.integrations.practice import wire

CONNECT_SECONDS, ANSWER_SECONDS = 2.0, 5.0
MOST_BYTES: Final = 64 << 20  # of an answer
_UNCLEAR: Final = frozenset((408, 429))  # too late, too many: of the 4xx, these say nothing


class Reply(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class Transport(Protocol):
    """Carries a request there and a reply back, or raises a `VenueError`."""

    def request(
        self, method: str, path: str, query: Mapping[str, str | int], body: bytes
    ) -> Reply: ...
    def close(self) -> None: ...


class HttpTransport:
    """HTTP over a connection that is kept; callable from any thread."""

    def __init__(self, url: str, answer_seconds: float = ANSWER_SECONDS) -> None:
        timeout = httpx2.Timeout(answer_seconds, connect=CONNECT_SECONDS)
        self._place = _without_user(url)
        is_secure = urlsplit(url).scheme == "https"  # else reading all roots is 20 ms for nothing
        self._client = httpx2.Client(
            base_url=url, timeout=timeout, trust_env=False, verify=is_secure
        )

    def request(self, method: str, path: str, query: Mapping[str, str | int], body: bytes) -> Reply:
        try:
            with self._client.stream(
                method, path, params=dict(query), content=body or None
            ) as reply:
                return Reply(reply.status_code, _bounded(reply))
        except _FOREIGN as error:
            what = f"{type(error).__name__}: {error}".rstrip(": ")
            raise VenueUnclear(
                f"No answer from {self._place} to {method} {path} ({what})."
            ) from error

    def close(self) -> None:
        self._client.close()


def _bounded(reply: httpx2.Response) -> bytes:
    """Its body: a small one may unpack to more than the machine has."""
    body = bytearray()
    for part in reply.iter_bytes():
        body += part
        if len(body) > MOST_BYTES:
            raise httpx2.DecodingError(f"its body is larger than {MOST_BYTES} bytes")
    return bytes(body)


def _without_user(url: str) -> str:
    """An address as it may be shown: whoever it names, and their password, are left out."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


# What httpx2 raises. RuntimeError: a closed client; the rest of it are its stream errors.
_FOREIGN: Final = (httpx2.HTTPError, httpx2.InvalidURL, httpx2.CookieConflict, RuntimeError)


class UnknownOrder(VenueRefused):
    """The venue says that it knows no such order."""


def read(reply: Reply, kind: type[Any]) -> Any:
    """The body of a reply as what it should be, or the error that it means."""
    if reply.status == 200:
        try:
            return wire.decode(reply.body, kind)
        except msgspec.MsgspecError as error:
            raise VenueUnclear(f"The venue's answer is no {kind.__name__}: {error}.") from error
    try:
        problem = wire.decode(reply.body, wire.ErrorBody).error
    except msgspec.MsgspecError as error:
        raise VenueUnclear(f"The venue answered {reply.status} without a reason.") from error
    said = f"The venue answered {reply.status}: {problem.message}"
    if not 400 <= reply.status < 500 or reply.status in _UNCLEAR:
        raise VenueUnclear(said)
    if problem.code == wire.UNKNOWN_ORDER:
        raise UnknownOrder(said)
    raise VenueRefused(said)
