"""Whole runs in accounts of every kind: tight, cash alone, in debt, in several currencies."""

import datetime as dt
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.test_stream_causality import another_future, decided
from tests.market import (
    SCALE,
    Memory,
    Outcome,
    config_of,
    differences,
    execute,
    market_of,
    minute_starts,
    outcome_of,
    random_bars,
    weekday_sessions,
    wired,
)
from tests.random_market import Action, Spec, specs
from tests.stream_strategies import Reader

from app.core.bars import BarColumns
from app.core.config import AccountConfig, SessionConfig
from app.core.errors import ConfigError
from app.core.instruments import Instrument
from app.core.intervals import DAY_NS, MINUTE_NS
from app.managers.system_manager.needs.market import Market
from app.managers.system_manager.needs.rates import rates_of
from app.managers.system_manager.record.attribution import book_results, strategy_results
from app.managers.system_manager.wiring import Run
from app.strategies import Bar, Strategy, TradingSession

KINDS: dict[str, dict[str, Any]] = {
    "tight": {"cash": 3000, "leverage": 1.5, "margin_rate": 0.9, "borrow_rate": 0.7},
    "deep": {"cash": 500, "leverage": 20, "margin_rate": 0.4},
    "cash": {"cash": 3000, "kind": "cash"},
    "books": {"cash": 2000, "books": {"EUR": 1500}, "rates": {"EUR": "E/USD", "JPY": "J/USD"}},
    "cash books": {"cash": 2500, "books": {"EUR": 2500, "JPY": 10}, "kind": "cash"},
}
KINDS["books"] |= {"margin_rate": 0.5, "borrow_rate": 0.5}


