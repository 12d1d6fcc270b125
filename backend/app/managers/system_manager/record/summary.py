"""What a run came to: the summary scripts read, and the same as a page for people."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from app.managers.system_manager.record.attribution import StrategyResult, as_cells, as_json

_MONEY = (
    *("start_equity", "final_equity", "fees", "interest", "borrow", "band"),
    *("equity_worst", "equity_best", "equity_difference"),
)
_SHARES = ("max_drawdown", "band_share")
_MOST_HELD = 10  # symbols in a table


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one run, in the order they are printed."""

    run_id: str
    state: str
    mode: str
    as_of: str | None = None  # of a run that was left amid a block: when all figures were so
    sessions: int
    bars: int
    replay_seconds: float | None  # None, as the next: it goes at its venue's pace
    bars_per_second: int | None
    orders: int
    fills: int
    trades: int
    trading_state: str | None = None  # at its end, and what has tripped; None while it may trade
    currency: str | None = None  # of all amounts; None in records of old
    start_equity: Decimal
    final_equity: Decimal
    fees: Decimal
    interest: Decimal  # on borrowed cash
    borrow: Decimal  # on borrowed shares
    loose_coins: str | None = None  # left over of fees in coins: the account's, no strategy's
    fees_unbooked: str | None = None  # taken in what the account has no book for
    held_at_end: str | None = None  # in words; where orders go to a venue, what was left there,
    working_at_end: str | None = None  # and which of those work on, with nobody to look after them
    max_drawdown: float
    uncertain_bars: int | None  # that leave open what they did; None where a venue fills
    band: Decimal | None  # what those may differ by from worst to best, decisions fixed
    band_share: float | None  # of the profit or loss; None where there is neither
    equity_worst: Decimal | None = None  # at the end of whole runs under either policy, where
    equity_best: Decimal | None = None  # those were asked for
    equity_difference: Decimal | None = None
    band_note: str | None = None  # why there are none, where they were
    fingerprint: str
    report: str
    strategies: tuple[StrategyResult, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values; money as numbers, exact to fifteen digits."""
        values = msgspec.structs.asdict(self)
        plain = {k: float(v) if isinstance(v, Decimal) else v for k, v in values.items()}
        return {**plain, "strategies": as_json(self.strategies)}

    def rows(self) -> list[tuple[str, str]]:
        """Name and value for a table; strategies have one of their own."""
        return figure_rows(msgspec.structs.asdict(self))

    def latched(self) -> str | None:
        """What a breaker that tripped in a replay means for it, in words."""
        return latched_text(msgspec.structs.asdict(self))


def figure_rows(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The same of a summary's plain values, as they are stored; what has no value is left out."""
    shown = {name: value for name, value in figures.items() if name != "strategies"}
    if shown.get("band") is not None and shown["band_share"] is None:
        shown["band_share"] = "-"  # of no profit, and no loss
    return [
        (name.replace("_", " "), _cell(name, value))
        for name, value in shown.items()
        if value is not None
    ]


def latched_text(figures: Mapping[str, Any]) -> str | None:
    """That a breaker kept a replay from all entries from then on; None where none did."""
    state = figures.get("trading_state")
    if state is None or figures.get("replay_seconds") is None:  # or it has its venue's pace
        return None
    return (
        f"No entry has left since a breaker tripped ({state}): that stays until a person clears "
        "it, and nobody does in a replay. A limit begins anew with each session: max_daily_loss."
    )


def left_text(figures: Mapping[str, Any]) -> str | None:
    """That a run was left amid a block, and what its figures are then; None where it was not."""
    as_of = figures.get("as_of")
    if as_of is None:
        return None
    return (
        "The run was left amid a block, as a worker of it did not end. All figures are as of "
        f"{as_of}, the last instant on record; what it did behind that is not in them."
    )


def _cell(name: str, value: object) -> str:
    """One figure for people; what is held has a line for each symbol, up to some."""
    if name == "held_at_end":
        held = str(value).split("; ")
        more = [f"and {len(held) - _MOST_HELD:,} more"] if len(held) > _MOST_HELD else []
        return "\n".join([*held[:_MOST_HELD], *more])
    if isinstance(value, Decimal) or name in _MONEY:
        return f"{value:,.2f}"
    if isinstance(value, float):
        return f"{value:.2%}" if name in _SHARES else f"{value:,.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def share_of_profit(band: Decimal, start_equity: Decimal, final_equity: Decimal) -> float | None:
    """How much of what a run made or lost its band is; None when it made nothing."""
    profit = abs(final_equity - start_equity)
    return float(band / profit) if profit else None


def report_page(summary: Summary, passport: Sequence[Mapping[str, Any]], error: str | None) -> str:
    """The report as Markdown."""
    lines = [f"# Run {summary.run_id}", ""]
    if error:
        lines += ["It failed:", "", *(f"    {line}" for line in error.splitlines()), ""]
    lines += ["| figure | value |", "|---|---:|"]
    lines += [f"| {name} | {'; '.join(value.splitlines())} |" for name, value in summary.rows()]
    for words in (left_text(msgspec.structs.asdict(summary)), summary.latched()):
        lines += ["", words] if words is not None else []
    if summary.band is not None:
        lines += ["", "## What its bars leave open", "", *_left_open(summary, summary.band)]
    if summary.strategies:
        lines += ["", "## Strategies", "", *_strategies(summary.strategies)]
    lines += ["", "## Data", ""]
    if passport:
        names = list(passport[0])
        lines += ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
        lines += ["| " + " | ".join(_told(row[name]) for name in names) + " |" for row in passport]
    else:
        lines.append("No stored bars were read.")
    by_venue = "Fills are as the venue reported them."
    simulated = "Fills are simulated, by the rules of the config's `execution`."
    lines += ["", by_venue if summary.band is None else simulated]
    lines += ["The equity curve marks positions at the last known close.", ""]
    return "\n".join(lines)


def _told(value: object) -> str:
    """A cell of the passport."""
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)


def _left_open(summary: Summary, band: Decimal) -> list[str]:
    """What the band means, in words."""
    count = summary.uncertain_bars
    if count:
        share = summary.band_share
        part = "" if share is None else f", {share:.2%} of the profit or loss"
        bars = "1 bar" if count == 1 else f"{count:,} bars"
        lines = [
            f"The four prices of {bars} leave open what came first. With the same orders they "
            f"differ by {band:,.2f} from worst to best{part}. `uncertain_bars.csv` lists "
            "them."
        ]
    else:
        lines = ["No bar left open what it did to an order."]
    if summary.equity_difference is not None:
        lines += [
            "",
            f"Run to the end, every decision made anew, it comes to {summary.equity_worst:,.2f} "
            f"under `worst` and to {summary.equity_best:,.2f} under `best`: a difference of "
            f"{summary.equity_difference:,.2f}.",
        ]
    if summary.band_note is not None:
        lines += ["", f"There are no whole runs under `worst` and `best`: {summary.band_note}."]
    return lines


def _strategies(results: Sequence[StrategyResult]) -> list[str]:
    """What each strategy brought."""
    names = StrategyResult.__struct_fields__
    return [
        "| " + " | ".join(names) + " |",
        "|---|---|" + "---:|" * (len(names) - 2),
        *("| " + " | ".join(as_cells(msgspec.structs.asdict(one))) + " |" for one in results),
    ]
