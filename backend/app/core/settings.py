"""Settings from the environment and `.env`: where things lie and how loudly we log."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from dotenv import dotenv_values
from pydantic import AfterValidator, AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core.errors import ConfigError, did_you_mean
from app.core.logging import known_level

PREFIX = "MISMARTERA_"
ENV_FILE = ".env"
NO_FILE = f"{ENV_FILE} is no plain file"
DEFAULT_DATA_FOLDER = Path("data")


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:  # a user that this machine does not know
        raise ValueError("its ~ names no user of this machine; write the folder out.") from error


Folder = Annotated[Path, AfterValidator(_expanded)]
File = Folder


class Settings(BaseSettings):
    """Every setting has a working default; the environment's names begin with MISMARTERA_."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        env_ignore_empty=True,
        extra="ignore",  # `.env` may serve other programs too; our own names are checked below
        frozen=True,
    )

    data_folder: Folder = DEFAULT_DATA_FOLDER
    strategies_folder: Folder = Path("strategies")
    database_url: SecretStr | None = None  # None: SQLite in the data folder; it may hold a password
    binance_key: SecretStr | None = None  # of an account that may trade and not withdraw
    binance_secret: SecretStr | None = None
    account_limits: File | None = None  # a file of hard limits; None: there are none
    log_level: Annotated[str, AfterValidator(known_level)] | None = Field(
        default=None, validation_alias=AliasChoices("MISMARTERA_LOG_LEVEL", "LOG_LEVEL")
    )  # None: what `admin log-level` stored, else INFO

    def __init__(self, **given: Any) -> None:
        """Those that are given in code go before the environment's; a name that is none is refused:
        it would leave data in the usual folder.
        """
        for name in given.keys() - type(self).model_fields.keys():
            hint = did_you_mean(name, type(self).model_fields)
            raise ConfigError(f"There is no setting '{name}'.{hint}")
        super().__init__(**given)

    @property
    def runs_folder(self) -> Path:
        """Where each run has a folder of its own."""
        return self.data_folder / "runs"

    def secrets(self) -> list[str]:
        """Every secret in clear, for the log's redaction."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return read_settings()


def read_settings() -> Settings:
    """Read environment and `.env`; every fault of both is reported at once."""
    faults: list[str] = []
    found = Path(ENV_FILE)
    if found.exists() and not (found.is_file() or found.is_dir()):
        raise ConfigError(
            f"{NO_FILE}, such as a pipe, which commands would wait for; put one in its place, or"
            " take it away and set the environment."
        )
    try:
        faults = _unknown_names()
        settings = Settings()
    except ValidationError as error:
        faults += [_fault(dict(detail)) for detail in error.errors()]
    except UnicodeDecodeError as error:
        faults.append(f"{ENV_FILE} is not UTF-8 text (byte {error.start}); save it as UTF-8.")
    if faults:
        raise ConfigError("The settings cannot be used:\n  " + "\n  ".join(faults))
    return settings


def _unknown_names() -> list[str]:
    """Names that carry our prefix and mean nothing: most likely misspelt, so refused."""
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    given = {name.upper() for name in (*os.environ, *dotenv_values(ENV_FILE))}
    unknown = sorted(name for name in given if name.startswith(PREFIX) and name not in known)
    return [f"{name} is not a setting.{did_you_mean(name, known)}" for name in unknown]


def _fault(detail: dict[str, Any]) -> str:
    """One fault as `NAME: what is wrong`; the value is left out, for it may be a secret."""
    name = str(detail["loc"][0])
    if not name.isupper():
        name = PREFIX + name.upper()
    return f"{name}: {detail['msg'].removeprefix('Value error, ')}"
