"""Files and folders as words that may be typed: they begin as what is typed does."""

import os
from collections.abc import Sequence
from itertools import islice

from app.cli.shell.completion import Offer

_MOST_ENTRIES = 5_000  # of a folder that are looked at


def path_offers(
    part: str, endings: Sequence[str] = (), usual: str = "", folders_only: bool = False
) -> list[Offer]:
    """What the folder typed so far holds: files, of some endings alone where those are given, then
    folders. Those files of the `usual` folder come first, though nobody has typed it.
    """
    head, slash, name = part.rpartition("/")
    near = _entries(f"{usual}/", endings) if usual and not slash else []
    here = _entries(head + slash, endings, hidden=name.startswith("."))
    files = [offer for offer in here if not offer.goes_on]
    folders = [offer for offer in here if offer.goes_on]
    if folders_only:
        return folders
    return [*(offer for offer in near if not offer.goes_on), *files, *folders]


def _entries(head: str, endings: Sequence[str], hidden: bool = False) -> list[Offer]:
    """The entries of the folder whose path is typed so, each with that path in front."""
    folder = os.path.expanduser(head) or "."
    try:
        with os.scandir(folder) as found:
            entries = sorted(islice(found, _MOST_ENTRIES), key=lambda entry: entry.name.lower())
    except OSError:
        return []
    offers = []
    for entry in entries:
        if entry.name.startswith(".") == hidden and entry.name.isprintable():
            is_folder = _is_folder(entry)
            if is_folder or not endings or entry.name.endswith(tuple(endings)):
                offers.append(_offer(head, folder, entry.name, is_folder))
    return offers


def _offer(head: str, folder: str, name: str, is_folder: bool) -> Offer:
    end = "/" if is_folder else ""
    whole = os.path.join(folder, name) + end if head.startswith("~") else ""
    return Offer(head + name + end, "" if is_folder else head, is_folder, name + end, whole)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
