"""What a run came to: the summary scripts read, and the same as a page for people."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from app.managers.system_manager.attribution import StrategyResult, as_cells, as_json


class Summary(msgspec.Struct, frozen=True):
    """The figures of one run, in the order they are printed."""

    run_id: str
    state: str
    mode: str
    sessions: int
    bars: int
    replay_seconds: float
    bars_per_second: int
    orders: int
    fills: int
    trades: int
    start_equity: Decimal
    final_equity: Decimal
    fees: Decimal
    interest: Decimal  # on borrowed cash
    borrow: Decimal  # on borrowed shares
    max_drawdown: float
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
        rows = []
        for name, value in zip(self.__struct_fields__, msgspec.structs.astuple(self), strict=True):
            if name == "strategies":
                continue
            if isinstance(value, Decimal):
                text = f"{value:,.2f}"
            elif name == "max_drawdown":
                text = f"{value:.2%}"
            elif isinstance(value, float):
                text = f"{value:,.3f}"
            else:
                text = f"{value:,}" if isinstance(value, int) else str(value)
            rows.append((name.replace("_", " "), text))
        return rows


def report_page(summary: Summary, passport: Sequence[Mapping[str, Any]], error: str | None) -> str:
    """The report as Markdown."""
    lines = [f"# Run {summary.run_id}", ""]
    if error:
        lines += ["It failed:", "", *(f"    {line}" for line in error.splitlines()), ""]
    lines += ["| figure | value |", "|---|---:|"]
    lines += [f"| {name} | {value} |" for name, value in summary.rows()]
    if summary.strategies:
        lines += ["", "## Strategies", "", *_strategies(summary.strategies)]
    lines += ["", "## Data", ""]
    if passport:
        names = list(passport[0])
        lines += ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
        lines += ["| " + " | ".join(str(row[name]) for name in names) + " |" for row in passport]
    else:
        lines.append("No bars were read.")
    lines += ["", "The equity curve marks positions at the last known close.", ""]
    return "\n".join(lines)


def _strategies(results: Sequence[StrategyResult]) -> list[str]:
    """What each strategy brought."""
    names = StrategyResult.__struct_fields__
    return [
        "| " + " | ".join(names) + " |",
        "|---|---|" + "---:|" * (len(names) - 2),
        *("| " + " | ".join(as_cells(msgspec.structs.asdict(one))) + " |" for one in results),
    ]
