"""Files and folders as words that may be typed: they begin as what is typed does."""

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from app.cli.shell.completion import Offer

_MOST_ENTRIES = 5_000  # of a folder that are looked at


def path_offers(
    part: str, first: Sequence[str] = (), also: str = "", folders_only: bool = False
) -> list[Offer]:
    """What the folder typed so far holds, files with the endings that come `first` before the
    others, and before all those of the folder `also`, in which such files usually lie.
    """
    head, slash, _ = part.rpartition("/")
    usual = [] if slash or not also else list(_entries(f"{also}/", first, False))
    here = list(_entries(head + slash, (), folders_only, hidden=_is_hidden(part)))
    here.sort(key=lambda offer: _rank(offer, first))
    return [*[offer for offer in usual if not offer.goes_on], *here]


def _rank(offer: Offer, first: Sequence[str]) -> tuple[int, str]:
    """Files that are wanted, then folders, in which they may lie, then others."""
    wanted = not offer.goes_on and offer.text.endswith(tuple(first))
    return (0 if wanted else 1 if offer.goes_on else 2), offer.shown.lower()


def _is_hidden(part: str) -> bool:
    return part.rpartition("/")[2].startswith(".")


def _entries(
    head: str, endings: Sequence[str], folders_only: bool, hidden: bool = False
) -> Iterator[Offer]:
    """Of the folder whose path is typed so: each with that path in front."""
    folder = os.path.expanduser(head) or "."
    try:
        with os.scandir(folder) as found:
            entries = sorted(islice(found, _MOST_ENTRIES), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(".") != hidden or not entry.name.isprintable():
            continue
        is_folder = _is_folder(entry)
        if (folders_only and not is_folder) or not entry.name.endswith(tuple(endings) or ""):
            continue
        path = f"{head}{entry.name}"
        end = "/" if is_folder else ""
        whole = os.path.join(folder, entry.name) + end if head.startswith("~") else ""
        yield Offer(path + end, _about(path, is_folder), is_folder, entry.name + end, whole)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _about(path: str, is_folder: bool) -> str:
    return "" if is_folder else str(Path(path).parent) if "/" in path else ""
