"""Whether money can be changed as a strategy asks; said at once, as it is a mistake of its code."""

from collections.abc import Sequence

from app.core.errors import UsageError, did_you_mean
from app.core.money import MOST_ASKED_UNITS, from_units
from app.core.transfers import Conversion
from app.managers.execution_manager.books.account import Account


def checked_currency(account: Account, currency: str) -> str:
    """A currency the account has a book in."""
    if currency not in account.books:
        has = ", ".join(account.books)
        raise UsageError(
            f"The account has no book in {currency!r}; it has {has}."
            + did_you_mean(str(currency), list(account.books))
        )
    return currency


def checked_conversion(
    account: Account, asked: Conversion, earlier: Sequence[Conversion]
) -> Conversion:
    """What was asked, if it can be done; `earlier` are those of the same hook.

    A margin account may go into debt with it; a cash account gives what it has.
    """
    if checked_currency(account, asked.source) == checked_currency(account, asked.target):
        raise UsageError(f"convert() from {asked.source} to {asked.target} changes nothing.")
    if account.terms.is_at_venue:
        raise UsageError(
            "convert() would change our books alone: the venue keeps the money. Change it there, "
            "before the run begins."
        )
    if not 0 < asked.units < MOST_ASKED_UNITS:
        amount = from_units(asked.units)
        raise UsageError(f"convert({amount}, ...): the amount is above 0 and below 9e10.")
    taken = sum(item.units for item in earlier if item.source == asked.source)
    have = account.books[asked.source].cash_units - taken
    if account.terms.holds_cash_only and asked.units > have:
        raise UsageError(
            f"convert({from_units(asked.units)}, ...): a cash account borrows nothing, and there "
            f"is {from_units(have)} {asked.source}."
        )
    return asked
