"""One account: a book per currency, the rates between them, what carrying debts costs."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from decimal import Decimal

import msgspec

from app.core.instruments import Instrument
from app.core.kept import Fields, kept, put_back
from app.core.money import amount_units, divide_half_even, price_ratio, to_units
from app.managers.execution_manager.books.ledger import Ledger, Position
from app.services.carry import carry_units

Mark = Callable[[int], float]  # a symbol's last close known now; 0 for none
Rates = Mapping[str, float]  # of each foreign currency, in the account's
RateChange = tuple[int, int, float]  # instant, symbol, what its currency is worth from then on


class AccountTerms(msgspec.Struct, frozen=True):
    """What kind of account it is, and what it charges; the defaults charge nothing."""

    currency: str = "USD"
    holds_cash_only: bool = False  # no borrowed money, no borrowed shares
    leverage: Decimal = Decimal(2)
    margin_rate: Decimal = Decimal(0)  # a year
    borrow_rate: Decimal = Decimal(0)
    books: Mapping[str, Decimal] = {}  # opening cash of further currencies
    rates: Mapping[dt.date, Rates] = {}  # by session
    is_at_venue: bool = False  # which keeps its cash


class AccountState(msgspec.Struct, frozen=True):
    """What an account has come to."""

    books: dict[str, Fields]
    positions: list[list[Fields]]  # by strategy and symbol
    date: dt.date | None
    loose: dict[int, Fields] = {}  # by symbol
    unbooked_fees: dict[str, int] = {}
    part_prices: list[tuple[int, dt.date, float]] = []


class Account:
    """Several strategies' positions, each posting to the book of its instrument's currency."""

    def __init__(
        self,
        terms: AccountTerms,
        cash: Decimal,
        instruments: Sequence[Instrument],
        strategies: int,
    ) -> None:
        self.terms = terms
        foreign = dict.fromkeys((*terms.books, *(item.currency for item in instruments)))
        self.books = {terms.currency: Ledger(to_units(cash))}
        for currency in foreign:
            if currency != terms.currency:
                self.books[currency] = Ledger(to_units(terms.books.get(currency, 0)))
        self.own = self.books[terms.currency]
        self.currencies = [item.currency for item in instruments]
        self.by_symbol = [self.books[currency] for currency in self.currencies]
        self.positions = [
            [Position(item.symbol, to_units(item.multiplier)) for item in instruments]
            for _ in range(strategies)
        ]
        self.loose: dict[int, Position] = {}  # by symbol: coins for fees, that no strategy holds
        self.unbooked_fees: dict[str, int] = {}  # by coin: told, and of no book here
        # By symbol and session, at what parts of lots were paid out that a split had left.
        self.part_prices: dict[tuple[int, dt.date], float] = {}
        self.is_single = len(self.books) == 1
        self._rates: Rates = next(iter(terms.rates.values()), {})
        self.opening_units = self.total_units(lambda book: book.opening_units)  # at those rates
        self._date: dt.date | None = None  # of the session under way
        self.carries = bool(terms.margin_rate or terms.borrow_rate)

    def state(self) -> AccountState:
        """What it has come to."""
        return AccountState(
            {name: kept(book, Ledger.STATE) for name, book in self.books.items()},
            [[kept(one, Position.STATE) for one in row] for row in self.positions],
            self._date,
            {symbol: kept(one, Position.STATE) for symbol, one in self.loose.items()},
            dict(self.unbooked_fees),
            [(*place, price) for place, price in self.part_prices.items()],
        )

    def restore(self, state: AccountState) -> None:
        """Be as it was; its books must add up."""
        for name, fields in state.books.items():
            put_back(self.books[name], fields)
            self.books[name].check()
        for own, row in zip(self.positions, state.positions, strict=True):
            for position, fields in zip(own, row, strict=True):
                put_back(position, fields)
        for symbol, fields in state.loose.items():
            put_back(self.loose_of(symbol), fields)
        self.unbooked_fees = dict(state.unbooked_fees)
        self.part_prices = {(symbol, date): price for symbol, date, price in state.part_prices}
        self._date = state.date
        if state.date is not None and not self.is_single:
            self._rates = self.terms.rates[state.date]

    def twin(self) -> "Account":
        """One like it with books and positions of its own, which nothing moves but `follow`."""
        twin = copy(self)
        twin.books = {name: copy(book) for name, book in self.books.items()}
        twin.own = twin.books[self.terms.currency]
        twin.by_symbol = [twin.books[currency] for currency in self.currencies]
        twin.positions = [[copy(one) for one in row] for row in self.positions]
        twin._follow_few(self)
        return twin

    def follow(self, other: "Account", moved: Iterable[int]) -> None:
        """Be as another has come to be since; in these symbols, and by what a session charges."""
        for name, book in other.books.items():
            put_back(self.books[name], kept(book, Ledger.STATE))
        if self.carries and self._date != other._date:
            moved = range(len(self.currencies))
        for own, row in zip(self.positions, other.positions, strict=True):
            for symbol in moved:
                own[symbol].follow(row[symbol])
        self._follow_few(other)

    def _follow_few(self, other: "Account") -> None:
        self.loose = {symbol: copy(one) for symbol, one in other.loose.items()}
        self.unbooked_fees = dict(other.unbooked_fees)
        self.part_prices = dict(other.part_prices)
        self._rates, self._date = other._rates, other._date

    # -- what it is worth ------------------------------------------------------------------------

    def rate(self, currency: str) -> float:
        """What one unit of a currency is worth in the account's, in the session under way."""
        return 1.0 if currency == self.terms.currency else self._rates.get(currency, 0.0)

    def in_own_units(self, units: int, currency: str) -> int:
        """An amount in the account's currency."""
        if currency == self.terms.currency or not units:
            return units
        return amount_units(units, self.rate(currency))

    def cash_units(self) -> int:
        """The cash of all books, in the account's currency."""
        if self.is_single:
            return self.own.cash_units
        books = self.books.items()
        return sum(self.in_own_units(book.cash_units, currency) for currency, book in books)

    def equity_units(self, mark: Mark) -> int:
        """Cash and positions at their last closes, in the account's currency."""
        units = self.cash_units()
        for positions in self.positions:
            for symbol, position in enumerate(positions):
                if position.units:
                    value = position.value_units(mark(symbol))
                    units += self.in_own_units(value, self.currencies[symbol])
        for symbol, position in self.loose.items():
            units += self.in_own_units(position.value_units(mark(symbol)), self.currencies[symbol])
        return units

    def total_units(self, of: Callable[[Ledger], int]) -> int:
        """A figure of every book together, in the account's currency."""
        return sum(self.in_own_units(of(book), currency) for currency, book in self.books.items())

    def trades(self) -> int:
        """Round trips closed, over all strategies."""
        return sum(position.trades for row in self.positions for position in row)

    def left_by(self, symbol: int, held_units: int) -> tuple[int, int]:
        """What is there of a symbol, with what no strategy holds, and the cash."""
        loose_units = self.loose[symbol].units if symbol in self.loose else 0
        return held_units + loose_units, self.cash_units()

    def loose_of(self, symbol: int) -> Position:
        """Coins of a symbol that no strategy holds: what fees have left over of whole lots."""
        if symbol not in self.loose:
            like = self.positions[0][symbol]
            self.loose[symbol] = Position(like.symbol, like.multiplier_units)
        return self.loose[symbol]

    # -- what happens to it ----------------------------------------------------------------------

    def open_session(self, date: dt.date, mark: Mark | None) -> bool:
        """A session begins: its rates, and what debts cost since the one before.

        Whether cash or rates have changed.
        """
        before, self._date = self._date, date
        changed = not self.is_single
        if changed:
            self._rates = self.terms.rates[date]
        if self.carries and before is not None and mark is not None:
            changed |= self._carry((date - before).days, mark)
        return changed

    def _carry(self, days: int, mark: Mark) -> bool:
        """Interest on borrowed cash, then borrow on what is short; whether any was due."""
        due = False
        for book in self.books.values():
            interest = carry_units(-book.cash_units, self.terms.margin_rate, days)
            if interest:
                book.pay_interest(interest)
                due = True
        for positions in self.positions:
            for symbol, position in enumerate(positions):
                if position.units < 0:
                    debt = -position.value_units(mark(symbol))
                    borrow = carry_units(debt, self.terms.borrow_rate, days)
                    if borrow:
                        self.by_symbol[symbol].pay_borrow(position, borrow)
                        due = True
        return due

    def rate_changes(self, now_ns: int) -> list[RateChange]:
        """What the foreign symbols' currencies are worth from now on."""
        return [
            (now_ns, symbol, self.rate(currency))
            for symbol, currency in enumerate(self.currencies)
            if currency != self.terms.currency
        ]

    def convert(self, source: str, target: str, units: int) -> int:
        """Change money between two books at the session's rates; what came of it."""
        given, given_over = price_ratio(self.rate(source))
        taken, taken_over = price_ratio(self.rate(target))
        amount = divide_half_even(units * given * taken_over, given_over * taken)
        self.books[source].transfer(-units)
        self.books[target].transfer(amount)
        return amount
