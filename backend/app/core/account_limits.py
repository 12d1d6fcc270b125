"""The account file: hard limits of whoever owns the account, which no session config can loosen."""

import json
from pathlib import Path
from typing import Any

from app.core.config_file import read_config
from app.core.config_risk import ScopedLimits
from app.core.errors import ConfigError, NotFoundError


class AccountLimits(ScopedLimits):
    """Limits of an account, whoever trades it; what it names need not be in a run."""

    def as_json(self) -> dict[str, Any]:
        """Plain values, from which it can be made again."""
        plain: dict[str, Any] = self.model_dump(mode="json")
        return plain


def load_account_limits(path: Path | None) -> AccountLimits | None:
    """The limits of the file, where one is named; nothing may start where they cannot be read."""
    if path is None:
        return None
    try:
        return read_config(path, AccountLimits)
    except NotFoundError:
        raise ConfigError(
            f"There is no account file {json.dumps(str(path))}, and without its limits nothing "
            "starts. MISMARTERA_ACCOUNT_LIMITS names it: put it there, or take the setting out."
        ) from None
    except ConfigError as error:  # it stands beside a config's faults: say which file is meant
        raise ConfigError(
            f"The account file that MISMARTERA_ACCOUNT_LIMITS names: {error}"
        ) from None
