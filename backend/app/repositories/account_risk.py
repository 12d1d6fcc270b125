"""What is remembered of an account's risk over its runs: one small file each, replaced whole."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final
from unicodedata import normalize
from urllib.parse import unquote

import msgspec

from app.core.errors import DataError
from app.core.trading_state import RiskEvent, RiskPast
from app.repositories.bar_store_files import disk_errors, locked, write_all

MOST_NOTES: Final = 5_000  # the newest are kept
_FORMAT: Final = 1
_FOLDER: Final = "risk"


class RiskNote(msgspec.Struct, frozen=True):
    """An event, and whose it is: the input of a run that it came of; or nobody's run."""

    event: RiskEvent
    run_id: str = ""
    sequence: int = 0
    number: int = 0  # among those of one input


class Waiting(msgspec.Struct, frozen=True):
    """What a person asked for while no run went on: an input of the one that goes on next."""

    name: str
    value: str
    at_ns: int = 0  # when; 0 where an earlier version left it
    is_noted: bool = True  # whether its event is in the history


class AccountRisk(msgspec.Struct, frozen=True):
    """The content of a file."""

    account: str
    format: int = _FORMAT
    past: RiskPast = RiskPast()
    history: tuple[RiskNote, ...] = ()
    waiting: tuple[Waiting, ...] = ()

    def noting(self, *notes: RiskNote) -> "AccountRisk":
        """The same with these behind; what is there already is not noted again."""
        known = {one for one in self.history if one.run_id}
        new = [one for one in notes if one not in known]
        history = (*self.history, *new)[-MOST_NOTES:]
        return msgspec.structs.replace(self, history=history)


class AccountRisks:
    """The account files of a data folder; any process may read and write them."""

    def __init__(self, data_folder: Path) -> None:
        self._folder = data_folder / _FOLDER

    def accounts(self) -> list[str]:
        """Of which something is remembered."""
        return sorted(unquote(path.stem) for path in self._folder.glob("*.json"))

    def load(self, account: str) -> AccountRisk:
        """What is remembered; nothing of an account that never traded."""
        path = self._path(account)
        try:
            found = msgspec.json.decode(path.read_bytes(), type=AccountRisk)
        except FileNotFoundError:
            return AccountRisk(account)
        except (msgspec.MsgspecError, ValueError) as error:
            raise DataError(
                f"What is remembered of the account '{account}' cannot be read: {path}: {error}. "
                "Put back a copy of it; without it the account's losses of today and its halts "
                "would be forgotten."
            ) from None
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}.") from error
        if found.format != _FORMAT:
            raise DataError(
                f"{path} has the form {found.format}; this version reads {_FORMAT}. The version "
                "that wrote it reads it."
            )
        if normalize("NFC", found.account) != normalize("NFC", account):
            raise DataError(
                f"{path} is of the account '{found.account}', not of '{account}': this disk does "
                "not tell their names apart. Write it as it was written first, or rename one."
            )
        return found

    def change(self, account: str, by: Callable[[AccountRisk], AccountRisk]) -> AccountRisk:
        """Remember something else, safe on disk; one who changes it at a time."""
        failed = f"The risk of the account '{account}' cannot be remembered"
        with disk_errors(failed), locked(self._folder):
            found = by(self.load(account))
            content = msgspec.json.format(msgspec.json.encode(found))

            def write(file: BinaryIO) -> None:
                file.write(content)

            write_all([(self._path(account), write)])
        return found

    def _path(self, account: str) -> Path:
        name = account.replace("%", "%25").replace("/", "%2F").replace("\0", "%00")
        return self._folder / f"{name}.json"
