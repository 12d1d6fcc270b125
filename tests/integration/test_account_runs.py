"""Accounts through the whole system: what a run's record says, and what a strategy may change."""

from decimal import Decimal

import numpy as np
import pytest
from tests.market import random_bars
from tests.system_house import TRADER, SystemHouse, sessions, stored_market, system_house

from app.core.bars import BarColumns
from app.core.errors import ConfigError, StrategyError
from app.core.intervals import DAY_NS
from app.repositories.bar_store_files import Series

__all__ = ["stored_market", "system_house"]

ACCOUNT = {
    "books": {"EUR": 20_000},
    "rates": {"EUR": "EUR/USD"},
    "margin_rate": 0.2,
    "borrow_rate": 0.1,
}


def with_rate(house: SystemHouse, close: float = 1.25) -> None:
    """AAA trades in euros, and the store knows one day's rate from before the run."""
    data = house.system.data_manager
    data.set_instrument("XNYS", "AAA", {}, "EUR")
    price = np.array([close])
    start = np.array([sessions()[0].open_ns - 3 * DAY_NS], np.int64)
    bars = BarColumns(start, price, price, price, price, price)
    data.store.merge(Series("XNYS", "EUR/USD", "1d"), bars, {})


def test_a_run_in_two_currencies_adds_up_in_its_record(system_house: SystemHouse) -> None:
    with_rate(system_house)
    shorting = TRADER.replace("100 if minute % 20 else -50", "-50 if minute % 20 else 100")
    use = system_house.strategy("shorting.py", shorting)  # short overnight
    strategies = [{"use": "trader.py", "name": "one"}, {"use": use, "name": "two"}]
    summary = system_house.system.run(
        system_house.config(account=ACCOUNT, strategies=strategies, execution={"fees": "ib_fixed"})
    )
    facts = system_house.facts(summary.run_id)
    books = {book["currency"]: book for book in facts["books"]}
    assert list(books) == ["USD", "EUR"]
    assert facts["rates"] == {str(session.date): {"EUR": 1.25} for session in sessions()}
    assert summary.start_equity == 100_000 + 20_000 * Decimal("1.25")
    rows = facts["summary"]["strategies"]
    assert [(row["strategy"], row["currency"]) for row in rows] == [
        ("one", "EUR"), ("one", "USD"), ("two", "EUR"), ("two", "USD"),
    ]  # fmt: skip
    for name, book in books.items():
        results = sum(row["result"] for row in rows if row["currency"] == name)
        brought = book["opening"] + results - book["interest"]
        assert book["cash"] + book["value"] == pytest.approx(brought, abs=1e-6)
    worth = sum(
        (book["cash"] + book["value"]) * rate
        for book, rate in ((books["USD"], 1), (books["EUR"], 1.25))
    )
    assert float(summary.final_equity) == pytest.approx(worth, abs=1e-6)
    assert summary.borrow > 0
    assert float(summary.fees) == pytest.approx(
        books["USD"]["fees"] + books["EUR"]["fees"] * 1.25, abs=1e-6
    )
    page = (system_house.folder / "runs" / summary.run_id / "report.md").read_text()
    assert "## Strategies" in page
    assert page.count("\n| two | ") == 2


def test_later_rates_change_no_run(system_house: SystemHouse) -> None:
    with_rate(system_house)
    config = system_house.config(account=ACCOUNT)
    first = system_house.system.run(config)
    bars = random_bars(np.array([sessions()[-1].open_ns + DAY_NS], np.int64), 3)
    system_house.system.data_manager.store.merge(Series("XNYS", "EUR/USD", "1d"), bars, {})
    again = system_house.system.run(config)
    assert (first.fingerprint, first.final_equity) == (again.fingerprint, again.final_equity)


def test_a_run_abroad_without_a_rate_is_refused_before_it_begins(system_house: SystemHouse) -> None:
    system_house.system.data_manager.set_instrument("XNYS", "AAA", {}, "EUR")
    no_bars = "EUR/USD on XNYS has no 1m or 1d bar in the year before"
    for account, message in (
        ({}, "needs a rate of EUR"),
        ({"rates": {"EUR": "EUR/USD"}}, no_bars),
        ({"rates": {"EUR": "BBB"}, "currency": "CAD"}, "BBB on XNYS is priced in USD, not in CAD"),
        ({"rates": {"EUR": "AAA"}}, "AAA on XNYS is priced in EUR, not in USD"),
    ):
        with pytest.raises(ConfigError, match=message):
            system_house.system.run(system_house.config(account=account))
        if message != no_bars:  # a check asks for no bars
            with pytest.raises(ConfigError, match=message):
                system_house.system.check(system_house.config(account=account))
    assert system_house.runs().list_runs() == []


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        ("self.convert(5, 'USD', 'CHF')", "margin", "no book in 'CHF'; it has USD, EUR."),
        ("self.convert(5, 'EURO', 'USD')", "margin", "Did you mean 'EUR'?"),
        ("self.cash_in('JPY')", "margin", "The account has no book in 'JPY'"),
        ("self.convert(5, 'USD', 'USD')", "margin", "from USD to USD changes nothing"),
        ("self.convert(0, 'USD', 'EUR')", "margin", "the amount is above 0"),
        ("self.convert(-5, 'USD', 'EUR')", "margin", "the amount is above 0"),
        ("self.convert(1e12, 'USD', 'EUR')", "margin", "below 9e10"),
        ("self.convert('x', 'USD', 'EUR')", "margin", "'x' is not a quantity"),
        ("self.convert(20001, 'EUR', 'USD')", "cash", "borrows nothing, and there is 20000 EUR"),
        (
            "[self.convert(12000, 'EUR', 'USD') for _ in range(2)]",
            "cash",
            "borrows nothing, and there is 8000 EUR",
        ),
        ("self.convert(20001, 'EUR', 'USD')", "margin", ""),
    ],
)
def test_what_cannot_be_changed_is_said_to_the_strategy(
    system_house: SystemHouse, call: str, kind: str, message: str
) -> None:
    with_rate(system_house)
    use = system_house.strategy(
        "changing.py",
        f"""
        from app.strategies import Strategy

        class Changing(Strategy):
            def on_session_open(self, session):
                {call}
        """,
    )
    account = {"books": {"EUR": 20_000}, "rates": {"EUR": "EUR/USD"}, "kind": kind}
    config = system_house.config(account=account, use=use, end="2024-06-03")
    if not message:
        assert system_house.system.run(config).state == "finished"
        return
    with pytest.raises(StrategyError) as raised:
        system_house.system.run(config)
    assert message in str(raised.value)
    system_house.system.stop()


def test_a_target_in_value_is_in_the_account_s_currency(system_house: SystemHouse) -> None:
    with_rate(system_house, close=2.0)
    use = system_house.strategy(
        "valued.py",
        """
        from app.strategies import Strategy

        class Valued(Strategy):
            def on_bar(self, bar):
                if self.now.minute == 40:
                    order = self.order_target_value("AAA", 10_000)
                    close = self.bars("AAA").close[-1]
                    if order:
                        wanted = 10_000 / 2.0 / close
                        assert abs(float(order.quantity) - wanted) <= 1, order.quantity
                        self.cancel(order)
        """,
    )
    account = {"rates": {"EUR": "EUR/USD"}}
    config = system_house.config(account=account, use=use, end="2024-06-03")
    assert system_house.system.run(config).state == "finished"
