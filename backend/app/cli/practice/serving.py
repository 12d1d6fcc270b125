"""A practice venue's process, whoever's words it speaks: where it is told to be, and its end."""

import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import typer

from app.cli.context import Context
from app.cli.terminal.output import print_json

if TYPE_CHECKING:
    from app.integrations.binance.peer.face import BinanceFace
    from app.integrations.binance.peer.signatures import Account
    from app.integrations.practice.venue.opening import Opened
    from app.integrations.practice.venue.process import VenueProcess


class Opening(NamedTuple):
    """How a venue is opened, whoever's words it speaks."""

    at: str | None
    rate: float | None
    ticks: bool
    port: int
    books: Path | None
    as_json: bool

    def folder(self, context: Context, usual: str) -> Path:
        return context.settings.data_folder / usual if self.books is None else self.books


def tell(
    context: Context,
    process: "VenueProcess",
    names: Sequence[str],
    opening: Opening,
    whose: "Account | None" = None,
    is_made: bool = False,
    goes_on: Path | None = None,
) -> None:
    """Where it is, and what a config needs to trade there; `goes_on` is the folder of old books."""
    told, place = process.time(), urlsplit(process.url)
    now = context.time.to_local(told.venue_ns)
    more: dict[str, Any] = {}
    if whose is not None:
        more["live"] = {"venue": "binance", "url": process.url, "broker": "venue"}
    if whose is not None and is_made:
        more |= {"key": whose.key, "secret": whose.secret}
    if opening.as_json:
        print_json({
            "url": process.url, "host": place.hostname, "port": place.port,
            "market": context.market, "symbols": names, "now": now, "rate": told.rate,
            "goes_on": goes_on is not None, **more,
        })  # fmt: skip
    else:
        typer.echo(
            f"Practice venue{' in the words of Binance' if whose else ''} at {process.url}:"
            f" {', '.join(names)} on {context.market}, from {now:%Y-%m-%d %H:%M:%S %Z} at rate"
            f" {told.rate:g}. Ctrl+C ends it."
        )
        if goes_on is not None:
            typer.echo(
                f"It goes on with the books in {goes_on}, from where they stood: to begin anew,"
                " delete that folder or name another with --books."
            )
        for line in _lines_of(more) if whose else ():
            typer.echo(line)
    sys.stdout.flush()


def _lines_of(more: Mapping[str, Any]) -> Iterator[str]:
    yield f'A config trades there with  "live": {json.dumps(more["live"])}'
    if "key" in more:
        yield "and with these keys, which are good here alone:"
        yield f"export MISMARTERA_BINANCE_KEY={more['key']}"
        yield f"export MISMARTERA_BINANCE_SECRET={more['secret']}"
    else:
        yield "and with the keys that the environment has (MISMARTERA_BINANCE_KEY and _SECRET)."


@contextmanager
def running(
    opened: "Opened",
    names: Sequence[str],
    market: str,
    opening: Opening,
    face: "BinanceFace | None" = None,
) -> "Iterator[VenueProcess]":
    """Its process, ended in order by Ctrl+C or SIGTERM."""
    from app.integrations.practice.venue.process import VenueProcess
    from app.integrations.practice.wire import About
    from app.managers.time_manager.clock import WallClock

    about = About(market, list(names), 0, opening.ticks)
    process = VenueProcess(opened.venue, opened.clock, about, WallClock(), opening.port, face)

    def on_signal(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
        process.ask_to_stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    process.start()
    try:
        yield process
    finally:
        process.close()
        opened.file.close()
