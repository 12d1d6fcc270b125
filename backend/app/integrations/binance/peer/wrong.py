"""An answer that is an error of Binance."""

import json
from collections.abc import Mapping
from typing import Any

from app.integrations.practice.venue.exchange import Answer


class Wrong(Exception):
    """Raised where a request is turned down; `code` is one of Binance's documentation."""

    def __init__(self, status: int, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.data = status, code, message, data

    def told(self) -> dict[str, Any]:
        """As Binance writes it."""
        told = {"code": self.code, "msg": self.message}
        return told if self.data is None else {**told, "data": self.data}


def answer_of(wrong: Wrong, headers: Mapping[str, str]) -> Answer:
    return Answer(wrong.status, json.dumps(wrong.told()).encode(), headers=headers)


def missing(name: str) -> Wrong:
    message = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    return Wrong(400, -1102, message)
