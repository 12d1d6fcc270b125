"""`data instruments` and `data actions`: what is traded, and its splits and dividends."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from app.cli.context import DEFAULT_MARKET, Context
from app.cli.parameters import AsJson, Market, Symbol
from app.cli.terminal.output import console, print_json, print_table

instruments = typer.Typer(help="Tick, lot, multiplier and currency.", rich_markup_mode=None)
actions = typer.Typer(help="Splits and cash dividends.", rich_markup_mode=None)

Size = Annotated[str | None, typer.Option(metavar="SIZE", help="A number above zero.")]
CsvFile = Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file.")]


@instruments.command("list")
def list_instruments(
    market: Annotated[
        str | None, typer.Option(metavar="MARKET", help="Of this market only; else of all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The instruments that were set; all others have their market's defaults.

    \b
    Example:
      ./start_cli.sh data instruments list
    """
    found = Context().data.instruments(market)
    _print("Instruments", [msgspec.structs.asdict(one) for one in found], as_json)


@instruments.command("set")
def set_instrument(
    symbol: Symbol,
    market: Market = DEFAULT_MARKET,
    tick: Size = None,
    lot: Size = None,
    multiplier: Size = None,
    least_value: Annotated[
        str | None, typer.Option(metavar="SIZE", help="That an entry has to be worth.")
    ] = None,
    currency: Annotated[str | None, typer.Option(metavar="CURRENCY", help="Such as USD.")] = None,
    as_json: AsJson = False,
) -> None:
    """Set an instrument's sizes; those not given stay as they are.

    \b
    Example:
      ./start_cli.sh data instruments set ES --market CMES --tick 0.25 --multiplier 50
    """
    given = {"tick": tick, "lot": lot, "multiplier": multiplier, "least_value": least_value}
    sizes = {name: text for name, text in given.items() if text is not None}
    instrument = Context(market).data.set_instrument(market, symbol, sizes, currency)
    row = msgspec.structs.asdict(instrument)
    if as_json:
        print_json(row)
    else:
        _print("Instrument", [row], as_json=False)


@instruments.command("import")
def import_instruments(
    file: CsvFile, market: Market = DEFAULT_MARKET, as_json: AsJson = False
) -> None:
    """Set instruments from a CSV file.

    Its columns: symbol, and any of market, tick, lot, multiplier, least_value, currency.

    \b
    Example:
      ./start_cli.sh data instruments import instruments.csv
    """
    found = Context(market).data.import_instruments(file, market)
    _print("Instruments set", [msgspec.structs.asdict(one) for one in found], as_json)


@actions.command("list")
def list_actions(
    symbol: Annotated[
        str | None, typer.Argument(metavar="SYMBOL", help="Of this symbol only; else of all.")
    ] = None,
    market: Market = DEFAULT_MARKET,
    as_json: AsJson = False,
) -> None:
    """The corporate actions of a market, by symbol and ex-date.

    \b
    Example:
      ./start_cli.sh data actions list SYN2
    """
    found = Context(market).data.actions(market, symbol)
    _print(f"Actions on {market}", [msgspec.structs.asdict(one) for one in found], as_json)


@actions.command("import")
def import_actions(file: CsvFile, market: Market = DEFAULT_MARKET, as_json: AsJson = False) -> None:
    """Set corporate actions from a CSV file.

    Its columns: symbol, ex_date, kind (split, dividend), value. A split's value is
    the new shares for one old share, a dividend's the cash per share.

    \b
    Example:
      ./start_cli.sh data actions import actions.csv --market XNYS
    """
    counts = Context(market).data.import_actions(file, market)
    if as_json:
        print_json(msgspec.structs.asdict(counts))
    else:
        console.print(
            f"{counts.added} actions added, {counts.same} the same, {counts.changed} changed"
        )


def _print(title: str, rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(rows)
    elif rows:
        print_table(title, list(rows[0]), [list(row.values()) for row in rows])
    else:
        console.print(f"{title}: none.")
