"""The key and the secret that the peer takes: the environment's, else some made for its books."""

import os
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from app.core.errors import DataError
from app.integrations.binance.peer.signatures import Account

_FILE: Final = "keys.json"
_BYTES: Final = 32


def made_keys(folder: Path, chance: np.random.Generator) -> Account:
    """The keys that lie with the books, or new ones: good at this peer and nowhere else."""
    path = folder / _FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists():
            return Account(*msgspec.json.decode(path.read_bytes(), type=tuple[str, str]))
        made = Account(chance.bytes(_BYTES).hex(), chance.bytes(_BYTES).hex())
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(tuple(made)))
    except msgspec.MsgspecError as error:
        raise DataError(f"{path} holds no keys; delete it, and new ones are made.") from error
    except OSError as error:
        raise DataError(f"The keys in {path} cannot be kept: {error.strerror}.") from error
    return made
