"""How this program's commands are typed here: with a clone's launcher, or by the program's name."""

import re
import shlex
import sys
from functools import cache
from pathlib import Path
from typing import Final

LAUNCHER: Final = "./start_cli.sh"
_EXTRA: Final = re.compile(rf"{re.escape(LAUNCHER)} --setup (\w+)")
_HOME: Final = Path(__file__).resolve().parents[3]


@cache
def is_clone() -> bool:
    """Whether it lies beside its launcher; where it was installed as a package there is none."""
    return (_HOME / LAUNCHER).exists()


def as_called(text: str) -> str:
    """The text, its commands as they can be typed here."""
    if is_clone():
        return text
    return _EXTRA.sub(_install, text).replace(LAUNCHER, "mismartera")


def _install(setup: re.Match[str]) -> str:
    """What brings an extra's packages: this program's own name may be another's at the registry."""
    from importlib.metadata import requires

    parts = (one.partition(";") for one in requires("mismartera") or ())
    wanted = [name.strip() for name, _, when in parts if f'extra == "{setup[1]}"' in when]
    return shlex.join([sys.executable, "-m", "pip", "install", *wanted])
