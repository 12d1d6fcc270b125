"""Findings as they are shown: a table, what to do, and how many there are of each kind."""

from collections import Counter
from collections.abc import Sequence

import typer

from app.cli.doctor.finding import Finding
from app.cli.terminal.output import print_table, say


def print_findings(found: Sequence[Finding]) -> None:
    """Each with its remedy."""
    counts: Counter[str] = Counter(finding.state for finding in found)
    print_table("Checks", ("check", "state", "what"), [(x.check, x.state, x.what) for x in found])
    told = [finding for finding in found if finding.remedy is not None]
    if told:
        typer.echo("What to do:")
    for finding in told:
        say(f"  {finding.check} ({finding.state}): {finding.remedy}")
    words = [f"{counts[state]} {state}" for state in ("ok", "warning", "failing")]
    typer.echo(", ".join(words))
