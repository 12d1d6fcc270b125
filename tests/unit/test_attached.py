"""A session's line for who follows it in a pipe."""

from decimal import Decimal

import msgspec
import pytest
from tests.shown import drawn, order

from app.cli.system.attached import AccountPage
from app.cli.system.control import SHORT_COLUMNS, print_sessions, short_row
from app.core.trading_state import ACTIVE, HALTED
from app.managers.system_manager.control.messages import Alarm, Position, View


def view(trading_state: str | None) -> View:
    return View(
        run_id="one", config="c", mode="live", state="RUNNING", trading_state=trading_state,
        pid=1, started_at="", speed="max", now="10:00", bars=3, currency="USD", cash=Decimal(5),
        equity=Decimal(5), positions=(), orders=(), orders_working=0, fills=(), fills_made=0,
        alarms=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("trading_state", "shown"),
    [(None, "RUNNING"), (ACTIVE, "RUNNING"), (HALTED, "RUNNING, halted")],
)
def test_who_follows_a_session_sees_when_its_account_may_not_trade(
    trading_state: str | None, shown: str
) -> None:
    line = AccountPage().line(view(trading_state))
    assert line.startswith(f"10:00  {shown}, live  3 bars  5.00 USD  flat  0 orders")
    assert shown in "".join(drawn(AccountPage(), view(trading_state), 80))


@pytest.mark.parametrize("width", [30, 80])
def test_a_page_of_a_full_account_tells_what_it_leaves_out_and_fits(width: int) -> None:
    positions = tuple(Position(f"S{n}", Decimal(n + 1), 101.25) for n in range(20))
    seen = msgspec.structs.replace(
        view(None), positions=positions, orders=(order(7, symbol="S0", stop=100.0),),
        orders_working=1, stale_seconds=130, alarms=(Alarm("10:00", "halted", "by [hand]"),),
    )  # fmt: skip
    lines = drawn(AccountPage(), seen, width)
    assert max(map(len, lines)) <= width
    cells = "".join(line.split("│")[2].strip() for line in lines if line.count("│") == 3)
    text = "".join(cells.split())
    for words in (
        "+1S0,last101.25",
        "and12more",
        "sell100S0stop100(-1.23%away)",
        "by[hand]",
        "2mago",
    ):
        assert words in text, words


def test_the_words_of_an_alarm_steer_no_terminal() -> None:
    alarm = Alarm("10:00", "refused", "\x1b[2Jby the venue")
    seen = msgspec.structs.replace(view(None), alarms=(alarm,))
    shown = "".join(drawn(AccountPage(), seen, 80))
    assert "by the venue" in shown and "\x1b" not in shown


def test_who_looks_at_a_halted_session_sees_that_it_takes_no_entries(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen = msgspec.structs.replace(view(ACTIVE), no_entries="news at noon")
    assert "NO ENTRIES news at noon" in AccountPage().line(seen)
    assert "no entries" in "".join(drawn(AccountPage(), seen, 80))
    assert dict(zip(SHORT_COLUMNS, short_row(seen), strict=True))["no_entries"] == "news at noon"
    print_sessions([seen])
    assert "news at noon" in " ".join(capsys.readouterr().out.split())


def test_sessions_in_a_table_have_money_as_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    seen = msgspec.structs.replace(view(None), equity=Decimal("100000.12345678"))
    print_sessions([seen, msgspec.structs.replace(seen, real_money=True)])
    text = capsys.readouterr().out
    assert text.count("100,000.12 ") == 2
    assert " no " not in text and " yes " in text
