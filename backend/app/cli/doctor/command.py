"""What `doctor` prints: each finding with its remedy, and whether anything fails."""

from collections.abc import Sequence

import msgspec
import typer

from app.cli.doctor.examining import examined
from app.cli.doctor.findings import print_findings
from app.cli.terminal.output import print_json


def examine(only: Sequence[str] | None, seconds: float, as_json: bool) -> None:
    """Run the checks, all or some, and print what they find; ends with 1 when something fails."""
    found = examined(only, seconds)
    is_well = all(finding.state != "failing" for finding in found)
    if as_json:
        print_json({"ok": is_well, "findings": [msgspec.structs.asdict(one) for one in found]})
    else:
        print_findings(found)
    if not is_well:
        raise typer.Exit(1)
