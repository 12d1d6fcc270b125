"""The ledger: cash, positions by total cost, and the identity that must hold to zero."""

from decimal import Decimal
from typing import ClassVar

from app.core.errors import AppError
from app.core.money import UNITS, amount_units, divide_half_even, from_units

_EXACT_BELOW = 1e6
_SCALE = float(UNITS)


class LedgerError(AppError):
    """The books do not add up: a defect; the run stops rather than report wrong numbers."""


class Position:
    """What one strategy holds of one symbol, and what it earned and cost.

    `cost_units` is the total paid for what is held (negative when short).
    """

    __slots__ = (
        "borrow_units",
        "cost_units",
        "fee_units",
        "income_units",
        "multiplier_units",
        "realised_units",
        "symbol",
        "trades",
        "units",
    )
    STATE: ClassVar[tuple[str, ...]] = (
        "units", "cost_units", "realised_units", "income_units", "fee_units", "borrow_units",
        "trades",
    )  # fmt: skip

    def __init__(self, symbol: str, multiplier_units: int = UNITS) -> None:
        self.symbol = symbol
        self.multiplier_units = multiplier_units
        self.units = 0
        self.cost_units = 0
        self.realised_units = 0
        self.income_units = 0  # dividends
        self.fee_units = 0
        self.borrow_units = 0
        self.trades = 0  # times it came back to flat, or through it

    def follow(self, other: "Position") -> None:
        """Be as another of the same symbol; field by field, as that is quickest."""
        self.units = other.units
        self.cost_units = other.cost_units
        self.realised_units = other.realised_units
        self.income_units = other.income_units
        self.fee_units = other.fee_units
        self.borrow_units = other.borrow_units
        self.trades = other.trades

    @property
    def quantity(self) -> Decimal:
        """Signed: negative is short."""
        return from_units(self.units)

    @property
    def cost(self) -> Decimal:
        """Total cost of what is held."""
        return from_units(self.cost_units)

    @property
    def realised(self) -> Decimal:
        """Profit taken so far."""
        return from_units(self.realised_units)

    def value_units(self, price: float) -> int:
        """Market value at `price`."""
        return amount_units(self.units, price, self.multiplier_units) if self.units else 0

    def result_units(self, price: float) -> int:
        """All that came of it: realised + unrealised + income - costs."""
        results = self.realised_units + self.value_units(price) - self.cost_units
        return results + self.income_units - self.fee_units - self.borrow_units


class Ledger:
    """One account in one currency. Every posting is rounded once, and checked at once:

    cash + cost of positions = opening + transfers + realised + income - fees - interest - borrow.

    With unrealised = market value - cost this is the money identity of the whole account.
    """

    STATE: ClassVar[tuple[str, ...]] = (
        "_brought_units", "transfer_units", "interest_units", "borrow_units", "cash_units",
        "cost_units", "realised_units", "income_units", "fee_units",
    )  # fmt: skip

    def __init__(self, opening_units: int) -> None:
        self.opening_units = opening_units
        # opening + transfers - interest - borrow: what seldom moves, in one figure for `fill`
        self._brought_units = opening_units
        self.transfer_units = 0  # deposits, withdrawals, both legs of an exchange
        self.interest_units = 0
        self.borrow_units = 0
        self.cash_units = opening_units
        self.cost_units = 0
        self.realised_units = 0
        self.income_units = 0
        self.fee_units = 0

    def fill(self, position: Position, units: int, price: float, fee_units: int = 0) -> None:
        """Book `units` (negative sells) at `price`."""
        scaled = int(price * _SCALE + 0.5) if 0 < price < _EXACT_BELOW else 0
        if scaled / _SCALE == price and not units % UNITS and position.multiplier_units == UNITS:
            amount = units // UNITS * scaled  # whole units at a price of at most 8 decimals: exact
        else:
            amount = amount_units(units, price, position.multiplier_units)
        held = position.units
        if held:
            added = self._change(position, held, units, amount)
        else:
            position.units, position.cost_units, added = units, amount, amount
        self.cost_units = costs = self.cost_units + added
        self.cash_units = cash = self.cash_units - amount
        if fee_units:
            self.cash_units = cash = cash - fee_units
            position.fee_units += fee_units
            self.fee_units += fee_units
        own = self._brought_units + self.income_units + self.realised_units - self.fee_units
        if cash + costs != own:
            self.check()

    def _change(self, position: Position, held: int, units: int, amount: int) -> int:
        """Add to what is held, close it or go through flat; the change of its cost."""
        cost = position.cost_units
        position.units = left = held + units
        if not left:
            position.cost_units, added, profit = 0, -cost, -amount - cost
            position.trades += 1
        elif (held > 0) == (units > 0):
            position.cost_units = cost + amount
            return amount
        else:
            added, profit = _closing(held, cost, units, amount)
            position.cost_units = cost + added
            if (held > 0) != (left > 0):  # through flat
                position.trades += 1
        position.realised_units += profit
        self.realised_units += profit
        return added

    def split(self, position: Position, ratio: Decimal) -> None:
        """Multiply the quantity held by `ratio`; the total cost stays, unless nothing is left."""
        numerator, denominator = ratio.as_integer_ratio()
        position.units = divide_half_even(position.units * numerator, denominator)
        if not position.units:
            lost = position.cost_units
            position.cost_units -= lost
            self.cost_units -= lost
            position.realised_units -= lost
            self.realised_units -= lost
            position.trades += lost != 0
        self.check()

    def dividend(self, position: Position, per_share: Decimal) -> int:
        """Cash for what is held (a short position pays it); returns the amount."""
        numerator, denominator = per_share.as_integer_ratio()
        amount = divide_half_even(
            position.units * position.multiplier_units * numerator, denominator * UNITS
        )
        self.cash_units += amount
        self.income_units += amount
        position.income_units += amount
        self.check()
        return amount

    def transfer(self, units: int) -> None:
        """Money comes in from outside this book, or leaves it (negative)."""
        self.transfer_units += units
        self._bring(units)

    def pay_interest(self, units: int) -> None:
        """Charge interest on borrowed cash; it is the account's, no position's."""
        self.interest_units += units
        self._bring(-units)

    def pay_borrow(self, position: Position, units: int) -> None:
        """Charge a short position for the shares it borrowed."""
        self.borrow_units += units
        position.borrow_units += units
        self._bring(-units)

    def pay_fee(self, units: int) -> None:
        """Charge a fee that no position of this book has caused."""
        self.fee_units += units
        self.cash_units -= units
        self.check()

    def _bring(self, units: int) -> None:
        self.cash_units += units
        self._brought_units += units
        self.check()

    def check(self) -> None:
        """The identity, to zero; always on."""
        have = self.cash_units + self.cost_units
        brought = self.opening_units + self.transfer_units - self.interest_units - self.borrow_units
        owed = brought + self.realised_units + self.income_units - self.fee_units
        if have != owed:
            raise LedgerError(
                f"The books are off by {from_units(have - owed)}: cash and cost come to "
                f"{from_units(have)}, opening and results to {from_units(owed)}."
            )


def _closing(held: int, cost: int, units: int, amount: int) -> tuple[int, int]:
    """Change of cost and profit of a fill that closes part of a position, or goes through flat."""
    if abs(units) < abs(held):
        closed_cost = divide_half_even(cost * abs(units), abs(held))
        return -closed_cost, -amount - closed_cost
    closing_amount = divide_half_even(amount * abs(held), abs(units))
    return amount - closing_amount - cost, -closing_amount - cost