class Changer(Reader):
    """A Reader that moves money between its books by what it has read, and notes what it has."""

    def _act(self, digest: int) -> None:
        books = self._context.engine.execution.account.books  # type: ignore[attr-defined]
        if len(books) > 1:
            for currency in books:
                self._note(currency, self.cash_in(currency))
            names = sorted(books)
            source, target = names[digest % 3], names[(digest + 1 + digest // 7 % 2) % 3]
            amount = digest // 128 % 900
            if digest % 11 == 0 and 0 < amount <= self.cash_in(source):
                self.convert(amount, source, target)
        super()._act(digest)


def placed(spec: Spec, kind: str, block_rows: int) -> tuple[SessionConfig, Market]:
    """A market's run in an account of this kind."""
    plain = spec.config(block_rows)
    use = f"{__name__}:Changer"
    changers = tuple(item.model_copy(update={"use": use}) for item in plain.strategies)
    account = AccountConfig.model_validate(KINDS[kind])
    config = plain.model_copy(update={"account": account, "strategies": changers})
    return config, settled(spec, kind, spec.market())


def settled(spec: Spec, kind: str, market: Market) -> Market:
    """The market with several currencies, where the account has several books."""
    if "books" in kind:
        rng = np.random.default_rng(spec.seed)
        rates = {
            session.date: {
                "EUR": round(float(rng.uniform(0.8, 1.3)), 4),
                "JPY": float(rng.uniform(0.5, 2)),
            }
            for session in market.sessions
        }
        instruments = [
            Instrument("XNYS", name, currency=("EUR", "USD", "JPY")[number % 3])
            for number, name in enumerate(spec.symbols)
        ]
        return msgspec.structs.replace(market, instruments=instruments, rates=rates)
    return market


def check_sums(run: Run) -> None:
    """The account is the sum of its strategies, and of the interest on its cash, per currency."""
    account = run.execution.account
    rows = strategy_results(account, [seat.name for seat in run.seats], run.last_close)
    for book in book_results(account, run.last_close):
        mine = [row for row in rows if row.currency == book.currency]
        for name in ("realised", "unrealised", "income"):
            assert getattr(book, name) == sum(getattr(row, name) for row in mine)
        assert book.fees + book.borrow == sum(row.costs for row in mine)
        result = sum(row.result for row in mine) - book.interest
        assert book.cash + book.value == book.opening + book.transfers + result
        for row in mine:
            assert row.result == row.realised + row.unrealised + row.income - row.costs


def lived(spec: Spec, kind: str, block_rows: int) -> Outcome:
    run, results = wired(*placed(spec, kind, block_rows))
    outcome = outcome_of(run, results)
    check_sums(run)
    return outcome


@given(specs(), st.sampled_from(sorted(KINDS)))
@settings(max_examples=10 * SCALE)
def test_an_account_is_the_same_for_every_block_size(spec: Spec, kind: str) -> None:
    outcomes = [lived(spec, kind, block_rows) for block_rows in spec.block_sizes()]
    for outcome in outcomes[:-1]:
        assert not differences(outcomes[-1], outcome)


@given(specs(), st.sampled_from(sorted(KINDS)), st.integers(0, 10**6), st.sampled_from([1, 8192]))
@settings(max_examples=15 * SCALE)
def test_no_later_bar_split_or_rate_changes_what_an_account_allows(
    spec: Spec, kind: str, place: int, block_rows: int
) -> None:
    known = execute(*placed(spec, kind, 390))
    instants = [note[0] for notes in known.seen for note in notes]
    until_ns = sorted(instants)[place % len(instants)]
    later = (Action(0, spec.sessions - 1, "split", Decimal(4)),)
    market = settled(spec, kind, another_future(spec, until_ns, later, 0.5, cut=False))
    starts = {s.date: s.segments(spec.extended)[0].start_ns for s in market.sessions}
    rates = {
        date: {name: rate * (1 if starts[date] <= until_ns else 7) for name, rate in found.items()}
        for date, found in market.rates.items()
    }
    other = execute(placed(spec, kind, block_rows)[0], msgspec.structs.replace(market, rates=rates))
    assert decided(other, until_ns) == decided(known, until_ns)


class EquityNotes(Changer):
    """Notes the account's equity on every bar."""

    def on_bar(self, bar: Bar) -> None:
        self.seen.append((self.now_ns, "equity", float(self.equity)))
        super().on_bar(bar)


@given(specs(), st.sampled_from(["books", "tight"]), st.sampled_from([1, 7, 8192]))
@settings(max_examples=15 * SCALE)
def test_the_curve_is_the_equity_a_strategy_reads(spec: Spec, kind: str, block_rows: int) -> None:
    alone = msgspec.structs.replace(spec, strategies=("Reader",), gapless=False)
    config, market = placed(alone, kind, block_rows)
    opens = config.execution.model_copy(update={"market_fill": "next_open"})
    config = config.model_copy(update={"execution": opens})
    use = f"{__name__}:EquityNotes"
    readers = tuple(item.model_copy(update={"use": use}) for item in config.strategies)
    outcome = execute(config.model_copy(update={"strategies": readers}), market)
    curve = dict(outcome.equity)
    # What is for the close fills, and is charged, after the last hook of a bar has read.
    closes = {session.close_ns for session in alone.calendar()}
    notes = [note for note in outcome.seen[0] if note[1] == "equity" and note[0] not in closes]
    read = [(note[0], note[2]) for note in notes]
    assert [value for _, value in read] == pytest.approx(
        [curve[ns] for ns, _ in read], rel=1e-9, abs=1e-6
    )
    # Without a bar at the last close there is no point of the curve for what happened after it.
    if outcome.equity and outcome.equity[-1][0] == alone.calendar()[-1].close_ns:
        assert float(outcome.final_equity) == pytest.approx(outcome.equity[-1][1], rel=1e-9)


def test_orders_beyond_an_account_s_means_are_refused_in_random_lives() -> None:
    """The accounts above are tight enough to matter, and what is refused never fills."""
    reasons: set[str] = set()
    for kind in KINDS:
        spec = busy_spec()
        config, market = placed(spec, kind, 8192)
        reasons |= {str(row[7]).split(":")[0] for row in execute(config, market).orders}
    assert {"buying_power", "cash_account"} <= reasons


def busy_spec() -> Spec:
    return Spec(
        seed=5, base="1m", sessions=4, history=1, minutes=40, half_days=frozenset(),
        gapless=False, broken=False, extended=False, keep=(1.0, 1.0, 0.9), empty=frozenset(),
        actions=(), strategies=("Reader", "Reader"), declared={}, participation=None,
        allow_short=True,
    )  # fmt: skip


# -- by hand ---------------------------------------------------------------------------------------


class Abroad(Strategy):
    """Buys a hundred at its first open, and pays for them the day after."""

    def setup(self) -> None:
        self.days = 0
        self.seen: list[tuple[object, ...]] = []

    def on_session_open(self, session: TradingSession) -> None:
        self.days += 1
        if self.days == 1:
            self.order_target(self.symbols[0], 100)
        if self.days == 2:
            self.convert(1100, "USD", "EUR")

    def on_session_close(self, session: TradingSession) -> None:
        self.seen.append((self.cash_in("USD"), self.cash_in("EUR"), self.cash, self.equity))


@pytest.mark.parametrize("block_rows", [1, 7, 8192])
def test_a_position_abroad_by_hand(block_rows: int) -> None:
    sessions = weekday_sessions(dt.date(2024, 6, 7), 2, 5)  # a Friday and a Monday
    starts = minute_starts(sessions)
    price = np.full(len(starts), 10.0)
    bars = {("A", "1m"): BarColumns(starts, price, price, price, price, price * 1e6)}
    account = {"cash": 5000, "books": {"EUR": 100}, "rates": {"EUR": "X"}, "margin_rate": 0.36}
    config = config_of(
        ["A"], [f"{__name__}:Abroad"], account=account,
        engine={"block_rows": block_rows, "runner": "inline"},
    )  # fmt: skip
    market = msgspec.structs.replace(
        market_of(sessions, bars, ["A"]),
        instruments=[Instrument("XNYS", "A", currency="EUR")],
        rates={sessions[0].date: {"EUR": 1.2}, sessions[1].date: {"EUR": 1.1}},
    )
    outcome = execute(config, market)
    # Friday: EUR 100 - 1000; at 1.2 that is -1080, and the shares are worth 1200
    friday = (Decimal(5000), Decimal(-900), Decimal(3920), Decimal(5120))
    # Monday: three days at 36 % on EUR 900 are 2.70; 1100 USD are EUR 1000
    monday = (Decimal(3900), Decimal("97.3"), Decimal("4007.03"), Decimal("5107.03"))
    assert outcome.seen[0] == [friday, monday]
    assert outcome.equity[0][1] == pytest.approx(5120)
    assert outcome.equity[-1][1] == pytest.approx(5107.03)
    assert outcome.final_equity == Decimal("5107.03")
    assert [entry[:1] for entry in outcome.entries] == [b"O", b"F", b"X"]


def test_another_amount_changed_is_another_fingerprint() -> None:
    class Less(Abroad):
        def convert(self, amount: Any, source: str, target: str) -> None:
            super().convert(amount - 1, source, target)

    globals()["Less"] = Less
    sessions = weekday_sessions(dt.date(2024, 6, 7), 2, 5)
    bars = {("A", "1m"): random_bars(minute_starts(sessions), 1)}
    rates = {session.date: {"EUR": 1.25} for session in sessions}
    market = msgspec.structs.replace(market_of(sessions, bars, ["A"]), rates=rates)
    found = {
        execute(
            config_of(["A"], [{"use": f"{__name__}:{name}", "name": "same"}],
                      account={"rates": {"EUR": "X"}}, engine={"runner": "inline"}),
            market,
        ).fingerprint
        for name in ("Abroad", "Less", "Abroad")
    }  # fmt: skip
    assert len(found) == 2


# -- rates -----------------------------------------------------------------------------------------

SESSIONS = weekday_sessions(dt.date(2024, 6, 3), 8)
FROM_NS = SESSIONS[0].open_ns - 20 * DAY_NS


def closes_at(starts: list[int]) -> BarColumns:
    """Bars at these moments, each with a close of its own."""
    times = np.array(sorted(set(starts)), np.int64)
    close = 1.0 + (times - FROM_NS) / DAY_NS / 100
    return BarColumns(times, close, close, close, close, close)


def rates_from(minutes: BarColumns, days: BarColumns) -> list[float]:
    config = config_of(["A"], ["x:Y"], account={"rates": {"EUR": "EUR/USD"}})
    source = Memory({("EUR/USD", "1m"): minutes, ("EUR/USD", "1d"): days})
    found = rates_of(config, SESSIONS, ["EUR"], Instrument, source)
    return [found[session.date]["EUR"] for session in SESSIONS]


moments = st.lists(st.integers(0, 35 * 1440).map(lambda n: FROM_NS + n * MINUTE_NS), max_size=30)
OLDEST = [FROM_NS - DAY_NS]


@given(moments, moments)
def test_a_session_s_rate_is_the_last_close_known_before_it(
    minutes: list[int], days: list[int]
) -> None:
    columns = closes_at(minutes), closes_at([*OLDEST, *days])
    for session, rate in zip(SESSIONS, rates_from(*columns), strict=True):
        known = [
            (start + length, -length, close)
            for length, bars in zip((MINUTE_NS, DAY_NS), columns, strict=True)
            for start, close in zip(bars.start_ns.tolist(), bars.close.tolist(), strict=True)
            if start + length <= session.open_ns
        ]
        assert rate == max(known)[2]


@given(moments, moments, st.integers(1, 7))
def test_no_later_close_changes_a_session_s_rate(
    minutes: list[int], days: list[int], place: int
) -> None:
    start_ns = SESSIONS[place].open_ns
    whole = rates_from(closes_at(minutes), closes_at([*OLDEST, *days]))
    early = rates_from(
        closes_at([at for at in minutes if at < start_ns]),
        closes_at([at for at in [*OLDEST, *days] if at < start_ns]),
    )
    assert early[: place + 1] == whole[: place + 1]


def foreign(market: str, symbol: str) -> Instrument:
    return Instrument(market, symbol, currency="JPY")


@pytest.mark.parametrize(
    ("account", "instrument", "message"),
    [
        ({}, Instrument, 'Name a symbol to read it from: "rates": {"EUR": "EUR/USD"}'),
        ({"rates": {"EUR": "USD/EUR"}}, foreign, "is priced in JPY, not in USD; name a symbol"),
        ({"rates": {"EUR": "EUR/USD"}}, Instrument, "There is no rate of EUR for 2024-06-03"),
    ],
)
def test_a_foreign_currency_without_a_rate_is_refused(
    account: dict[str, Any], instrument: Any, message: str
) -> None:
    config = config_of(["A"], ["x:Y"], account=account)
    with pytest.raises(ConfigError) as raised:
        rates_of(config, SESSIONS, ["EUR"], instrument, Memory({}))
    assert message in str(raised.value)


def test_a_close_of_more_than_a_year_ago_is_no_rate() -> None:
    old = closes_at([SESSIONS[0].open_ns - 368 * DAY_NS])
    with pytest.raises(ConfigError, match="in the year before"):
        rates_from(closes_at([]), old)
