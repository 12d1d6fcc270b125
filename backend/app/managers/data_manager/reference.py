"""Reference data: instruments with their market's defaults, and corporate actions from CSV."""

import csv
import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from app.core.errors import DataError, UsageError, did_you_mean, of_comma
from app.core.instruments import CorporateAction, Instrument
from app.managers.data_manager.input_files import NO_UTF_8, require_file, why_no_table

ACTION_KINDS = ("split", "dividend")
SIZES = ("tick", "lot", "multiplier", "least_value")
SymbolCheck = Callable[[str], str]  # returns the symbol it is given, or refuses it

_NUMBER = re.compile(r"[+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)
_LEAST, _MOST = Decimal("1e-12"), Decimal("1e12")
_HEAD_BYTES = 4096  # that tell another kind of file
_CENT, _ONE = Decimal("0.01"), Decimal(1)
# Tick, lot and currency where a market has its own; an instrument that is set goes before.
_DEFAULTS: dict[str, tuple[Decimal, Decimal, str]] = {
    "XNYS": (_CENT, _ONE, "USD"),
    "XNAS": (_CENT, _ONE, "USD"),
    "XTKS": (_ONE, Decimal(100), "JPY"),
    "XHKG": (_CENT, Decimal(100), "HKD"),
    "XLON": (_CENT, _ONE, "GBX"),  # London quotes in pence
    "XETR": (_CENT, _ONE, "EUR"),
    "XPAR": (_CENT, _ONE, "EUR"),
    "XAMS": (_CENT, _ONE, "EUR"),
    "XTSE": (_CENT, _ONE, "CAD"),
    "24/5": (Decimal("0.00001"), _ONE, "USD"),
    "24/7": (_CENT, Decimal("0.00001"), "USD"),
}


def default_instrument(market: str, symbol: str) -> Instrument:
    """The market's usual sizes; the quote side of a pair such as BTC/USDT is its currency."""
    tick, lot, currency = _DEFAULTS.get(market, (_CENT, _ONE, "USD"))
    _, _, quoted = symbol.partition("/")
    return Instrument(market, symbol, tick=tick, lot=lot, currency=quoted or currency)


def with_sizes(instrument: Instrument, sizes: Mapping[str, str], currency: str) -> Instrument:
    """The instrument with these sizes in place of its own; each has to be above zero."""
    values = {name: getattr(instrument, name) for name in SIZES}
    for name, text in sizes.items():
        if name not in SIZES:
            hint = did_you_mean(name, SIZES)
            raise UsageError(f"There is no size '{name}'; there are {', '.join(SIZES)}.{hint}")
        values[name] = positive_decimal(text, name)
    if not (
        currency.isascii() and currency.isalpha() and currency.isupper() and len(currency) <= 8
    ):
        raise UsageError(f"'{currency}' is not a currency; use a code such as USD or USDT.")
    return Instrument(instrument.market, instrument.symbol, **values, currency=currency)


def positive_decimal(text: str, what: str) -> Decimal:
    """A number above zero that a float, the books and its column can hold."""
    word = text.strip()
    value = Decimal(word) if _NUMBER.fullmatch(word) else Decimal(0)
    if value <= 0:
        raise UsageError(f"The {what} '{text[:40]}' is not a number above zero.{of_comma(text)}")
    if not _LEAST <= value <= _MOST or len(str(value)) > 32:
        raise UsageError(
            f"The {what} '{text[:40]}' is out of reach; give at most 30 digits, from {_LEAST:g}"
            f" to {_MOST:g}."
        )
    return value


def read_actions(path: Path, check_symbol: SymbolCheck, years: range) -> list[CorporateAction]:
    """Actions from a CSV file: symbol, ex_date (in years that have a calendar), kind, value."""
    actions: dict[tuple[str, dt.date, str], CorporateAction] = {}
    for line, row in _read_csv(path, ("symbol", "ex_date", "kind", "value"), ()):
        try:
            action = _action(row, check_symbol, years)
        except (UsageError, ValueError) as error:
            raise DataError(f"{path}, line {line}: {error} Nothing was stored.") from None
        key = (action.symbol, action.ex_date, action.kind)
        if key in actions:
            raise DataError(
                f"{path}, line {line}: a second {action.kind} of {action.symbol} on"
                f" {action.ex_date}; join the two into one row. Nothing was stored."
            )
        actions[key] = action
    return list(actions.values())


def read_instruments(path: Path, market: str, check_symbol: SymbolCheck) -> list[Instrument]:
    """Instruments from a CSV file: symbol, and any of market, tick, lot, multiplier, currency."""
    instruments: dict[tuple[str, str], Instrument] = {}
    for line, row in _read_csv(path, ("symbol",), ("market", *SIZES, "currency")):
        try:
            symbol = check_symbol(row["symbol"])
            default = default_instrument(row.get("market") or market, symbol)
            sizes = {name: row[name] for name in SIZES if row.get(name)}
            currency = row.get("currency") or default.currency
            instrument = with_sizes(default, sizes, currency)
        except UsageError as error:
            raise DataError(f"{path}, line {line}: {error} Nothing was stored.") from None
        key = (instrument.market, symbol)
        if key in instruments:
            raise DataError(
                f"{path}, line {line}: a second row of {symbol} on {instrument.market};"
                " keep one of the two. Nothing was stored."
            )
        instruments[key] = instrument
    return list(instruments.values())


def _action(row: Mapping[str, str], check_symbol: SymbolCheck, years: range) -> CorporateAction:
    kind = row["kind"].lower()
    if kind not in ACTION_KINDS:
        raise UsageError(f"'{row['kind']}' is no kind of action; use split or dividend.")
    try:
        ex_date = dt.date.fromisoformat(row["ex_date"])
    except ValueError:
        raise UsageError(f"'{row['ex_date']}' is not a date; write it as 2024-12-31.") from None
    if ex_date.year not in years:
        raise UsageError(
            f"The calendar reaches from {years[0]} to {years[-1]}; {ex_date} is beyond it."
        )
    value = positive_decimal(row["value"], "ratio" if kind == "split" else "dividend")
    return CorporateAction(check_symbol(row["symbol"]), ex_date, kind, value)


def _read_csv(
    path: Path, needed: Sequence[str], allowed: Sequence[str]
) -> list[tuple[int, dict[str, str]]]:
    """The rows of a small CSV file with their line numbers; unknown columns are refused."""
    require_file(path, "a CSV file")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            header = [name.strip().lower() for name in reader.fieldnames or ()]
            _check_header(path, header, needed, allowed)
            reader.fieldnames = header
            rows = [(reader.line_num, _cells(path, reader.line_num, row)) for row in reader]
    except UnicodeDecodeError as error:
        what = why_no_table(error.object[:_HEAD_BYTES]) or NO_UTF_8
        raise DataError(f"{path} cannot be read as CSV: {what}.") from None
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as CSV: {error}.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from None
    if not rows:
        raise DataError(f"{path} holds no rows.")
    return rows


def _cells(path: Path, line: int, row: Mapping[str | None, object]) -> dict[str, str]:
    if None in row or None in row.values():
        raise DataError(f"{path}, line {line}: the row is longer or shorter than the header.")
    return {str(name): str(cell).strip() for name, cell in row.items()}


def _check_header(
    path: Path, header: Sequence[str], needed: Sequence[str], allowed: Sequence[str]
) -> None:
    known = (*needed, *allowed)
    for name in header:
        if name not in known:
            raise DataError(
                f"{path}: unknown column '{name}'; there are {', '.join(known)}."
                f"{did_you_mean(name, known)}"
            )
    missing = [name for name in needed if name not in header]
    if missing or len(set(header)) != len(header):
        raise DataError(f"{path}: the first line has to name {', '.join(needed)}, each once.")
