"""Random lives of orders through the ExecutionManager itself, watched event by event.

The books are kept a second time in exact fractions, and each order's own: what it filled, before
which bars, against what its links allow. It runs as the engine runs it: fills, proposals, the
close, and between two sessions corporate actions, rates, interest and borrow.
"""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from random import Random

import numpy as np

from app.core.bars import SymbolRows, Table
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment, Instrument
from app.core.money import UNITS
from app.core.orders import (
    CANCEL_PENDING,
    FILLED,
    LIMIT,
    MARKET,
    MARKET_ON_CLOSE,
    MARKET_ON_OPEN,
    REJECTED,
    TRANSITIONS,
    Order,
)
from app.managers.execution_manager.books.account import AccountTerms
from app.managers.execution_manager.sim.bar_book import BarBook
from app.managers.execution_manager.sim.fill_rules import FillRules
from app.services.auctions import CutOffs
from app.services.bar_fills import BarRules
from app.services.fees import FeeSchedule
from app.services.matching import SAME_BAR
from app.services.risk.scopes import Limits
from app.services.slippage import Slippage
from tests.random_orders import Proposals
from tests.reference import Book
from tests.watched_orders import ENDS, Watched

STEP_NS = 10  # a bar


class Life(Proposals):
    """One account's life, from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = Random(seed)
        self.strategies, self.symbols = rng.randint(1, 3), rng.randint(1, 3)
        abroad = rng.random() < 0.4
        self.currency = [
            "EUR" if abroad and rng.random() < 0.5 else "USD" for _ in range(self.symbols)
        ]
        self.multiplier = {"USD": rng.choice(["1", "1", "50"]), "EUR": rng.choice(["1", "0.01"])}
        dates = [dt.date(2024, 6, 7) + dt.timedelta(3 * n) for n in range(rng.choice([1, 2, 2, 3]))]
        self.rates = {date: {"EUR": rng.choice([1.0, 1.1, 0.87654321])} for date in dates}
        self.dates, self.session = dates, 0
        self.books = {
            name: Book(cash, self.strategies * self.symbols, Fraction(self.multiplier[name]))
            for name, cash in (("USD", Fraction(self._cash())), ("EUR", Fraction(5000)))
            if abroad or name == "USD"
        }
        self.margin, self.borrow = rng.choice([("0", "0"), ("0.0725", "0.31")])
        self.marks = [0.0] * self.symbols
        self.last: list[tuple[float, int] | None] = [None] * self.symbols
        self.highs = [0.0] * self.symbols
        self.sizes: dict[int, int] = {}
        self.fills = 0
        self.rules = self._rules()
        self.execution = self._execution()
        self.execution.watch(self)
        self.execution.value_by(self)
        self.records: list[Order] = []

    def _cash(self) -> int:
        return self.rng.choice([3_000, 50_000, 10_000_000])

    def _rules(self) -> FillRules:
        rng = self.rng
        kinds = [Slippage()] * 2 + [Slippage("fixed", 0.013, 40), Slippage("bps", 7)]
        return FillRules(
            participation=rng.choice([None, None, Decimal("0.1"), Decimal("0.5")]),
            bars=BarRules(rng.random() < 0.2, rng.choice(SAME_BAR)),
            this_close=rng.random() < 0.2,
            latency_ns=rng.choice([0, 0, 0, 5, 15]),
            slippage=rng.choice(kinds),
            cut_offs=CutOffs(20, 20),
        )

    def _execution(self) -> Watched:
        rng = self.rng
        fees = FeeSchedule(
            "a", per_share=Decimal("0.005"), minimum=Decimal(1), rate=Decimal("0.0001")
        )
        charged = rng.random() < 0.5
        eur = {"EUR": Decimal(5000)} if "EUR" in self.books else {}
        return Watched(
            strategies=[f"s{n}" for n in range(self.strategies)],
            instruments=[
                Instrument("XNYS", f"S{n}", multiplier=Decimal(self.multiplier[c]), currency=c)
                for n, c in enumerate(self.currency)
            ],
            cash=Decimal(int(self.books["USD"].opening)),
            limits=Limits(),
            rules=self.rules,
            fees=(lambda _: fees) if charged else None,
            terms=AccountTerms(
                holds_cash_only=rng.random() < 0.1,
                leverage=Decimal(rng.choice([1, 2, 100])),
                margin_rate=Decimal(self.margin),
                borrow_rate=Decimal(self.borrow),
                books=eur,
                rates=self.rates if eur else {},
            ),
        )

    def rate(self, currency: str) -> Fraction:
        return Fraction(
            repr(1.0 if currency == "USD" else self.rates[self.dates[self.session]]["EUR"])
        )

    def slot(self, strategy: int, symbol: int) -> tuple[int, Book]:
        return strategy * self.symbols + symbol, self.books[self.currency[symbol]]

    # what the account asks of prices
    def mark(self, symbol: int) -> float:
        return self.marks[symbol]

    def highest(self, symbol: int) -> float:
        return max(self.highs[symbol], self.marks[symbol])

    # -- the run of time ---------------------------------------------------------------------------

    def live(self) -> None:
        now_ns = 1000
        for number in range(len(self.dates)):
            bars = self.rng.randint(4, 9)
            self._trade(number, now_ns, bars)
            now_ns += bars * STEP_NS + 1000
        self.execution.event(self.execution.cancel_all, now_ns, "the end")
        self.take()
        self.check_ends()

    def _trade(self, number: int, open_ns: int, bars: int) -> None:
        execution, close_ns = self.execution, open_ns + bars * STEP_NS
        broker = execution.broker
        blocks = self._blocks(open_ns, bars)
        session = TradingSession("XNYS", self.dates[number], open_ns, close_ns)
        self._open(number, session)
        for now_ns in range(open_ns, close_ns + 1, STEP_NS // 2):
            if now_ns in blocks:
                table = blocks[now_ns]
                self.highs = [
                    float(table.close[table.symbol == s].max(initial=0.0))
                    for s in range(self.symbols)
                ]
                rows = SymbolRows(table, self.symbols) if self.symbols > 1 else None
                execution.load(BarBook(table, rows))
                self.table = table
            self._see(now_ns)
            while broker.due_ns <= now_ns:
                due_ns = broker.due_ns
                execution.event(execution.match, due_ns)
                if broker.spent or broker.pending:
                    execution.event(broker.settle, due_ns)
                assert broker.due_ns > due_ns or broker.due_ns == due_ns != self._stuck(due_ns)
            for _ in range(self.rng.choice([0, 0, 1, 1, 2])):
                self._act(now_ns)
            if broker.closing:
                execution.one_price = True
                execution.event(execution.match_close, now_ns)
                execution.event(broker.settle, now_ns)
                execution.one_price = False
        self._close(close_ns)

    def _stuck(self, due_ns: int) -> int:
        """It may look twice at one instant, not for ever."""
        self._looks = self._looks + 1 if getattr(self, "_looked_ns", -1) == due_ns else 1
        self._looked_ns = due_ns
        return due_ns if self._looks > 5 else -1

    def _open(self, number: int, session: TradingSession) -> None:
        execution, now_ns = self.execution, session.open_ns
        days = (self.dates[number] - self.dates[self.session]).days
        self.session = number
        marks = [Fraction(repr(mark)) for mark in self.marks] * self.strategies
        if days:
            for book in self.books.values():
                book.carry(days, marks, Fraction(self.margin), Fraction(self.borrow))
        execution.event(execution.open_session, session, session.close_ns, now_ns)
        for symbol in range(self.symbols):
            if number and self.rng.random() < 0.4:
                ratio = self.rng.choice(["1", "2", "3", "0.5", "1.5", "0.1"])
                dividend = self.rng.choice(["0", "0.3333"])
                factor = 1 / float(ratio)
                actions = Adjustment(
                    f"S{symbol}",
                    session.date,
                    Decimal(ratio),
                    Decimal(dividend),
                    factor,
                    1 / factor,
                )
                execution.adjust(symbol, actions, self.marks[symbol], now_ns)

    def _close(self, close_ns: int) -> None:
        execution = self.execution
        execution.broker.leave_instant(close_ns)
        execution.one_price = True
        execution.event(execution.match_auction, close_ns, lambda symbol: self.last[symbol])
        execution.one_price = False
        execution.event(execution.expire, close_ns, close_ns - STEP_NS)
        for _ in range(self.rng.choice([0, 1, 2])):
            self._act(close_ns)
        self.last = [None] * self.symbols
        self.take()

    def _see(self, now_ns: int) -> None:
        """The bars known now are the last prices."""
        for row in np.flatnonzero(self.table.known_ns == now_ns):
            symbol = int(self.table.symbol[row])
            self.marks[symbol] = float(self.table.close[row])
            self.last[symbol] = self.marks[symbol], int(self.table.start_ns[row])

    def _blocks(self, open_ns: int, bars: int) -> dict[int, Table]:
        """The session's bars, cut where they are loaded."""
        rng, rows = self.rng, []
        level = [self.marks[s] or 100.0 for s in range(self.symbols)]
        for start_ns in range(open_ns, open_ns + bars * STEP_NS, STEP_NS):
            for symbol in range(self.symbols):
                if rng.random() < 0.8:
                    cents = round(level[symbol] * 100)
                    prices = [max(cents + rng.randint(-30, 30), 5) / 100 for _ in range(4)]
                    low, *inside, high = sorted(prices)
                    rng.shuffle(inside)
                    if rng.random() < 0.3:
                        inside[0] = rng.choice((low, high))
                    level[symbol] = inside[1]
                    volume = rng.choice([0.0, 40.0, 200.0, 1e6])
                    rows.append((symbol, start_ns, inside[0], high, low, inside[1], volume))
        cuts = sorted({open_ns, *(open_ns + rng.randrange(bars) * STEP_NS for _ in range(2))})
        ends = [*cuts[1:], open_ns + bars * STEP_NS]
        return {
            first: _table([row for row in rows if first <= row[1] < end])
            for first, end in zip(cuts, ends, strict=True)
        }

    # -- proof -------------------------------------------------------------------------------------

    def check(self) -> None:
        """The books to zero, and what each strategy is on its way to hold."""
        execution = self.execution
        for currency, book in self.books.items():
            self._check_book(currency, book)
        aims = [[p.units for p in row] for row in execution.positions]
        if not execution.nested:
            for order in execution.broker.working.values():
                plain = order.kind in (MARKET, LIMIT, MARKET_ON_OPEN, MARKET_ON_CLOSE)
                exits = order.reduce_only and not order.aimed
                linked = order.parent or order.group or exits
                if plain and not linked and order.state != CANCEL_PENDING:
                    aims[order.strategy][order.symbol_index] += order.units - order.filled_units
            assert execution.aim_units == aims
            for symbol in range(self.symbols):
                held = sum(row[symbol].units for row in execution.positions)
                assert execution.held_units[symbol] == held

    def _check_book(self, currency: str, book: Book) -> None:
        ledger = self.execution.account.books[currency]
        value = cost = results = 0
        for symbol, at in enumerate(self.currency):
            if at == currency:
                for strategy, row in enumerate(self.execution.positions):
                    position, (slot, _) = row[symbol], self.slot(strategy, symbol)
                    assert are(position.units, book.held[slot])
                    assert are(position.cost_units, book.cost[slot])
                    assert are(position.realised_units, book.realised[slot])
                    value += position.value_units(self.marks[symbol])
                    cost += position.cost_units
                    results += position.result_units(self.marks[symbol])
        assert are(ledger.cash_units, book.cash)
        costs = ledger.fee_units + ledger.interest_units + ledger.borrow_units
        gains = ledger.realised_units + value - cost + ledger.income_units - costs
        assert ledger.cash_units + value == ledger.opening_units + ledger.transfer_units + gains
        assert gains == results - ledger.interest_units

    def take(self) -> None:
        self.records += self.execution.diary.take().orders

    def check_ends(self) -> None:
        """Every order has ended once, and nobody holds on to one."""
        execution, broker = self.execution, self.execution.broker
        assert sorted(o.order_id for o in self.records) == sorted(execution.given)
        for order in self.records:
            assert order.state in ENDS
            assert not TRANSITIONS[order.state]
            assert order.state != FILLED or order.filled_units == order.units
            assert order.state != REJECTED or not order.filled_units
            assert order.created_ns <= order.ended_ns
        assert not broker.working
        assert not broker.links
        kept = [broker._rows, broker.pending, broker._termed]
        assert not any([*kept, broker.reducing, broker.closing, broker.links._children])


def are(units: int, amount: Fraction) -> bool:
    """Whether so many units are exactly the amount, without making a fraction to see it."""
    return units * amount.denominator == amount.numerator * UNITS


def _table(rows: list[tuple[int, int, float, float, float, float, float]]) -> Table:
    symbol, start, *prices = zip(*rows, strict=True) if rows else [()] * 7
    start_ns = np.array(start, np.int64)
    columns = [np.array(column, np.float64) for column in prices]
    return Table(np.array(symbol, np.int32), start_ns, start_ns + STEP_NS, *columns)
