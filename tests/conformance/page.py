"""The table of docs/ADAPTERS.md, made from the suite: `python -m tests.conformance`."""

from pathlib import Path

from tests.conformance.bench import Bench
from tests.conformance.benches import BENCHES
from tests.conformance.case import Case
from tests.conformance.cases import CASES
from tests.conformance.suite import declared, lacking

PAGE = Path(__file__).parents[2] / "docs" / "ADAPTERS.md"
BEGIN, END = "<!-- cases: python -m tests.conformance -->\n", "<!-- end of cases -->\n"


def table() -> str:
    """A line for each case, with what it is at each venue; then why some have it not."""
    names = list(BENCHES)
    lines = [f"| | it demands | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
    for case in CASES:
        cells = [_cell(bench, case) for bench in BENCHES.values()]
        lines.append(f"| {case.name} | {case.says} | {' | '.join(cells)} |")
    lines.append("")
    for name, bench in BENCHES.items():
        why = [f"{power}: {reason}" for power, reason in bench.lacks.items()]
        played = sum(not lacking(bench, case) for case in CASES)
        told = f" What it has not, as a bench: {'; '.join(why)}." if why else ""
        lines.append(f"- `{name}` is held to {played} of {len(CASES)}.{told}")
    return "\n".join([*lines, ""])


def _cell(bench: type[Bench], case: Case) -> str:
    if powers := lacking(bench, case):
        return f"– ({', '.join(sorted(powers))})"
    return declared(bench, case) or "yes"


def written() -> str:
    """The page with the table as it should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"
