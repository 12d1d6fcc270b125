"""How far a long command is: the share, the rate, what is left; nothing off a terminal."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.data_house import session

from app.cli.terminal import progress
from app.cli.terminal.progress import HowFar, counting, how_far_text, share_of, telling, working

SESSIONS = (session("2024-11-04", "09:30", "16:00"), session("2024-11-05", "09:30", "13:00"))


@pytest.mark.parametrize(
    ("how_far", "unit", "seconds", "text"),
    [
        (HowFar("x"), "", 65.0, "1:05"),
        (HowFar("x", 0.0, 0.25), "", 10.0, "0:30 left"),
        (HowFar("x", 28_801, 0.5), "bars", 2.0, "28,801 bars, 14,400 bars/s, 0:02 left"),
        (HowFar("x", 28_801), "bars", 2.0, "28,801 bars, 14,400 bars/s, 0:02"),
        (HowFar("x", 45_000_000, 1.0), "bytes", 2.0, "45.0 MB, 22.5 MB/s, 0:00 left"),
        (HowFar("x", 5, 0.25, 20), "years", 10.0, "5 of 20 years, 0.5 years/s, 0:30 left"),
        (HowFar("x", 9e6, 0.2, 45e6), "bytes", 2.0, "9.0 MB of 45.0 MB, 4.5 MB/s, 0:08 left"),
        (HowFar("x", 900, 0.001), "bytes", 9.0, "900 bytes, 100 bytes/s, 2:29:51 left"),
    ],
)
def test_amount_rate_and_remaining_time_are_told(
    how_far: HowFar, unit: str, seconds: float, text: str
) -> None:
    assert how_far_text(how_far, unit, seconds) == text


@given(st.lists(st.integers(SESSIONS[0].open_ns - 10**14, SESSIONS[1].close_ns + 10**14)))
def test_the_share_of_trading_time_grows_from_none_to_all(instants: list[int]) -> None:
    share = share_of(SESSIONS)
    shares = [share(at_ns) for at_ns in sorted(instants)]
    assert shares == sorted(shares)
    assert all(0 <= one <= 1 for one in shares)
    assert share(SESSIONS[0].open_ns) == 0
    assert share(SESSIONS[0].close_ns) == share(SESSIONS[1].open_ns) == 0.65
    assert share(SESSIONS[1].close_ns) == 1


def test_no_sessions_have_no_share() -> None:
    assert share_of(())(1) == 0.0


def test_off_a_terminal_nothing_is_shown_or_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    def look() -> HowFar:
        raise AssertionError

    with working(look), telling("x") as tell, counting("z", "bars") as on_count:
        tell(HowFar("y", 1.0, 0.5))
    assert on_count is None, "nobody would see it: nothing is counted"
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")


@pytest.mark.parametrize(("quick_seconds", "is_shown"), [(0.0, True), (1000.0, False)])
def test_on_a_terminal_it_is_one_line_that_vanishes_and_what_is_quick_leaves_none(
    quick_seconds: float, is_shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=100, _environ={"TERM": "xterm"})
    monkeypatch.setattr(progress, "errors", console)
    monkeypatch.setattr(progress, "QUICK_SECONDS", quick_seconds)
    with counting("storing", "bars") as on_count:
        assert on_count is not None
        on_count(500, 1_000)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", file.getvalue())
    assert ("storing" in text, "500 of 1,000 bars, " in text, " 50%" in text) == (is_shown,) * 3
    assert file.getvalue().endswith("\x1b[2K") or not is_shown, "the line is wiped"
