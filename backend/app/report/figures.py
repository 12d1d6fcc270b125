"""A run's metrics as a reader sees them: the key ones large, all of them by group, and trades by
what they share. Nothing is worked out here.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from app.report.markup import Html, cell, details, element, joined, table

if TYPE_CHECKING:
    from app.results.metrics import Metric, Metrics
    from app.results.run import Run
    from app.services.metrics.breakdown import Slice

# What stands at the top: a metric by the beginning of its name, as the rest of it is its basis.
_KEY: Final = (
    *("net_profit", "total_return", "cagr", "max_drawdown", "volatility", "sharpe", "sortino"),
    *("profit_factor", "win_rate", "expectancy", "trades"),
    *("fees", "slippage_paid", "time_in_market", "benchmark_return", "turnover"),
)
_COLOURED: Final = frozenset(
    {"net_profit", "total_return", "cagr", "expectancy", "average_win", "average_loss"}
)
_GROUPS: Final = {
    "return": "Return",
    "risk": "Risk",
    "drawdown": "Drawdown",
    "trades": "Trades",
    "costs": "Costs",
    "activity": "Activity",
    "benchmark": "Benchmark",
}
_LETTERS: Final = {"cagr": "CAGR", "var": "VaR", "cvar": "CVaR", "sqn": "SQN"}
_SLICES: Final = ("strategy", "symbol", "side", "month", "weekday", "hour")
_MOST_SLICES: Final = 100  # lines of a table


def key_figures(metrics: "Metrics") -> Html:
    """The first a reader looks for."""
    chosen = [found for stem in _KEY if (found := _of_stem(metrics, stem)) is not None]
    return element(
        "dl",
        joined(
            element(
                "div",
                element("dt", _titled(one, metrics.basis.currency)),
                element("dd", shown(one), class_=_kind(one), title=one.reason),
            )
            for one in chosen
        ),
        class_="figures",
    )


def all_figures(run: "Run", local: Callable[[int], dt.datetime]) -> Html:
    """Every figure by group, the deepest drawdowns, and trades by what they share."""
    metrics = run.metrics
    groups = (
        element(
            "section",
            element("h3", title),
            table(("figure", "value"), _rows(metrics.of_group(group), metrics.basis.currency)),
        )
        for group, title in _GROUPS.items()
    )
    basis = metrics.basis
    stands = (
        f"Days are trading days, {basis.year} of them a year; {basis.days:,} in this run. The "
        f"risk-free rate is {basis.risk_free_percent:g}% a year, the benchmark "
        f"{_benchmark(basis.benchmark)}. docs/METRICS.md has every formula."
    )
    parts = [
        element("p", stands, class_="hint"),
        element("div", joined(groups), class_="columns"),
        *_falls(metrics, local),
        *_sliced(metrics.slices, basis.currency),
    ]
    return details(f"All {len(metrics)} figures, and trades by what they share", *parts,
                   class_="card")  # fmt: skip


def _benchmark(name: str) -> str:
    return "is all symbols in equal parts" if name == "symbols" else f"is {name}"


def _rows(found: Sequence["Metric"], currency: str) -> Iterator[list[object]]:
    """A figure that does not exist says why not."""
    for one in found:
        value = cell(one.reason, "long why") if one.value is None else cell(shown(one), None)
        yield [_titled(one, currency), value]


def _of_stem(metrics: "Metrics", stem: str) -> "Metric | None":
    """The metric of this name, or of this name and its basis."""
    exact = next((one for one in metrics if one.name == stem), None)
    return exact or next((one for one in metrics if one.name.startswith(f"{stem}_")), None)


def spoken(name: str, kind: str) -> str:
    """`sharpe_daily_252` as `Sharpe daily 252`, `max_drawdown_days` as `Max drawdown time`."""
    if kind in ("days", "seconds"):
        name = f"{name.rpartition('_')[0]}_time"
    first, *rest = name.split("_")
    return " ".join((_LETTERS.get(first, first.capitalize()), *rest))


def _titled(one: "Metric", currency: str) -> str:
    """With the currency of an amount."""
    name = spoken(one.name, one.kind)
    return f"{name}, {currency}" if one.kind == "money" else name


def shown(one: "Metric") -> str:
    """A figure in what it is measured in."""
    value = one.value
    if value is None:
        return "–"
    if one.kind == "share":
        return minus(f"{value:.2%}")
    if one.kind == "money":
        return minus(f"{value:,.2f}")
    if one.kind == "count":
        return f"{value:,}"
    if one.kind == "days":
        return lasting(round(float(value) * 86_400))
    if one.kind == "seconds":
        return lasting(float(value))
    return minus(f"{value:,.2f}")


def lasting(seconds: float) -> str:
    """Seconds in the two largest of days, hours, minutes."""
    for name, size, below, smaller in (
        ("d", 86_400, "h", 3_600),
        ("h", 3_600, "min", 60),
        ("min", 60, "s", 1),
    ):
        if seconds >= size:
            return f"{int(seconds // size)} {name} {int(seconds % size // smaller)} {below}"
    return f"{seconds:.0f} s"


def minus(text: str) -> str:
    """With a sign as wide as a plus."""
    return text.replace("-", "−")


def _kind(one: "Metric") -> str | None:
    stem = one.name.rpartition("_")[0] if one.name.startswith("cagr") else one.name
    if stem not in _COLOURED or not one.value:
        return None
    return "gain" if one.value > 0 else "loss"


def _falls(metrics: "Metrics", local: Callable[[int], dt.datetime]) -> Iterator[Html]:
    if not metrics.falls:
        return

    def at(ns: int | None) -> str:
        return "not yet" if ns is None else f"{local(ns):%Y-%m-%d %H:%M}"

    rows = [
        [
            *(at(fall.peak_ns), at(fall.trough_ns), at(fall.recovered_ns)),
            *(f"{fall.depth:.2%}", f"{fall.amount:,.2f}", lasting(round(fall.days * 86_400))),
        ]
        for fall in metrics.falls
    ]
    yield element("h3", "Deepest drawdowns")
    amount = f"amount, {metrics.basis.currency}"
    yield table(("peak", "trough", "regained", "depth", amount, "lasted"), rows)


def _sliced(slices: Mapping[str, Sequence["Slice"]], currency: str) -> Iterator[Html]:
    heads = (
        *("trades", "won", "win rate", f"profit, {currency}", "fees", "expectancy"),
        *("profit factor", "best", "worst"),
    )
    for name in _SLICES:
        found = slices.get(name) or ()
        if not found:
            continue
        yield element("h3", f"Closed trades by {name}")
        yield table((name, *heads), [_slice(one) for one in found[:_MOST_SLICES]])


def _slice(one: "Slice") -> list[object]:
    def two(value: float | None) -> str:
        return "–" if value is None else minus(f"{value:,.2f}")

    rate = "–" if one.win_rate is None else f"{one.win_rate:.1%}"
    return [
        one.key, f"{one.trades:,}", f"{one.wins:,}", rate, two(one.profit), two(one.fees),
        two(one.expectancy), two(one.profit_factor), two(one.best), two(one.worst),
    ]  # fmt: skip
