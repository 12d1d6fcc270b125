"""What rules of risk look at, as a test says: positions, working orders, prices."""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from hypothesis import assume
from hypothesis import strategies as st

from app.core.calendar import TradingSession
from app.core.money import UNITS, amount_units, to_units
from app.core.orders import LIMIT, MARKET
from app.services.quality import Quality, complete
from app.services.risk.facts import Ask
from app.services.risk.verdict import Verdict

SESSION = TradingSession("XNYS", dt.date(2024, 1, 2), 0, 10**15)
Check = Callable[..., Verdict | None]


class House(msgspec.Struct):
    """Portfolio and market in one: of symbol 0, unless a test says more; quantities in shares."""

    held: float = 0.0
    buys: float = 0.0  # that work
    sells: float = 0.0  # unsigned
    price: float = 10.0
    equity: float = 100_000.0
    others: float = 0.0  # what is held of symbol 1, in money; negative is short
    working: int = 0  # orders
    result: float = 0.0  # since the session began
    day_equity: float = 100_000.0  # as it began
    peak: float = 100_000.0
    session: TradingSession = SESSION
    left: tuple[int, ...] = ()  # when entries left
    alike_ns: int | None = None  # when one equal to the one asked for did
    end_ns: int = SESSION.close_ns
    bar_ns: int = 0  # when the last bar ended
    coverage_share: float = 1.0
    score: float = 1.0
    volatility: float = 0.0
    spread: float = 1.0

    def reach_units(self, given: Ask) -> int:
        more = to_units(self.buys) if given.units > 0 else -to_units(self.sells)
        return to_units(self.held) + more

    def free_units(self, given: Ask) -> int:
        units = given.units
        up, down = to_units(self.held + self.buys), to_units(self.held - self.sells)
        if units > 0:
            return min(units, max(abs(down) - up, 0))
        return max(units, -max(abs(up) + down, 0))

    def added_units(self, given: Ask, price: float) -> int:
        return abs(amount_units(given.units - self.free_units(given), price))

    def gross_units(self) -> int:
        return self.group_units(range(2))

    def group_units(self, symbols: Iterable[int]) -> int:
        most = max(abs(self.held + self.buys), abs(self.held - self.sells))
        worth = [amount_units(to_units(most), self.price), abs(to_units(self.others))]
        return sum(worth[symbol] for symbol in symbols)

    def net_units(self, given: Ask) -> int:
        return amount_units(self.reach_units(given), self.price) + to_units(self.others)

    def is_open(self, symbol: int) -> bool:
        return bool(self.held or self.buys or self.sells)

    def open_positions(self) -> int:
        return int(self.is_open(0)) + bool(self.others)

    def open_orders(self) -> int:
        return self.working

    def value_units(self, symbol: int, units: int, price: float) -> int:
        return amount_units(units, price)

    def equity_units(self) -> int:
        return to_units(self.equity)

    def worth_units(self) -> int:
        return to_units(self.equity)

    def peak_units(self) -> int:
        return to_units(self.peak)

    def day_result_units(self) -> int:
        return to_units(self.result)

    def day_equity_units(self) -> int:
        return to_units(self.day_equity)

    def left_since(self, since_ns: int) -> int:
        return sum(instant > since_ns for instant in self.left)

    def left_today(self) -> int:
        return len(self.left)

    def last_alike_ns(self, given: Ask) -> int | None:
        return self.alike_ns

    def mark(self, symbol: int) -> float:
        return self.price

    def last_known_ns(self, symbol: int) -> int:
        return self.bar_ns

    def coverage(self, symbol: int) -> float:
        return self.coverage_share

    def quality(self, symbol: int) -> Quality:
        return msgspec.structs.replace(complete(0), score=self.score)

    def volatility_units(self, symbol: int) -> int:
        return to_units(self.volatility)

    def calm_until_ns(self, symbol: int, most_units: int) -> int:
        return self.end_ns if to_units(self.volatility) <= most_units else -1

    def spread_units(self, symbol: int) -> int:
        return to_units(self.spread)


def ask(shares: float, limit: float | None = None, **fields: Any) -> Ask:
    """An order for so many shares; negative sells."""
    units = to_units(shares)
    known = {"whole_units": units, "now_ns": 0, "strategy": 0, "symbol": 0, **fields}
    return Ask(units=units, kind=MARKET if limit is None else LIMIT, limit=limit, **known)


def verdict(check: Check, given: Ask, house: House, most: Any) -> tuple[float, str] | None:
    """What a rule lets through, in shares, and why not more; None where it approves."""
    found = check(given, house, house, most)
    return None if found is None else (found.units / UNITS, found.why)


houses = st.builds(
    House,
    held=st.integers(-500, 500),
    buys=st.integers(0, 300),
    sells=st.integers(0, 300),
    price=st.integers(1, 10_000).map(lambda cents: cents / 100),
    equity=st.integers(-1_000, 1_000_000),
    others=st.integers(-20_000, 20_000),
    working=st.integers(0, 5),
    result=st.integers(-9_000, 9_000),
    day_equity=st.integers(-1_000, 90_000),
    peak=st.integers(1, 1_000_000),
)
sizes = st.integers(-1_000, 1_000).filter(bool)


def with_order(house: House, units: int) -> House:
    """The house with one more order that works."""
    shares = units / UNITS
    if units > 0:
        return msgspec.structs.replace(house, buys=house.buys + shares)
    return msgspec.structs.replace(house, sells=house.sells - shares)


def allowed_by(check: Check, house: House, shares: int, most: Any) -> int:
    """How much of an order a rule lets through, in units."""
    found = check(ask(shares), house, house, most)
    return shares * UNITS if found is None else found.units


def check_cut_and_monotone(check: Check, house: House, shares: int, most: Any) -> None:
    """What a rule lets through it approves itself, and of what it approves every part."""
    found = check(ask(shares), house, house, most)
    allowed = shares * UNITS if found is None else found.units
    assert allowed == 0 or (allowed > 0) == (shares > 0)
    assert abs(allowed) <= abs(shares) * UNITS
    assume(allowed)
    for part in {allowed, allowed // 2, allowed // abs(allowed)}:
        if part:
            one = Ask(0, 0, part, part, MARKET, None, 0)
            assert check(one, house, house, most) is None, part
