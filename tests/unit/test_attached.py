"""A session's line for who follows it in a pipe."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from app.cli.attached import follow
from app.core.trading_state import ACTIVE, HALTED
from app.managers.system_manager.control_messages import View


def view(trading_state: str | None) -> View:
    return View(
        run_id="one", config="c", mode="live", state="RUNNING", trading_state=trading_state,
        pid=1, started_at="", speed=1, now="10:00", bars=3, currency="USD", cash=Decimal(5),
        equity=Decimal(5), positions=(), orders=(), orders_working=0, fills=(), fills_made=0,
        alarms=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("trading_state", "shown"),
    [(None, "RUNNING"), (ACTIVE, "RUNNING"), (HALTED, "RUNNING, halted")],
)
def test_who_follows_a_session_sees_when_its_account_may_not_trade(
    trading_state: str | None, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    client: Any = SimpleNamespace(
        session=SimpleNamespace(run_id="one"), views=lambda: iter([view(trading_state)])
    )
    follow(client, as_json=False)
    assert f"10:00  {shown}  3 bars" in capsys.readouterr().out
