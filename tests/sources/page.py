"""The tables of docs/DATA.md: the sources there are, and what each is held to."""

from pathlib import Path

from app.core.source import SourceFacts
from app.integrations.sources import SOURCES
from tests.sources.benches import BENCHES
from tests.sources.cases import CASES

PAGE = Path(__file__).parents[2] / "docs" / "DATA.md"
BEGIN, END = "<!-- sources: python -m tests.sources -->\n", "<!-- end of sources -->\n"


def tables() -> str:
    """The sources, then a line for each case."""
    lines = ["| source | what it has | intervals | page | history |", "|---|---|---|---|---|"]
    lines += [_row(name, facts) for name, facts in SOURCES.items()]
    lines += ["", f"| | it demands | {' | '.join(BENCHES)} |", "|---" * (len(BENCHES) + 2) + "|"]
    for case in CASES:
        lacking = (sorted(case.powers & set(bench.lacks)) for bench in BENCHES.values())
        cells = [f"– ({', '.join(powers)})" if powers else "yes" for powers in lacking]
        lines.append(f"| {case.name} | {case.says} | {' | '.join(cells)} |")
    lines.append("")
    for name, bench in BENCHES.items():
        played = sum(not case.powers & set(bench.lacks) for case in CASES)
        why = "; ".join(f"{power}: {reason}" for power, reason in bench.lacks.items())
        told = f" What it has not: {why}." if why else ""
        lines.append(f"- `{name}` is held to {played} of {len(CASES)}.{told}")
    return "\n".join([*lines, ""])


def _row(name: str, facts: SourceFacts) -> str:
    page = f"{facts.page_bars:,} bars"
    if facts.weight_per_minute:
        page += f", {facts.page_weight} of the {facts.weight_per_minute:,} weight a minute has"
    return f"| `{name}` | {facts.has} | {' '.join(facts.intervals)} | {page} | {facts.back} |"


def written() -> str:
    """The page with the tables as they should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{tables()}\n{END}{rest.partition(END)[2]}"
