"""The honesty band: how much of a result hangs on what bars leave open, drawn and in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.report.markup import Html, details, element, joined, table

if TYPE_CHECKING:
    from app.results.run import Run

_LEFT, _RIGHT, _WIDTH = 8, 992, 1000  # of the drawing
_MOST_BARS = 200  # of the list in the page


def honesty(run: "Run", bars: Sequence[Sequence[str]]) -> Html:
    """`bars` are the lines of the run's uncertain_bars.csv, its heads first."""
    summary = run.summary
    parts = [element("h2", "Honesty band")]
    if summary.get("band") is None:
        parts.append(element("p", "Fills are as the venue reported them: nothing was simulated."))
        return element("section", joined(parts), id="honesty", class_="card")
    start, final = float(summary["start_equity"]), float(summary["final_equity"])
    parts.append(element("p", _said(run)))
    if summary.get("equity_worst") is not None:
        low, high = sorted((float(summary["equity_worst"]), float(summary["equity_best"])))
        parts.append(_drawn(start, final, min(low, final), max(high, final), run.currency))
        parts.append(
            element(
                "p",
                f"Run to the end with every decision made anew, it comes to "
                f"{summary['equity_worst']:,.2f} under 'worst' and to "
                f"{summary['equity_best']:,.2f} under 'best'.",
            )
        )
    elif (ends := _ends(bars, final, run.currency)) is not None:
        parts.append(_drawn(start, final, *ends, run.currency))
        parts.append(
            element(
                "p",
                "The thick part is what those bars leave open, with decisions held fixed; "
                "'system start CONFIG --band' makes them anew.",
                class_="hint",
            )
        )
    if summary.get("band_note"):
        parts.append(element("p", f"There are no whole runs beside it: {summary['band_note']}."))
    if len(bars) > 1:
        shown = bars[1 : _MOST_BARS + 1]
        title = f"The {len(bars) - 1:,} bars"
        if len(bars) - 1 > _MOST_BARS:
            title += f", the first {_MOST_BARS} (uncertain_bars.csv has all)"
        parts.append(details(title, table(bars[0], shown)))
    return element("section", joined(parts), id="honesty", class_="card")


def _ends(bars: Sequence[Sequence[str]], final: float, currency: str) -> tuple[float, float] | None:
    """Where the run would have ended at the lowest and at the highest of each bar; None where there
    is no such bar, or one of another currency.
    """
    rows = [dict(zip(bars[0], row, strict=True)) for row in bars[1:]]
    if not rows or any(row["currency"] != currency for row in rows):
        return None
    low = high = final
    for row in rows:
        worst, best, taken = (float(row[name]) for name in ("worst", "best", "taken"))
        low += min(worst, best, taken) - taken
        high += max(worst, best, taken) - taken
    return low, high


def _said(run: "Run") -> str:
    summary = run.summary
    count = int(summary.get("uncertain_bars") or 0)
    policy = (run.config.get("execution") or {}).get("same_bar", "worst")
    if not count:
        return (
            "A bar has four prices and no path. None of this run's bars left open what it did to "
            "an order: the result does not hang on the choice."
        )
    share = summary.get("band_share")
    part = "" if share is None else f", {share:.1%} of the profit or loss"
    return (
        f"A bar has four prices and no path. {count:,} of {summary['bars']:,} bars leave open what "
        f"came first; with the same orders they differ by {summary['band']:,.2f} {run.currency} "
        f"from worst to best{part}. The run took '{policy}'."
    )


def _drawn(start: float, final: float, low: float, high: float, currency: str) -> Html:
    """A line from the lowest to the highest, with where it began and what it came to."""
    least, most = min(start, low), max(start, high)
    width = most - least or 1.0

    def x(value: float) -> float:
        return round(_LEFT + (value - least) / width * (_RIGHT - _LEFT), 1)

    def upright(value: float, kind: str) -> Html:
        return element("line", x1=x(value), x2=x(value), y1=3, y2=31, class_=kind)

    def told(kind: str, name: str, words: str) -> Html:
        return element("li", f"{name} ", element("b", words), class_=kind)

    line = element("line", x1=_LEFT, x2=_RIGHT, y1=17, y2=17, class_="whole")
    part = element("line", x1=x(low), x2=x(high), y1=17, y2=17, class_="part")
    marks = joined((upright(start, "start"), upright(final, "run")))
    svg = element(
        "svg", line, part, marks, viewBox=f"0 0 {_WIDTH} 34", preserveAspectRatio="none",
        aria_hidden="true",
    )  # fmt: skip
    legend = element(
        "ul",
        told("run", "this run", f"{final:,.2f}"),
        told("start", "start", f"{start:,.2f}"),
        told("part", "what bars leave open", f"{low:,.2f} to {high:,.2f} {currency}"),
    )
    return element("div", svg, legend, class_="range")
