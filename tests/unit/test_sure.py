"""Sure approvals: they decide what asking every rule decides, whatever happens before."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limited_house import Desk, Prices
from tests.risk_house import House, ask, houses, sizes

from app.core.config_risk import RiskConfig
from app.core.instruments import Adjustment
from app.core.intervals import SECOND_NS
from app.core.money import UNITS
from app.core.orders import LIMIT, MARKET_ON_CLOSE, Order, Terms
from app.managers.execution_manager.books.account import AccountTerms
from app.managers.execution_manager.execution_state import execution_state
from app.services.risk.bounds import Bounds, Worth
from app.services.risk.catalogue import Limit, limits_of
from app.services.risk.facts import Ask
from app.services.risk.names import Names

MONEY = st.integers(1, 400).map(lambda tens: tens * 10)
LIMITS: dict[str, st.SearchStrategy[Any]] = {
    "max_order_quantity": st.integers(20, 120),
    "max_order_value": MONEY,
    "max_position_quantity": st.integers(20, 300),
    "max_position_value": MONEY,
    "max_position_percent": st.integers(1, 40),
    "max_gross_value": MONEY,
    "max_net_value": MONEY,
    "max_leverage": st.integers(1, 10).map(lambda tenths: tenths / 10),
    "max_group_percent": st.integers(1, 40),
    "max_open_positions": st.integers(1, 2),
    "max_open_orders": st.integers(1, 6),
    "max_daily_loss": st.integers(1, 500),
    "max_daily_loss_percent": st.integers(1, 10),
    "max_drawdown_percent": st.integers(1, 10),
    "max_orders_per_minute": st.integers(2, 9),
    "max_orders_per_second": st.integers(2, 9),
    "max_orders_per_day": st.integers(2, 9),
    "duplicate_seconds": st.integers(1, 9),
    "allow_short": st.just(False),
    "price_collar_percent": st.integers(1, 9),
}
limits = st.lists(st.sampled_from(sorted(LIMITS)), min_size=1, max_size=2, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: LIMITS[name] for name in names})
)
few_limits = limits | st.just({})
shares = st.integers(1, 60) | st.integers(1, 60) | st.integers(200, 2000)
sides = shares | shares.map(lambda one: -one)
TERMS = [
    AccountTerms(), AccountTerms(leverage=Decimal(1)), AccountTerms(holds_cash_only=True),
]  # fmt: skip
give = st.tuples(
    st.just("give"), sides, st.integers(0, 1), st.integers(0, 1),
    st.sampled_from([None, None, 9.0, 10.5]), st.sampled_from([False, False, False, True]),
)  # fmt: skip
steps = st.lists(
    st.one_of(
        give,
        give,
        st.tuples(st.just("ask"), sides, st.integers(0, 1), st.integers(0, 1)),
        st.tuples(st.just("amend"), st.integers(0, 9), st.integers(1, 200)),
        st.tuples(st.just("cancel"), st.integers(0, 9)),
        st.tuples(st.just("time"), st.sampled_from([0, 10])),
        st.tuples(st.just("price"), st.integers(0, 1), st.sampled_from([0.0, 8.0, 9.55, 12.0])),
        st.tuples(st.just("session")),
        st.tuples(st.just("split"), st.integers(0, 1)),
    ),
    min_size=6,
    max_size=16,
)


def play(desk: Desk, done: list[tuple[Any, ...]]) -> list[tuple[str, str, int]]:
    """What becomes of all orders."""
    orders: list[Order] = []
    for what, *given_ in done:
        if what == "give":
            units, strategy, symbol, limit, reduces = given_
            terms = {} if limit is None else {"kind": LIMIT, "limit": limit}
            terms |= {"reduce_only": True, "aimed": False} if reduces else {}
            orders.append(desk.give(units, strategy, symbol, **terms))
        elif what == "ask":
            orders.append(desk.ask(*given_))
        elif what == "time":
            desk.now_ns += given_[0]
            desk.execution.match(desk.now_ns)
        elif what == "price":
            desk.now_ns += 10
            desk.prices.of[given_[0]] = given_[1]
        elif what == "session":
            desk.next_session()
        elif what == "split":
            halves = Adjustment("XY"[given_[0]], desk.date, Decimal(2), Decimal(0), 0.5, 2.0)
            desk.execution.adjust(given_[0], halves, 10.0, desk.now_ns)
        elif given_[0] < len(orders):
            change(desk, orders[given_[0]], what, *given_[1:])
    return [(order.state, order.reason, order.units) for order in orders]


def change(desk: Desk, order: Order, what: str, units: int = 0) -> None:
    if what == "cancel":
        desk.execution.cancel(order, desk.now_ns)
    elif order.is_working:
        signed = units * UNITS if order.units > 0 else -units * UNITS
        terms = Terms(signed, order.limit, order.stop, None, None)
        desk.execution.amend(order, terms, desk.now_ns)


@settings(max_examples=200)
@given(
    limits | st.just({}), limits | st.just({}), limits | st.just({}),
    st.sampled_from(["refuse", "cut"]), st.sampled_from(TERMS), steps,
)  # fmt: skip
def test_sure_approvals_change_no_decision(
    account: dict[str, Any],
    strategy: dict[str, Any],
    symbol: dict[str, Any],
    oversize: str,
    terms: AccountTerms,
    done: list[tuple[Any, ...]],
) -> None:
    risk = {
        **account, "strategies": {"one": strategy}, "symbols": {"Y": symbol},
        "groups": {"both": ["X", "Y"]}, "oversize": oversize,
    }  # fmt: skip
    sure, asked = Desk(terms, **risk), Desk(terms, **risk)
    asked.execution._checks._sure = None
    assert play(sure, done) == play(asked, done)
    assert execution_state(sure.execution).entries == execution_state(asked.execution).entries
    assert sure.state() == asked.state()


MINUTES = {
    "no_entries_first_minutes": st.integers(1, 9),
    "no_entries_last_minutes": st.integers(1, 9),
}
NAMES = Names(["X", "Y"], {"g": ["X"]})


def limit_of(name: str, value: Any) -> Limit:
    (limit,) = limits_of(RiskConfig.model_validate({name: value, "groups": NAMES.groups}), NAMES)
    return limit


def worth_of(house: House) -> Worth:
    return Worth(
        house.equity_units(),
        house.worth_units(),
        house.peak_units(),
        house.worth_units() - house.day_result_units(),
        house.day_equity_units(),
    )


def is_within(house: House, asked: Ask, bounds: Bounds) -> bool:
    """As the desk has it, of exact figures."""
    value = abs(house.value_units(0, asked.units, house.price))
    would_be = house.reach_units(asked) + asked.units
    return (
        0 < value <= bounds.order_value_units
        and abs(asked.units) <= bounds.order_units
        and would_be <= bounds.position_units
        and -would_be <= bounds.short_units
        and abs(house.value_units(0, would_be, house.price)) <= bounds.position_value_units
        and house.gross_units() + value <= bounds.gross_units
        and house.open_orders() <= bounds.open_orders
        and house.open_positions() <= bounds.open_positions
        and len(house.left) <= bounds.left_in_minute
        and house.left_today() <= bounds.left_today
        and bounds.from_ns <= asked.now_ns <= bounds.until_ns
    )


@pytest.mark.parametrize("name", sorted({**LIMITS, **MINUTES}))
@settings(max_examples=25)
@given(st.data(), houses, sizes, st.integers(0, 10**15), st.lists(st.integers(0, 9), max_size=9))
def test_within_its_bounds_a_rule_approves(
    name: str, data: st.DataObject, house: House, shares: int, now_ns: int, left: list[int]
) -> None:
    limit = limit_of(name, data.draw({**LIMITS, **MINUTES}[name]))
    house = msgspec.structs.replace(house, left=tuple(now_ns - one for one in left))
    asked, bounds = ask(shares, now_ns=now_ns), Bounds()
    if limit.narrow is not None:
        limit.narrow(bounds, limit.most)
    if limit.narrow_now is not None:
        limit.narrow_now(bounds, worth_of(house), house, limit.most)
    if limit.has_bounds and is_within(house, asked, bounds):
        assert limit.check(asked, house, house, limit.most) is None
    assert limit.has_bounds is (bounds != Bounds()) or name in LOSSES, "bounds are narrowed"


@settings(max_examples=60)
@given(
    st.sampled_from(["max_data_age_seconds", "restricted", "max_volatility_percent"]),
    st.integers(1, 9),
    houses,
    sizes,
    st.integers(0, 30),
)
def test_until_it_is_not_sure_any_more_a_rule_approves(
    name: str, most: int, house: House, shares: int, second: int
) -> None:
    limit = limit_of(name, ["XY"[most % 2]] if name == "restricted" else most)
    assert limit.sure_until_ns is not None
    house = msgspec.structs.replace(
        house, bar_ns=second % 7 * SECOND_NS, volatility=float(second % 9)
    )
    if second * SECOND_NS <= limit.sure_until_ns(0, house, limit.most):
        asked = ask(shares, now_ns=max(second, second % 7) * SECOND_NS)
        assert limit.check(asked, house, house, limit.most) is None


LOSSES = ("max_daily_loss", "max_daily_loss_percent", "max_drawdown_percent")  # while none is near


def test_most_rules_have_bounds_and_the_desk_relies_on_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(max_order_quantity=50, max_gross_value=2000, max_daily_loss=100)
    risk = desk.execution._checks._risk
    assert risk is not None
    asked: list[Ask] = []
    plain = risk._tightest
    monkeypatch.setattr(
        risk, "_tightest", lambda ask, held: (asked.append(ask), plain(ask, held))[1]
    )
    assert not desk.give(50).reason
    assert not desk.give(-50, kind=LIMIT, limit=9.0).reason
    assert not asked
    assert desk.give(51).reason
    assert not desk.give(1, kind=MARKET_ON_CLOSE).reason
    assert [one.units for one in asked] == [51 * UNITS, UNITS]


def test_what_an_exit_takes_out_is_not_taken_for_what_works_beside_it() -> None:
    desk = Desk(max_position_quantity=100)
    desk.give(-90, kind=LIMIT, limit=20.0)  # it waits, and limits have approved of it
    desk.ask(90)
    desk.give(1, kind=LIMIT, limit=9.0)  # by now it is known what is held
    desk.give(-90, reduce_only=True, aimed=False)
    desk.now_ns += 10
    desk.execution.match(desk.now_ns)
    assert desk.execution.held_units[0] == 0
    assert desk.give(-11).reason == "max_position_quantity: 101 is over 100"


def test_what_closes_counts_for_what_is_asked_after_it() -> None:
    desk = Desk(allow_short=False)
    desk.ask(100)
    assert not desk.give(-100, kind=LIMIT, limit=20.0).reason
    assert desk.give(-50).reason == "allow_short: it would leave -50"


def test_after_a_split_there_is_more_to_hold_against_a_limit() -> None:
    desk = Desk(max_position_quantity=125)
    desk.ask(60)
    halves = Adjustment("X", desk.date, Decimal(2), Decimal(0), 0.5, 2.0)
    desk.execution.adjust(0, halves, 10.0, desk.now_ns)
    assert desk.give(6).reason == "max_position_quantity: 126 is over 125"


def test_amendments_count_among_the_orders_of_their_instant() -> None:
    desk = Desk(max_orders_per_minute=3)
    order = desk.give(1, kind=LIMIT, limit=9.0)
    for shares in (2, 3):
        assert desk.execution.amend(
            order, Terms(shares * UNITS, 9.0, None, None, None), desk.now_ns
        )
    assert desk.give(1).reason == "max_orders_per_minute: 4 in a minute is over 3"


@pytest.mark.parametrize("scope", ["", " of strategy one"])
def test_bounds_follow_what_the_account_is_worth(scope: str) -> None:
    limit: dict[str, Any] = {"max_leverage": 1}
    desk = Desk(**({"strategies": {"one": limit}} if scope else limit))
    desk.ask(900)
    assert not desk.give(1, kind=LIMIT, limit=1.0).reason
    desk.prices.of[0] = 5.0
    desk.now_ns += 10
    assert desk.give(300).reason.startswith(f"max_leverage{scope}: 6005 is over 5500")


def test_what_took_asking_counts_for_what_is_sure() -> None:
    desk = Desk(max_position_quantity=100)
    assert not desk.give(10).reason
    assert not desk.give(60, kind=MARKET_ON_CLOSE, aimed=False).reason
    assert desk.give(31).reason == "max_position_quantity: 101 is over 100"


def test_what_only_closes_is_not_asked_and_does_not_count() -> None:
    desk = Desk(max_orders_per_day=2)
    desk.ask(30)
    assert not desk.ask(-20).reason
    assert not desk.ask(30).reason
    assert desk.ask(10).reason == "max_orders_per_day: 3 in the session is over 2"


def test_fills_of_the_instant_count_for_what_is_asked_behind_them() -> None:
    desk = Desk(max_daily_loss=50)
    desk.give(100)
    desk.now_ns += 10
    desk.prices.of[0] = 9.0
    assert not desk.give(1).reason
    desk.execution.match(desk.now_ns)  # a hundred at 10
    assert desk.give(1).reason.startswith("max_daily_loss: 100 is lost")


def test_means_are_asked_where_a_cash_account_has_no_bounds() -> None:
    desk = Desk(AccountTerms(holds_cash_only=True), max_order_quantity=900)
    desk.ask(600)
    assert desk.give(500).reason == "buying_power: it needs 5,000.00, there is 4,000.00 left"
    assert desk.execution._checks.counts.tally(None, None).today == 1
    assert desk.give(-601).units == -600 * UNITS  # cut: it only closes


def test_no_peak_is_seen_for_an_order_that_no_limit_is_asked_of() -> None:
    desk = Desk(max_drawdown_percent=50)
    desk.ask(100)
    desk.now_ns += 10
    desk.prices.of[0] = 12.0
    before = desk.state()
    assert desk.give(2 * 10**10).reason.startswith("too_large")
    assert desk.state() == before
    assert not desk.give(1).reason
    assert desk.state() != before


def test_coins_that_fees_were_paid_with_count_for_what_the_account_is_worth() -> None:
    desk = Desk(max_leverage=1)
    account = desk.execution.account
    account.own.fill(account.loose_of(1), -50 * UNITS, 10.0, 500 * UNITS)
    desk.execution.note_change(1, desk.now_ns)
    assert desk.give(960).reason == "max_leverage: 9600 is over 9500, 1 times 9500"


def test_what_one_strategy_gains_hides_no_loss_of_another() -> None:
    desk = Desk(strategies={"two": {"max_daily_loss": 50}})
    desk.ask(100)
    desk.ask(100, 1, 1)
    desk.prices.of[:] = [11.0, 9.0]
    desk.now_ns += 10
    assert desk.give(1, 1, 1).reason.startswith("max_daily_loss of strategy two: 100 is lost")


def test_nothing_is_sure_while_entries_are_closed() -> None:
    desk = Desk(max_order_quantity=50)
    assert not desk.give(1).reason
    desk.execution.entries.close(0, "paused", "a person")
    assert desk.give(1).reason.startswith("no_entries: paused")


def test_a_calm_session_says_nothing_of_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    class Measured:
        percent = 1

        def volatility_units(self, now_ns: int) -> int:
            return self.percent * UNITS

        def calm_until_ns(self, now_ns: int, most_units: int) -> int:
            return 10**15 if self.volatility_units(now_ns) <= most_units else -1

    measured = Measured()
    monkeypatch.setattr(Prices, "measures", lambda prices, symbol: measured, raising=False)
    desk = Desk(max_volatility_percent=5)
    assert not desk.give(1).reason
    desk.next_session()
    measured.percent = 6
    assert desk.give(1).reason == "max_volatility_percent: 6 is over 5"


def test_what_closes_for_its_strategy_is_held_to_what_the_account_can_carry() -> None:
    desk = Desk(AccountTerms(leverage=Decimal(1)), max_order_quantity=5_000)
    desk.ask(900)
    desk.ask(-1_800, strategy=1)
    assert desk.execution.held_units[0] == -900 * UNITS
    assert desk.ask(-500).reason.startswith("buying_power: it needs 5,000.00")
    assert not desk.ask(-90).reason
