"""The shell's words about sessions, where none runs."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.cli.shell.event_words import event_words
from app.cli.shell.followed import Followed
from app.cli.shell.words import SHELL_WORDS
from app.core.errors import AppError
from app.managers.time_manager.clock import WallClock


def run(folder: Path, word: str, *words: str) -> None:
    followed = Followed(folder, lambda run_id: None, None, WallClock())
    event_words(followed)[word].run(words)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["events"], "All events are shown"),
        (["events", "fills"], "Fills, states, alarms and ends"),
        (["events", "off"], "Only alarms and ends"),
        (["focus"], "No session is followed."),
        (["unfollow"], "No session is followed."),
    ],
)
def test_each_says_how_it_stands(
    line: Sequence[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, *line)
    assert told in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "why", "code"),
    [
        (["follow"], "No session runs. 'system start CONFIG' starts one.", 3),
        (["follow", "x"], "No session runs.", 3),
        (["unfollow", "x"], "No session 'x' is followed.", 3),
        (["focus", "x"], "No session 'x' is followed.", 3),
        (["events", "of"], "Did you mean 'off'?", 2),
        (["events", "on", "off"], "'events' takes one word at most: events [on|fills|off]", 2),
    ],
)
def test_each_refuses_what_it_cannot_do_with_the_way_out(
    line: Sequence[str], why: str, code: int, tmp_path: Path
) -> None:
    with pytest.raises(AppError) as refused:
        run(tmp_path, *line)
    assert why in str(refused.value)
    assert refused.value.exit_code == code
    assert list(tmp_path.iterdir()) == []


def test_each_word_has_its_usage(tmp_path: Path) -> None:
    words = event_words(Followed(tmp_path, lambda run_id: None, None, WallClock()))
    assert {word: one.usage for word, one in words.items()} == {
        word: SHELL_WORDS[word] for word in ("follow", "unfollow", "focus", "events")
    }
