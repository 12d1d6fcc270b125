"""Random markets: thin symbols, lost days, half days, breaks, extended hours, corporate actions."""

import datetime as dt
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
from hypothesis import strategies as st

from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment, CorporateAction
from app.core.intervals import DAY_NS, MINUTE_NS, interval_ns
from app.managers.system_manager.needs.market import Market
from app.services.adjust import combine
from tests.market import BLOCKS, SCALE, config_of, market_of, weekday_sessions

FIRST = dt.date(2024, 3, 6)  # the clocks change that weekend
EXECUTION: tuple[dict[str, Any], ...] = (  # one of these, by the seed
    {},
    {"fees": "ib_tiered", "slippage": {"kind": "bps", "amount": 3}},
    {"fees": "ib_fixed", "slippage": {"kind": "fixed", "amount": 0.013, "impact_bps": 40}},
    {"fees": "binance_spot", "latency_ms": 90_000, "limit_fill": "through"},
    {"slippage": {"kind": "volatility", "amount": 0.7, "impact_bps": 20, "bars": 7}},
    {"slippage": {"kind": "spread", "amount": 0.7}},
    {"same_bar": "best", "fees": "ib_fixed"},
    {"same_bar": "ohlc_path", "limit_fill": "through"},
    {"market_fill": "this_close", "slippage": {"kind": "bps", "amount": 3}},
    {"market_fill": "this_close", "same_bar": "best"},
)
RISK: tuple[dict[str, Any], ...] = (  # beside the usual, one of these, by the seed
    {"max_daily_loss": 40, "max_leverage": "0.2", "max_open_orders": 3, "oversize": "cut"},
    {},
    {"max_drawdown_percent": "0.1", "max_gross_value": 9_000, "max_open_positions": 2},
    {"max_daily_loss_percent": "0.05", "max_net_value": 6_000, "oversize": "cut"},
    {"max_orders_per_minute": 3, "max_orders_per_day": 40, "duplicate_seconds": 90},
    {"max_spread_bps": 11, "max_volatility_percent": "0.16", "price_collar_percent": "0.1"},
    {"min_data_quality_percent": 80, "max_data_age_seconds": 150, "no_entries_first_minutes": 5,
     "no_entries_last_minutes": 5},
)  # fmt: skip
STRATEGIES = ("Reader", "OnFive", "OnSeveral", "OnHours")


class Action(msgspec.Struct, frozen=True):
    """A corporate action of a symbol, by their numbers, at a session."""

    symbol: int
    session: int
    kind: str
    value: Decimal


