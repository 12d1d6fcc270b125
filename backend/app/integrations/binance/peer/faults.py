"""What goes wrong at a route of the peer: told instead of an answer, before or after the work."""

import json
from typing import NamedTuple


class Mishap(NamedTuple):
    """What goes wrong at a route, once; `after` the request was carried out."""

    route: str
    status: int = 503
    code: int = -1007
    body: bytes | None = None  # instead of an error's
    after: bool = False
    silent: bool = False  # the connection ends without a word
    retry_after: int = 0  # seconds

    def told(self) -> bytes:
        if self.body is not None:
            return self.body
        return json.dumps({"code": self.code, "msg": "It is armed."}).encode()
