"""What `doctor` prints: each finding with its remedy, and whether anything fails."""

from collections import Counter
from collections.abc import Sequence

import msgspec
import typer

from app.cli.doctor.examining import examined
from app.cli.doctor.finding import Finding
from app.cli.output import print_json, print_table


def examine(only: Sequence[str] | None, seconds: float, as_json: bool) -> None:
    """Run the checks, all or some, and print what they find; ends with 1 when something fails."""
    found = examined(only, seconds)
    counts: Counter[str] = Counter(finding.state for finding in found)
    is_well = not counts["failing"]
    if as_json:
        print_json({"ok": is_well, "findings": [msgspec.structs.asdict(one) for one in found]})
    else:
        _print(found, counts)
    if not is_well:
        raise typer.Exit(1)


def _print(found: Sequence[Finding], counts: Counter[str]) -> None:
    print_table("Checks", ("check", "state", "what"), [(x.check, x.state, x.what) for x in found])
    told = [finding for finding in found if finding.remedy is not None]
    if told:
        typer.echo("What to do:")
    for finding in told:
        typer.echo(f"  {finding.check} ({finding.state}): {finding.remedy}")
    words = [f"{counts[state]} {state}" for state in ("ok", "warning", "failing")]
    typer.echo(", ".join(words))