class Spec(msgspec.Struct, frozen=True):
    """A market and a config over it, small enough to be shown when a proof fails."""

    seed: int
    base: str
    sessions: int
    history: int  # of the sessions, how many lie before the run
    minutes: int
    half_days: frozenset[int]
    gapless: bool  # one session follows the other without a pause
    broken: bool  # a break in the middle of each session
    extended: bool
    keep: tuple[float, ...]  # by symbol: the share of minutes that have a bar
    empty: frozenset[tuple[int, int]]  # symbol and session without any bar
    actions: tuple[Action, ...]
    strategies: tuple[str, ...]
    declared: dict[str, Any]  # history by interval, "base" for the base
    participation: float | None
    allow_short: bool

    @property
    def symbols(self) -> list[str]:
        """Their names, not in the order of the alphabet."""
        return [f"S{9 - number}" for number in range(len(self.keep))]

    def calendar(self) -> tuple[TradingSession, ...]:
        """The sessions, history included."""
        if self.gapless:
            return self._gapless()
        plain = weekday_sessions(FIRST, self.sessions, self.minutes, self.half_days)
        return tuple(self._shaped(session) for session in plain)

    def _gapless(self) -> tuple[TradingSession, ...]:
        first_ns = (FIRST - dt.date(1970, 1, 1)).days * DAY_NS
        bounds = [
            first_ns + number * self.minutes * MINUTE_NS for number in range(self.sessions + 1)
        ]
        return tuple(
            TradingSession("24/7", FIRST + dt.timedelta(days=n), bounds[n], bounds[n + 1])
            for n in range(self.sessions)
        )

    def _shaped(self, session: TradingSession) -> TradingSession:
        half_ns = (session.close_ns - session.open_ns) // 2 // MINUTE_NS * MINUTE_NS
        middle_ns = session.open_ns + half_ns
        return msgspec.structs.replace(
            session,
            breaks=((middle_ns, middle_ns + 2 * MINUTE_NS),) if self.broken else (),
            pre_open_ns=session.open_ns - 25 * MINUTE_NS,
            post_close_ns=session.close_ns + 17 * MINUTE_NS,
        )

    def bars(self) -> dict[tuple[str, str], BarColumns]:
        """The base bars of every symbol; prices in cents, volumes with many digits."""
        return {
            (name, self.base): self._walk(number, name) for number, name in enumerate(self.symbols)
        }

    def block_sizes(self) -> tuple[int, ...]:
        """Of `BLOCKS` those that cut the run's rows differently: what holds all is one block."""
        first_ns = self.calendar()[self.history].segments(extended_hours=True)[0].start_ns
        rows = sum(int((bars.start_ns >= first_ns).sum()) for bars in self.bars().values())
        return (*(size for size in BLOCKS[:-1] if size < rows), BLOCKS[-1])

    def _walk(self, number: int, name: str) -> BarColumns:
        rng = np.random.default_rng((self.seed, number))
        starts = self._starts(number, rng)
        count = len(starts)
        close = np.maximum(5_000 + np.cumsum(rng.integers(-4, 5, count)), 100)
        open_ = np.maximum(close + rng.integers(-3, 4, count), 100)
        high = np.maximum(open_, close) + rng.integers(0, 3, count)
        low = np.minimum(open_, close) - rng.integers(0, 3, count)
        volume = np.round(rng.exponential(200.0, count), 3)
        return BarColumns(starts, open_ / 100, high / 100, low / 100, close / 100, volume)

    def _starts(self, number: int, rng: np.random.Generator) -> np.ndarray:
        step_ns = interval_ns(self.base)
        parts = [np.empty(0, np.int64)]
        for place, session in enumerate(self.calendar()):
            for part in session.segments(extended_hours=True):
                if (number, place) not in self.empty:
                    parts.append(np.arange(part.start_ns, part.end_ns, step_ns))
        starts = np.concatenate(parts)
        return starts[rng.random(len(starts)) < self.keep[number]]

    def known_ns(self, starts: np.ndarray) -> np.ndarray:
        """When the bars with these starts are complete."""
        known = starts + interval_ns(self.base)
        for session in self.calendar():
            for part in session.segments(extended_hours=True):
                inside = (starts >= part.start_ns) & (starts < part.end_ns)
                known[inside] = np.minimum(known[inside], part.end_ns)
        return known

    def adjustments(self, bars: dict[tuple[str, str], BarColumns]) -> list[Adjustment]:
        """The actions as the data manager would hand them over, from the bars before each."""
        found: dict[tuple[int, int], list[CorporateAction]] = {}
        sessions = self.calendar()
        for action in sorted(self.actions, key=lambda a: (a.session, a.symbol)):
            name, date = self.symbols[action.symbol], sessions[action.session].date
            item = CorporateAction(name, date, action.kind, action.value)
            found.setdefault((action.session, action.symbol), []).append(item)
        adjustments = []
        for (place, symbol), items in found.items():
            columns = bars[self.symbols[symbol], self.base]
            before = int(
                np.searchsorted(columns.start_ns, sessions[place].open_ns - 25 * MINUTE_NS)
            )
            close = float(columns.close[before - 1]) if before else None
            adjustments.append(combine(items[0].symbol, sessions[place].date, items, close))
        return adjustments

    def market(self) -> Market:
        """The market, with its sessions before the run as history."""
        bars = self.bars()
        return market_of(self.calendar(), bars, self.symbols, self.history, self.adjustments(bars))

    def _rules(self) -> dict[str, Any]:
        return EXECUTION[self.seed % len(EXECUTION)]

    def config(self, block_rows: int = 8192, runner: str = "inline", speed: Any = "max") -> Any:
        """The config of a run over it."""
        strategies = [
            {
                "use": f"tests.stream_strategies:{name}",
                "name": f"{name} {number}",
                "params": {"salt": self.seed + number},
            }
            for number, name in enumerate(self.strategies)
        ]
        return config_of(
            self.symbols,
            strategies,
            base_interval=self.base,
            derived_intervals=tuple(i for i in ("5m", "15m", "1h", "1d") if i != self.base),
            history={i.replace("base", self.base): count for i, count in self.declared.items()},
            extended_hours=self.extended,
            execution={"participation": self.participation, **self._rules()},
            risk={
                "allow_short": self.allow_short,
                "max_position_quantity": Decimal(150),
                **RISK[self.seed // len(EXECUTION) % len(RISK)],
            },
            engine={"block_rows": block_rows, "runner": runner},
            speed=speed,
        )


def actions_of(symbols: int, sessions: int) -> st.SearchStrategy[Action]:
    """A split, also a reverse one, or a dividend, at any session."""
    ratios = st.sampled_from([Decimal(2), Decimal("0.5"), Decimal("1.5"), Decimal(4)])
    amounts = st.sampled_from([Decimal("0.25"), Decimal("0.3333"), Decimal("0.01")])
    places = st.integers(0, symbols - 1), st.integers(0, sessions - 1)
    return st.one_of(
        st.builds(Action, *places, st.just("split"), ratios),
        st.builds(Action, *places, st.just("dividend"), amounts),
    )


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    """Any market of up to four symbols and five sessions, and any of the strategies.

    Not all at once, but in a hunt: the few largest would take most of the time of every proof.
    """
    symbols = draw(st.integers(1, 4))
    few = symbols < 3 or SCALE > 1
    sessions = draw(st.integers(2, 5 if SCALE > 1 else max(3, 6 - symbols)))
    numbers = st.tuples(st.integers(0, symbols - 1), st.integers(0, sessions - 1))
    # Only hours need longer sessions to go on within them.
    brief = st.integers(12, 36)
    minutes = st.one_of(brief, brief, st.integers(60, 90)) if few else brief
    strategies = st.lists(st.sampled_from(STRATEGIES), min_size=1, max_size=3 if few else 2)
    shares = st.sampled_from([1.0, 0.9, 0.5, 0.1])
    return Spec(
        seed=draw(st.integers(0, 10**6)),
        base=draw(st.sampled_from(["1m", "1m", "1m", "5m"])),
        sessions=sessions,
        history=draw(st.integers(0, sessions - 1)),
        minutes=draw(minutes),
        half_days=draw(st.frozensets(st.integers(0, sessions - 1), max_size=2)),
        gapless=draw(st.integers(0, 4)) == 0,
        broken=draw(st.booleans()),
        extended=draw(st.booleans()),
        keep=tuple(draw(st.lists(shares, min_size=symbols, max_size=symbols))),
        empty=draw(st.frozensets(numbers, max_size=3)),
        actions=tuple(draw(st.lists(actions_of(symbols, sessions), max_size=3))),
        strategies=tuple(draw(strategies)),
        declared=draw(st.sampled_from([{}, {"1d": 3}, {"base": "all"}, {"15m": 8, "1h": 8}])),
        participation=draw(st.sampled_from([None, 0.1, 0.35])),
        allow_short=draw(st.booleans()),
    )


def small_specs() -> st.SearchStrategy[Spec]:
    """Those of a few hundred rows at most, where each of them is run often or closely watched."""
    return specs().filter(lambda spec: len(spec.block_sizes()) < len(BLOCKS) or SCALE > 1)


def busy_spec() -> Spec:
    """One market with everything in it."""
    return Spec(
        seed=11,
        base="1m",
        sessions=5,
        history=2,
        minutes=30,
        half_days=frozenset({3}),
        gapless=False,
        broken=True,
        extended=True,
        keep=(1.0, 0.9, 0.4),
        empty=frozenset({(1, 3)}),
        actions=(
            Action(0, 1, "split", Decimal(2)),
            Action(1, 3, "split", Decimal("0.5")),
            Action(0, 4, "dividend", Decimal("0.25")),
        ),
        strategies=("Reader", "OnSeveral"),
        declared={},
        participation=0.1,
        allow_short=True,
    )
