"""What `data session` shows on terminals of any width, and in a pipe."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.shown import drawn, position, session, symbol

from app.cli.watch.session_columns import Column, fitted, heading
from app.cli.watch.session_page import SessionPage
from app.core.session_data import QualityData


def test_on_a_usual_terminal_the_dearest_columns_are_shown_and_the_others_are_named() -> None:
    assert drawn(SessionPage(), session(symbol(), symbol("BBB", position=position())), 80) == [
        "Run 20241101-093000-proof",
        "2024-11-01 09:57:00 EDT  RUNNING, replay at speed 60",
        "equity 100,102.50 USD  cash 90,000.00  orders 2  fills 1  queued 3",
        "┏━━━━━━━━┳━━━━━━━┳━━━━━┳━━━━━━━━┳━━━━━━━━━┳━━━━━━━━━┳━━━━━━┳━━━━━━━━━┳━━━━━━━┓",
        "┃ symbol ┃    at ┃ age ┃  close ┃ SMA(10) ┃ SMA(30) ┃ held ┃     P&L ┃  bars ┃",
        "┡━━━━━━━━╇━━━━━━━╇━━━━━╇━━━━━━━━╇━━━━━━━━━╇━━━━━━━━━╇━━━━━━╇━━━━━━━━━╇━━━━━━━┩",
        "│ AAA    │ 09:55 │ 60s │ 101.25 │ 101.123 │   26/30 │ +100 │ +102.50 │ 26/27 │",
        "│ BBB    │ 09:55 │ 60s │ 101.25 │ 101.123 │   26/30 │    - │       - │ 26/27 │",
        "└────────┴───────┴─────┴────────┴─────────┴─────────┴──────┴─────────┴───────┘",
        "No room for: open, high, low, volume, BBANDS(20,2,2,0) upperband 5m, OPENING_RA…",
    ]


def test_on_a_narrow_one_what_a_glance_is_for_is_left() -> None:
    lines = drawn(SessionPage(), session(symbol()), 60)
    assert lines[4] == "┃ symbol ┃    at ┃ age ┃  close ┃ SMA(10) ┃ held ┃  bars ┃"


def test_on_a_wide_one_all_is_shown() -> None:
    lines = drawn(SessionPage(), session(symbol()), 250)
    assert not [line for line in lines if "No room" in line]
    for name in (
        "open",
        "high",
        "low",
        "volume",
        "upperband",
        "5m now",
        "1h now",
        "filled",
        "waits",
    ):
        assert any(name in line for line in lines), name


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_wider_than_the_terminal(width: int, encoding: str) -> None:
    seen = session(symbol(), symbol("A-LONG-NAME"), stale_seconds=12.0)
    for line in drawn(SessionPage(), seen, width, encoding=encoding):
        assert len(line) <= width
        assert encoding != "ascii" or line.replace("…", "").isascii()


def test_what_is_seldom_there_has_a_column_only_when_it_is() -> None:
    quality = QualityData(27, 20, 2, ((0, 1), (5, 6)), 3, 0, 20 / 27, 0.8)
    plain = drawn(SessionPage(), session(symbol(quality=None)), 250)[4:7]
    assert not any(word in " ".join(plain) for word in ("holes", "bad", "spread", "no entries"))
    halted = symbol(
        quality=quality, no_entries="no data of AAA for 120 s, and more", spread_bps=1.5
    )
    full = " ".join(drawn(SessionPage(), session(halted), 300))
    for word in ("holes", "bad", "spread bps", "no entries", "no data of AAA for 120 s,..."):
        assert word in full


def test_a_session_that_hangs_is_shown_as_it_stood_and_since_when() -> None:
    lines = drawn(SessionPage(), session(symbol(), stale_seconds=200.4), 80)
    assert lines[3] == "As it stood 3m ago: a block takes long, or a hook hangs."


def test_a_live_session_tells_its_lag_and_what_its_account_may_do() -> None:
    seen = session(symbol(), mode="live", speed=None, lag_seconds=0.42, trading_state="halted")
    assert drawn(SessionPage(), seen, 80)[1] == (
        "2024-11-01 09:57:00 EDT  RUNNING, halted, live  lag 0.4s"
    )


def test_many_symbols_are_turned_by_keys_and_no_more_are_asked_for_than_can_be_shown() -> None:
    page = SessionPage()
    every = [symbol(f"S{number:03}") for number in range(500)]

    def lines() -> list[str]:
        look = page.look(20)
        assert (look.symbols, look.bars, look.limit) == ((), 1, 20)
        told = every[look.first : look.first + look.limit]
        found = drawn(page, session(*told, symbols_known=500), 80, height=20)
        assert len(found) <= 20
        return found

    def shown() -> list[str]:
        return [line.split()[1] for line in lines() if line.startswith("│ S")]

    first = shown()
    assert first == [f"S{number:03}" for number in range(len(first))]
    assert f"Symbols 1 to {len(first)} of 500; arrow keys turn." in lines()
    page.press("page down")
    assert shown()[0] == f"S{len(first):03}"
    page.press("end")
    assert shown()[-1] == "S499"
    page.press("page down")
    assert shown()[-1] == "S499"
    page.press("up")
    assert shown()[-1] == "S498"
    page.press("home")
    page.press("up")
    page.press("")
    assert shown() == first


def test_a_filter_says_how_many_symbols_there_are() -> None:
    assert "1 of 3 symbols." in drawn(SessionPage(["AAA"]), session(symbol(), symbols_known=3), 80)


def test_a_pipe_gets_a_line() -> None:
    seen = session(symbol(), symbol("BBB", position=position(), bars={}))
    assert SessionPage().line(seen) == (
        "2024-11-01 09:57:00 EDT  RUNNING, replay at speed 60  equity 100,102.50 USD  orders 2  "
        "fills 1  AAA 101.25 +100  BBB -"
    )
    many = session(*(symbol(f"S{number}") for number in range(11)), symbols_known=12)
    assert SessionPage().line(many).endswith("S9 101.25 +100  and 2 more")


def test_headings_are_as_short_as_they_can_be() -> None:
    assert heading("SMA(10) on 1m", "1m") == "SMA(10)"
    assert heading("SMA(10) on 5m", "1m") == "SMA(10)\n5m"
    assert heading("BBANDS(20, 2.0, 2.5, 0).upperband on 5m", "1m") == (
        "BBANDS(20,2,2.5,0)\nupperband\n5m"
    )
    assert heading("SMA(3) of volume on 1m", "1m") == "SMA(3) of volume"


def test_a_session_that_has_not_begun_is_shown_too() -> None:
    early = symbol(
        age_seconds=None, bars={}, forming={}, indicators={}, position=position(), quality=None
    )
    lines = drawn(SessionPage(), session(early, session=None), 80)
    assert lines[6] == "│ AAA    │  - │   - │     - │    - │    - │"


COLUMNS = st.lists(
    st.builds(
        Column,
        st.text("abc", min_size=1, max_size=12), st.integers(0, 6), st.just("left"),
        st.lists(st.text("xyz", max_size=30), min_size=2, max_size=2),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@given(COLUMNS, st.integers(10, 120))
def test_columns_fit_keep_their_order_and_none_is_lost(columns: list[Column], width: int) -> None:
    chosen, left = fitted(columns, width)
    assert chosen
    ranks = {one.rank for one in chosen}
    assert len(ranks) == 1 or sum(one.width + 3 for one in chosen) + 1 <= width
    assert sorted([one.name for one in chosen] + left) == sorted(one.name for one in columns)
    assert chosen == [one for one in columns if one.rank in ranks]
    room = width - 1 - sum(one.width + 3 for one in chosen)
    others = {one.rank for one in columns} - ranks
    for rank in others:
        assert sum(one.width + 3 for one in columns if one.rank == rank) > room


def test_figures_in_the_account_s_currency_are_exact() -> None:
    seen = session(symbol(), equity=Decimal("1234567.891"), cash=Decimal("-0.5"))
    assert "equity 1,234,567.89 USD  cash -0.50" in drawn(SessionPage(), seen, 80)[2]
