"""`practice start --as binance`: the coins that are traded, fees, keys, and Binance's words."""

import datetime as dt
import os
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from app.cli.context import Context
from app.core.calendar import TradingSession
from app.core.errors import NotFoundError, UsageError, did_you_mean
from app.core.intervals import DAY_NS, MINUTE_NS, interval_ns

if TYPE_CHECKING:
    from app.integrations.binance.peer.face import BinanceFace
    from app.integrations.binance.peer.fees import Fees, LastPrice
    from app.integrations.binance.peer.signatures import Account
    from app.integrations.practice.venue.floor import Terrain
    from app.integrations.practice.venue.opening import Opened
    from app.integrations.practice.venue.tape import LoadBars

MARKET: Final = "24/7"
_INTERVAL: Final = "1m"
_FIRST, _LAST = dt.date(2024, 1, 1), dt.date(2029, 12, 31)  # of the coins of our own making
_BEGIN: Final = dt.date(2024, 11, 4)
_BEGIN_HOURS: Final = 12
_USUAL: Final = ("BTC/USDT", "ETH/USDT")
_SYMBOL: Final = re.compile("[A-Z0-9]+/[A-Z0-9]+")
_BNB_AT_FIRST: Final = 10  # coins, where fees are paid in them


class Wishes(NamedTuple):
    """What is asked for by the options."""

    symbols: str | None
    is_stored: bool
    fees: str
    in_bnb: bool
    cash: Decimal
    participation: Decimal


class Coins(NamedTuple):
    """What a peer stands on."""

    names: list[str]
    terrain: "Terrain"
    sessions: tuple[TradingSession, ...]
    load: "LoadBars"
    fees: "Fees"
    begin_ns: int


def coins_of(context: Context, wishes: Wishes) -> Coins:
    """Stored coins, or some of our own making."""
    from app.core.money import UNITS, to_units
    from app.integrations.binance.peer.fees import BNB, Fees
    from app.integrations.binance.peer.intervals import longer
    from app.integrations.practice.venue.checks import Sizes
    from app.integrations.practice.venue.floor import Terrain

    names = _names(context, wishes)
    load = _stored_bars(context) if wishes.is_stored else _made_bars()
    sessions = _stored_sessions(context, names) if wishes.is_stored else _sessions(_FIRST, _LAST)
    sizes = {}
    for name in names:
        one = context.data.instrument(MARKET, name)
        sizes[name] = Sizes(to_units(one.tick), to_units(one.lot), UNITS, name.partition("/")[2])
    last_price = _last_price(context, wishes.is_stored, load)
    fees = Fees(*_rates(wishes.fees), last_price if wishes.in_bnb else None)
    cash = {sizes[names[0]].currency: to_units(wishes.cash)}
    if wishes.in_bnb:
        cash[BNB] = _BNB_AT_FIRST * UNITS
    terrain = Terrain(
        MARKET,
        sizes,
        lambda symbol, interval, start_ns, end_ns: longer(
            load(symbol, start_ns, end_ns), interval_ns(interval)
        ),
        wishes.participation,
        cash,
        charge=fees.of,
    )
    begin_ns = _midnight_ns(_BEGIN) + _BEGIN_HOURS * DAY_NS // 24
    if wishes.is_stored:
        begin_ns = sessions[0].open_ns
    return Coins(names, terrain, sessions, load, fees, begin_ns)


def face_of(coins: Coins, opened: "Opened", whose: "Account") -> "BinanceFace":
    """Binance's words for a venue that is open."""
    from app.integrations.binance.peer.face import BinanceFace
    from app.integrations.binance.peer.ground import Ground

    ground = Ground(opened.venue, opened.books, coins.terrain.sizes, coins.load, coins.fees)
    return BinanceFace(ground, whose)


def keys_of(context: Context, folder: Path) -> "tuple[Account, bool]":
    """Whose requests are taken, and whether the keys were made here and may be shown."""
    import numpy as np

    from app.integrations.binance.peer.keys import made_keys
    from app.integrations.binance.peer.signatures import Account
    from app.managers.time_manager.clock import WallClock

    key, secret = context.settings.binance_key, context.settings.binance_secret
    if key is None or secret is None:
        chance = np.random.default_rng([WallClock().now_ns(), os.getpid()])
        return made_keys(folder, chance), True
    return Account(key.get_secret_value(), secret.get_secret_value()), False


