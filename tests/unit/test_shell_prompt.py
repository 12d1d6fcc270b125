"""The prompt's text: state, mode and clock, and never more than the screen has room for."""

from hypothesis import given
from hypothesis import strategies as st

from app.cli.shell.prompt import prompt_fragments
from app.cli.shell.seams import Standing

RUNNING = Standing("replay", "RUNNING", "10:31:05")


def shown(
    standing: Standing | None = None, idle_clock: str = "", exit_code: int = 0, width: int = 80
) -> str:
    fragments = prompt_fragments(standing, idle_clock, exit_code, width)
    return "".join(text for _, text in fragments)


def test_it_shows_mode_state_and_clock_of_the_session_in_focus() -> None:
    assert shown(RUNNING) == "system@mismartera: replay RUNNING 10:31:05 > "


def test_while_nothing_runs_it_shows_the_market_s_time_once_that_is_known() -> None:
    assert shown(idle_clock="16:20:07 EST") == "system@mismartera: idle 16:20:07 EST > "
    assert shown() == "system@mismartera: > "


def test_other_sessions_are_counted() -> None:
    assert shown(RUNNING._replace(more=2)) == "system@mismartera: replay RUNNING 10:31:05 +2 > "


def test_the_last_command_s_exit_code_is_there_unless_it_is_0() -> None:
    assert shown(RUNNING, exit_code=3) == "system@mismartera: replay RUNNING 10:31:05 [3] > "
    assert shown(exit_code=130) == "system@mismartera: [130] > "


def test_where_the_terminal_is_narrow_the_exit_code_stays_longest() -> None:
    assert shown(RUNNING, exit_code=3, width=40) == "system@mismartera: [3] > "
    assert shown(RUNNING, width=50) == "system@mismartera: 10:31:05 > "


@given(
    st.builds(
        Standing,
        st.sampled_from(["replay", "live"]),
        st.sampled_from(["RUNNING", "PAUSED", "ERROR", "stopping, HALTED"]),
        st.just("10:31:05"),
        st.integers(0, 99),
        st.just(False),
    ),
    st.integers(0, 255),
    st.integers(1, 300),
)
def test_it_leaves_room_for_what_is_typed(standing: Standing, code: int, width: int) -> None:
    text = shown(standing, exit_code=code, width=width)
    assert text.startswith("system@mismartera:")
    assert text.endswith(" > ")
    assert len(text) <= max(0.7 * width, len("system@mismartera: > "))


def test_real_money_is_never_left_out() -> None:
    standing = Standing("live", "RUNNING", "10:31:05", 2, real_money=True)
    for width in (20, 40, 80, 200):
        fragments = prompt_fragments(standing, "", 3, width)
        assert ("ansired bold", " REAL MONEY") in fragments
    assert shown(standing, width=120) == "system@mismartera: REAL MONEY live RUNNING 10:31:05 +2 > "
    assert "REAL" not in shown(standing._replace(real_money=False))
