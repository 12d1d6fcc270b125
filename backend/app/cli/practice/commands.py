"""`practice start`: a venue of our own on stored bars, to trade at without an account."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from app.cli.context import DEFAULT_MARKET, Context
from app.cli.parameters import AsJson, At, Symbols
from app.cli.practice.coins import MARKET as COINS_MARKET
from app.cli.practice.coins import Wishes, coins_of, face_of, keys_of
from app.cli.practice.serving import Opening, running, tell
from app.core.errors import NotFoundError, UsageError, did_you_mean, of_comma

if TYPE_CHECKING:
    from app.core.bars import BarColumns
    from app.core.calendar import TradingSession
    from app.integrations.practice.venue.floor import Terrain
    from app.integrations.practice.venue.opening import Opened
    from app.integrations.practice.venue.tape import LoadBars

app = typer.Typer(help="A venue of our own, to practise live trading on.")

INTERVAL: Final = "1m"
PRACTICE, BINANCE = "practice", "binance"
_PAST_SESSIONS: Final = 5
_BEFORE_OPEN: Final = dt.timedelta(minutes=5)


@app.callback()
def _practice() -> None:
    """Without a callback, Typer would take the only command for the noun."""


@app.command()
def start(
    symbols: Symbols = None,
    market: Annotated[
        str | None,
        typer.Option(metavar="MARKET", help="A MIC or name; else XNYS, as binance 24/7."),
    ] = None,
    words: Annotated[
        str, typer.Option("--as", metavar="VENUE", help="Whose words it speaks: practice, binance.")
    ] = PRACTICE,
    at: At = None,
    rate: Annotated[
        float | None,
        typer.Option(metavar="RATE", help="Seconds of its time in one of ours; else 1."),
    ] = None,
    ticks: Annotated[bool, typer.Option("--ticks", help="Four trades a minute too.")] = False,
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="0 takes a free one.")
    ] = 8790,
    books: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Of its books; else 'practice' with the data."),
    ] = None,
    cash: Annotated[
        str, typer.Option(metavar="MONEY", help="What new books begin with.")
    ] = "100000",
    participation: Annotated[
        str, typer.Option(metavar="SHARE", help="Of a bar's volume, for all orders together.")
    ] = "0.1",
    stored: Annotated[
        bool, typer.Option("--stored", help="As binance: stored coins, not some of our making.")
    ] = False,
    fees: Annotated[
        str | None, typer.Option(metavar="RATES", help="As binance: a maker's and a taker's.")
    ] = None,
    in_bnb: Annotated[
        bool, typer.Option("--fees-in-bnb", help="As binance: a quarter less, paid in BNB.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Start a practice venue, and keep it going until Ctrl+C.

    Ctrl+C or SIGTERM ends it in order, with exit code 0. Without --at it begins before the sixth
    open that is stored. With --json it tells its address as one object once it is ready.

    \b
    Examples:
      ./start_cli.sh practice start --symbols SYN1 --at 2024-11-04T09:25 --rate 60
      ./start_cli.sh practice start --ticks --port 0 --json
      ./start_cli.sh practice start --as binance --rate 60 --port 0
    """
    if rate is not None and not 0 < rate <= 1e6:
        raise UsageError(f"--rate is {rate}; give a number above 0 and at most 1000000.")
    opening = Opening(at, rate, ticks, port, books, as_json)
    if words == BINANCE:
        rates = "0.001/0.001" if fees is None else fees
        wishes = Wishes(symbols, stored, rates, in_bnb, _money(cash), _share(participation))
        _start_coins(market, opening, wishes)
        return
    if words != PRACTICE:
        known = (PRACTICE, BINANCE)
        raise UsageError(
            f"--as is '{words}'; it is {PRACTICE} or {BINANCE}.{did_you_mean(words, known)}"
        )
    if stored or fees is not None or in_bnb:
        raise UsageError("--stored, --fees and --fees-in-bnb are for --as binance.")
    _start_stored(market or DEFAULT_MARKET, opening, symbols, cash, participation)


def _start_stored(
    market: str, opening: Opening, symbols: str | None, cash: str, participation: str
) -> None:
    """In its own words, on stored bars."""
    context = Context(market)
    names = _symbols(context, symbols)
    terrain, sessions = _terrain(context, names, cash, participation)
    begin = _default_ns(context, sessions), _moment_ns(context, opening.at), opening.rate
    folder = opening.folder(context, "practice")
    opened = _opened(context, folder, terrain, sessions, begin, opening.ticks)
    with running(opened, names, market, opening) as process:
        tell(context, process, names, opening, goes_on=_folder_of(opened, folder))
        process.wait()


