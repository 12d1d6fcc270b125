"""Accounts by name: there is a usual one, which neither configs nor commands have to name."""

from collections.abc import Mapping
from typing import Any, Final

USUAL_ACCOUNT: Final = "default"


def account_of(config: Mapping[str, Any]) -> str:
    """The account of a live run, by its config as it is on record: null is what it left out."""
    return str((config.get("live") or {}).get("account", USUAL_ACCOUNT))


def option_of(account: str) -> str:
    """The account as a command is told it, with a space before."""
    return "" if account == USUAL_ACCOUNT else f" --account {account}"
