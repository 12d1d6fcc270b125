"""Writing files that commands make: each whole or not at all, and none over another."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from app.core.errors import AppError, UsageError


def refuse_existing(paths: Iterable[Path]) -> None:
    """Before anything is written."""
    there = [str(path) for path in paths if path.is_symlink() or path.exists()]
    if there:
        verb = "is" if len(there) == 1 else "are"
        raise UsageError(f"{', '.join(there)} {verb} there already; nothing was written.")


def write_new(texts: Mapping[Path, str]) -> None:
    """All of these files, or none; folders are made."""
    refuse_existing(texts)
    written: list[Path] = []
    try:
        for path, text in texts.items():
            _make_folder(path.parent)
            write_text(path, text, over=False)
            written.append(path)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str, *, over: bool) -> None:
    """In one step, so that no reader sees half of it; `over` what is there, or not."""
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        if over:
            draft.replace(path)
        else:
            os.link(draft, path)  # unlike a renaming it refuses what came in between
    except FileExistsError:
        raise UsageError(f"{path} is there already; nothing was written.") from None
    except OSError as error:
        raise AppError(f"'{path}' cannot be written: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise AppError(f"'{folder}' is a file, but files are to be put into it.") from None
    except OSError as error:
        raise AppError(f"'{folder}' cannot be made: {error.strerror}.") from None
