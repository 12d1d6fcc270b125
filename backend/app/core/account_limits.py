"""The account file: hard limits of whoever owns the account, which no session config can loosen."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.core.config_json import InvalidConfigError, clean, json_path, read_json
from app.core.config_problems import explain
from app.core.config_risk import ScopedLimits
from app.core.errors import ConfigError, NotFoundError


class AccountLimits(ScopedLimits):
    """Limits of an account, whoever trades it; what it names need not be in a run."""

    def as_json(self) -> dict[str, Any]:
        """Plain values, from which it can be made again."""
        plain: dict[str, Any] = self.model_dump(mode="json")
        return plain


def load_account_limits(path: Path) -> AccountLimits:
    """The limits of a file; nothing may start where they cannot be read."""
    try:
        value, faults = clean(read_json(path))
    except NotFoundError:
        raise ConfigError(
            f"There is no account file {json.dumps(str(path))}, and without its limits nothing "
            "starts. MISMARTERA_ACCOUNT_LIMITS names it: put it there, or take the setting out."
        ) from None
    if not isinstance(value, dict):
        raise InvalidConfigError(path, [("", "it must be one JSON object: {...}.")])
    problems = [(json_path(parts), what) for parts, what in faults.items()]
    try:
        limits = AccountLimits.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        known = {where for where, _ in problems}
        problems += explain(error, AccountLimits, value, skip=known)
        raise InvalidConfigError(path, problems) from None
    if problems:
        raise InvalidConfigError(path, problems)
    return limits
