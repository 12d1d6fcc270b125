"""What a request and its answer are, whoever's words they are in."""

from collections.abc import Mapping
from typing import NamedTuple


class Request(NamedTuple):
    """One request; `query` holds single values, `raw_query` is the same as it was sent.

    The names of the headers are in lower case.
    """

    method: str
    path: str
    query: Mapping[str, str] = {}
    body: bytes = b""
    raw_query: str = ""
    headers: Mapping[str, str] = {}


class Answer(NamedTuple):
    """What comes back; with `silent_seconds` nothing does, and the connection ends after them."""

    status: int
    body: bytes
    silent_seconds: float = 0.0
    late_seconds: float = 0.0  # it comes, after them
    is_reset: bool = False  # the connection is reset instead
    headers: Mapping[str, str] = {}
