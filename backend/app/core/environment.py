"""Where the data lie, read without pydantic: it alone would cost light commands their speed.

`app.core.settings` reads the same names by the same rules; a test holds the two equal.
"""

import os
from pathlib import Path

PREFIX = "MISMARTERA_"
ENV_FILE = ".env"
DEFAULT_DATA_FOLDER = Path("data")


def data_folder() -> Path:
    """The environment's MISMARTERA_DATA_FOLDER, else that of `.env`, else `data`."""
    name = PREFIX + "DATA_FOLDER"
    text = _value(dict(os.environ), name) or _value(env_file_values(), name)
    return Path(text).expanduser() if text else DEFAULT_DATA_FOLDER


def env_file_values() -> dict[str, str | None]:
    """What `.env` in the working folder says; empty without one."""
    if not os.path.exists(ENV_FILE):
        return {}
    from dotenv import dotenv_values

    return dotenv_values(ENV_FILE)


def _value(values: dict[str, str | None] | dict[str, str], name: str) -> str | None:
    return next((value for key, value in values.items() if key.upper() == name), None)
