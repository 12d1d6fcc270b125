"""The shell's words about the sessions it follows: `follow`, `unfollow`, `focus`, `events`."""

from collections.abc import Callable, Sequence

from app.cli.shell.followed import Followed
from app.cli.shell.shell import ShellWord
from app.cli.shell.words import SHELL_WORDS
from app.core.errors import UsageError

_LEVELS = {
    "on": "All events are shown: fills, orders that end, days, states, alarms, ends.",
    "fills": "Fills, states, alarms and ends are shown.",
    "off": "Only alarms and ends are shown.",
}


def event_words(followed: Followed) -> dict[str, ShellWord]:
    """Each word, ready to be run."""

    def follow(words: Sequence[str]) -> None:
        new = followed.follow(_one("follow", words))
        if not new:
            print(f"Followed already: {', '.join(followed.runs)}.")

    def unfollow(words: Sequence[str]) -> None:
        left = followed.unfollow(_one("unfollow", words))
        print(f"No longer followed: {', '.join(left)}." if left else "No session is followed.")

    def focus(words: Sequence[str]) -> None:
        if words:
            print(f"The prompt speaks of {followed.focus_on(_one('focus', words) or '')}.")
            return
        view = followed.focus
        if view is None:
            print("No session is followed.")
            return
        others = [run_id for run_id in followed.runs if run_id != view.run_id]
        more = f" Followed too: {', '.join(others)}." if others else ""
        print(f"The prompt speaks of {view.run_id}.{more}")

    def events(words: Sequence[str]) -> None:
        level = _one("events", words)
        if level is not None:
            followed.outbox.set_level(level)
        print(_LEVELS[followed.outbox.level])

    runs: dict[str, Callable[[Sequence[str]], None]] = {
        "follow": follow, "unfollow": unfollow, "focus": focus, "events": events,
    }  # fmt: skip
    return {word: ShellWord(SHELL_WORDS[word], run) for word, run in runs.items()}


def _one(name: str, words: Sequence[str]) -> str | None:
    """The word that follows, if any."""
    if len(words) > 1:
        raise UsageError(f"'{name}' takes one word at most: {SHELL_WORDS[name]}.")
    return words[0] if words else None