def _names(context: Context, wishes: Wishes) -> list[str]:
    from app.integrations.binance.peer.made_coins import COINS
    from app.repositories.bar_store_files import Series

    stored = [one.symbol for one in context.data.store.series()
              if (one.market, one.interval) == (MARKET, _INTERVAL)]  # fmt: skip
    usual = stored if wishes.is_stored else list(_USUAL)
    if wishes.symbols is None:
        names = [name for name in usual if _SYMBOL.fullmatch(name)]
    else:
        names = [name.strip() for name in wishes.symbols.split(",") if name.strip()]
    names = list(dict.fromkeys(names))
    if not names and wishes.symbols is not None:
        raise UsageError("--symbols names none; write it as BTC/USDT,ETH/USDT.")
    if not names:
        raise NotFoundError(
            f"No {_INTERVAL} bars of coins on {MARKET} are stored; import some with `data"
            f" import-csv`, or leave --stored out to trade {', '.join(COINS)} of our own making."
        )
    for name in names:
        if not _SYMBOL.fullmatch(name):
            raise UsageError(f"'{name}' is no symbol of Binance; write it as BTC/USDT.")
        if wishes.is_stored:
            context.data.store.require(Series(MARKET, name, _INTERVAL))
        elif name not in COINS:
            raise NotFoundError(
                f"There is no '{name}' of our own making; there are {', '.join(COINS)}."
                f"{did_you_mean(name, COINS)} With --stored the stored bars are traded."
            )
    return names


def _made_bars() -> "LoadBars":
    from app.integrations.binance.peer.made_coins import minutes_of

    first_ns, last_ns = _midnight_ns(_FIRST), _midnight_ns(_LAST) + DAY_NS
    return lambda symbol, start_ns, end_ns: minutes_of(
        symbol, max(start_ns, first_ns), min(end_ns, last_ns)
    )


def _stored_bars(context: Context) -> "LoadBars":
    store = context.data.store
    return lambda symbol, start_ns, end_ns: store.columns(
        MARKET, symbol, _INTERVAL, start_ns, end_ns
    )


def _stored_sessions(context: Context, names: Sequence[str]) -> tuple[TradingSession, ...]:
    from app.repositories.bar_store_files import Series

    infos = [context.data.store.info(Series(MARKET, name, _INTERVAL)) for name in names]
    first, last = min(one.first_ns for one in infos), max(one.last_ns for one in infos)
    return _sessions(context.time.to_local(first).date(), context.time.to_local(last).date())


def _sessions(first: dt.date, last: dt.date) -> tuple[TradingSession, ...]:
    """Every day of UTC is one."""
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    opens = [(day, _midnight_ns(day)) for day in days]
    return tuple(TradingSession(MARKET, day, at_ns, at_ns + DAY_NS) for day, at_ns in opens)


def _midnight_ns(day: dt.date) -> int:
    return (day - dt.date(1970, 1, 1)).days * DAY_NS


def _last_price(context: Context, is_stored: bool, load: "LoadBars") -> "LastPrice":
    from app.integrations.binance.peer.made_coins import COINS
    from app.repositories.bar_store_files import Series

    def last_price(symbol: str, at_ns: int) -> float | None:
        series = Series(MARKET, symbol, _INTERVAL)
        if not (context.data.store.has(series) if is_stored else symbol in COINS):
            return None
        known = load(symbol, at_ns - DAY_NS, at_ns - MINUTE_NS + 1)
        return float(known.close[-1]) if len(known) else None

    return last_price


def _rates(text: str) -> tuple[Decimal, Decimal]:
    """`0.001/0.001`: of a maker, of a taker."""
    try:
        maker, taker = (Decimal(part) for part in text.split("/"))
    except (ValueError, ArithmeticError) as error:
        raise UsageError(
            f"--fees is '{text}'; write the maker's and the taker's rate as 0.001/0.001."
        ) from error
    if not (0 <= maker < 1 and 0 <= taker < 1):
        raise UsageError(f"--fees is {text}; each rate is at least 0 and below 1.")
    return maker, taker