def _start_coins(market: str | None, opening: Opening, wishes: Wishes) -> None:
    """The same venue, in Binance's words."""
    if market not in (None, COINS_MARKET):
        raise UsageError(f"--market is {market}; coins are traded on {COINS_MARKET}.")
    context = Context(COINS_MARKET)
    folder = opening.folder(context, "practice-binance")
    coins = coins_of(context, wishes)
    begin = coins.begin_ns, _moment_ns(context, opening.at), opening.rate
    opened = _opened(
        context, folder, coins.terrain, coins.sessions, begin, opening.ticks, coins.load
    )
    whose, is_made = keys_of(context, folder)
    face = face_of(coins, opened, whose)
    with running(opened, coins.names, COINS_MARKET, opening, face) as process:
        goes_on = _folder_of(opened, folder)
        tell(context, process, coins.names, opening, whose, is_made, goes_on)
        process.wait()


def _folder_of(opened: "Opened", folder: Path) -> Path | None:
    """That of books which were there before."""
    return folder if opened.goes_on else None


def _opened(
    context: Context,
    folder: Path,
    terrain: "Terrain",
    sessions: "Sequence[TradingSession]",
    begin: tuple[int, int | None, float | None],
    ticks: bool,
    load: "LoadBars | None" = None,
) -> "Opened":
    from app.integrations.practice.venue.opening import Start, open_on_books
    from app.managers.time_manager.clock import WallClock

    def stored(symbol: str, start_ns: int, end_ns: int) -> "BarColumns":
        return context.data.store.columns(context.market, symbol, INTERVAL, start_ns, end_ns)

    return open_on_books(
        folder,
        terrain,
        stored if load is None else load,
        sessions,
        Start(*begin),
        WallClock().now_ns(),
        ticks=ticks,
    )


def _symbols(context: Context, text: str | None) -> list[str]:
    """What is traded; the sample is made when nothing else is stored."""
    from app.managers.data_manager import sample
    from app.repositories.bar_store_files import Series

    data, market = context.data, context.market
    if text is not None:
        names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
        data.ensure_sample(market, names, INTERVAL)
        for name in names:
            data.store.require(Series(market, name, INTERVAL))
        if not names:
            raise UsageError("--symbols names none; write it as SYN1,SYN2.")
        return names
    stored = [one for one in data.store.series() if one.interval == INTERVAL]
    if not stored and market == sample.MARKET:
        data.make_sample()
        return list(sample.SYMBOLS)
    names = [one.symbol for one in stored if one.market == market]
    if not names:
        hint = did_you_mean(market, {one.market for one in stored})
        raise NotFoundError(
            f"No {INTERVAL} bars on {market} are stored; import some with `data import-csv`.{hint}"
        )
    return names


def _terrain(
    context: Context, names: Sequence[str], cash: str, participation: str
) -> "tuple[Terrain, tuple[TradingSession, ...]]":
    from app.core.money import to_units
    from app.integrations.practice.venue.checks import Sizes
    from app.integrations.practice.venue.floor import Terrain
    from app.repositories.bar_store_files import Series

    data, market = context.data, context.market
    sizes = {}
    for name in names:
        one = data.instrument(market, name)
        units = (to_units(one.tick), to_units(one.lot), to_units(one.multiplier))
        sizes[name] = Sizes(*units, one.currency)
    share = _share(participation)
    terrain = Terrain(
        market,
        sizes,
        lambda symbol, interval, start, end: data.load(market, symbol, interval, start, end)[0],
        share,
        {sizes[names[0]].currency: to_units(_money(cash))},
    )
    infos = [data.store.info(Series(market, name, INTERVAL)) for name in names]
    first, last = min(one.first_ns for one in infos), max(one.last_ns for one in infos)
    days = (context.time.to_local(first).date(), context.time.to_local(last).date())
    sessions = context.time.known_sessions(days[0], days[1] + dt.timedelta(days=1))
    held = [session for session in sessions if session.open_ns <= last]
    if not held:
        raise NotFoundError(f"No session of {market} holds a stored bar of {', '.join(names)}.")
    adjustments = [one for name in names for one in data.adjustments(market, name, held)]
    return terrain._replace(adjustments=adjustments), tuple(held)


def _default_ns(context: Context, sessions: "Sequence[TradingSession]") -> int:
    """Before the first open that has some history, for those who trade there."""
    opens = context.time.to_local(sessions[min(_PAST_SESSIONS, len(sessions) - 1)].open_ns)
    return context.time.to_ns(opens - _BEFORE_OPEN)


def _moment_ns(context: Context, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--at '{text}' is no time; write it as 2024-03-08T09:25.") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=context.time.zone())
    return context.time.to_ns(moment)


def _money(text: str) -> Decimal:
    return _decimal("--cash", text)


def _share(text: str) -> Decimal:
    share = _decimal("--participation", text)
    if not 0 < share <= 1:
        raise UsageError(f"--participation is {text}; give a number above 0, at most 1.")
    return share


def _decimal(name: str, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise UsageError(f"{name} is '{text}', which is no number.{of_comma(text)}") from error
    if not number.is_finite() or abs(number) > 10**12:
        raise UsageError(f"{name} is {text}; give a plain number.")
    return number
