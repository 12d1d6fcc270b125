"""What a folder allows, and whom: one that can only be read is good for all that only reads."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from app.core.errors import NotFoundError


def can_only_read(folder: Path) -> bool:
    """Whether it is there, and nothing can be put into it."""
    return folder.is_dir() and not os.access(folder, os.W_OK)


def make_private(folder: Path) -> None:
    """Make it for its owner alone; one that is there stays as it is."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):  # or a file, which whoever writes into it learns
        folder.mkdir(mode=0o700)


def lets_others_write(path: Path) -> bool:
    """Whether any user of this machine may change it."""
    try:
        return bool(path.stat().st_mode & stat.S_IWOTH)
    except OSError:
        return False


def need_run_folder(folder: Path) -> None:
    """Refuse a run that only the database knows here."""
    if not folder.exists():
        raise NotFoundError(
            f"Run {folder.name} has no folder in {folder.parent}: it was made with another data "
            "folder on the same database, or its folder is gone. MISMARTERA_DATA_FOLDER says "
            "where data lie."
        )
