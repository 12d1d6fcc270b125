"""What each strategy brought the account, in every currency it traded; the account is their sum."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from app.core.money import from_units
from app.managers.execution_manager.books.account import Account, Mark


class StrategyResult(msgspec.Struct, frozen=True):
    """One strategy in one currency: `result` = realised + unrealised + income - costs."""

    strategy: str
    currency: str
    trades: int
    realised: Decimal
    unrealised: Decimal
    income: Decimal
    costs: Decimal  # fees and borrow; interest on cash is the account's own
    result: Decimal


class BookResult(msgspec.Struct, frozen=True):
    """One book: cash + value = opening + transfers + realised + unrealised + income - costs."""

    currency: str
    opening: Decimal
    transfers: Decimal
    realised: Decimal
    unrealised: Decimal
    income: Decimal
    fees: Decimal
    interest: Decimal
    borrow: Decimal
    cash: Decimal
    value: Decimal


def strategy_results(
    account: Account, strategies: Sequence[str], mark: Mark
) -> tuple[StrategyResult, ...]:
    """One row for each strategy and each currency the run's instruments trade in."""
    return tuple(
        _strategy_result(account, number, name, currency, mark)
        for number, name in enumerate(strategies)
        for currency in dict.fromkeys(account.currencies)
    )


def _strategy_result(
    account: Account, number: int, name: str, currency: str, mark: Mark
) -> StrategyResult:
    held = [
        (position, mark(symbol))
        for symbol, position in enumerate(account.positions[number])
        if account.currencies[symbol] == currency
    ]
    return StrategyResult(
        strategy=name,
        currency=currency,
        trades=sum(p.trades for p, _ in held),
        realised=from_units(sum(p.realised_units for p, _ in held)),
        unrealised=from_units(sum(p.value_units(price) - p.cost_units for p, price in held)),
        income=from_units(sum(p.income_units for p, _ in held)),
        costs=from_units(sum(p.fee_units + p.borrow_units for p, _ in held)),
        result=from_units(sum(p.result_units(price) for p, price in held)),
    )


def book_results(account: Account, mark: Mark) -> tuple[BookResult, ...]:
    """Each book of the account at these prices."""
    values = dict.fromkeys(account.books, 0)
    for positions in account.positions:
        for symbol, position in enumerate(positions):
            values[account.currencies[symbol]] += position.value_units(mark(symbol))
    for symbol, loose in account.loose.items():
        values[account.currencies[symbol]] += loose.value_units(mark(symbol))
    return tuple(
        BookResult(
            currency=currency,
            opening=from_units(book.opening_units),
            transfers=from_units(book.transfer_units),
            realised=from_units(book.realised_units),
            unrealised=from_units(values[currency] - book.cost_units),
            income=from_units(book.income_units),
            fees=from_units(book.fee_units),
            interest=from_units(book.interest_units),
            borrow=from_units(book.borrow_units),
            cash=from_units(book.cash_units),
            value=from_units(values[currency]),
        )
        for currency, book in account.books.items()
    )


def as_json(rows: Sequence[msgspec.Struct]) -> list[dict[str, Any]]:
    """Plain values; money as numbers, exact to fifteen digits."""
    return [
        {
            k: float(v) if isinstance(v, Decimal) else v
            for k, v in msgspec.structs.asdict(row).items()
        }
        for row in rows
    ]


def as_cells(row: Mapping[str, Any]) -> list[str]:
    """The values of a row for a table: money with its cents."""
    return [f"{v:,.2f}" if isinstance(v, float | Decimal) else str(v) for v in row.values()]
