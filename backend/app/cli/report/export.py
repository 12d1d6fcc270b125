"""`report export`: a run's tables as files for spreadsheets, notebooks and scripts."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.parameters import AsJson, PastRun
from app.cli.terminal.output import console, print_json

_ALL = "orders,fills,trades,equity,sessions,metrics"

Format = Annotated[str, typer.Option("--format", metavar="FORMAT", help="csv, parquet or json.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="FOLDER", help="Where to; else a folder named as the run."),
]
What = Annotated[
    str, typer.Option("--what", metavar="TABLES", help=f"Of {_ALL.replace(',', ', ')}.")
]


def export(
    run: PastRun,
    kind: Format = "csv",
    output: Output = None,
    what: What = _ALL,
    as_json: AsJson = False,
) -> None:
    """Orders, fills, trades, equity, sessions and metrics of a run as files, exact.

    Times have the market's offset and nine digits of a second; money and quantities are decimals.

    \b
    Examples:
      ./start_cli.sh report export last --output exported
      ./start_cli.sh report export last --format parquet --what fills,trades --output exported
    """
    from app.cli.report.show import opened
    from app.results.exporting import export_run

    found = opened(run)
    folder = Path(found.id).resolve() if output is None else output
    written = export_run(found, folder, kind, [word.strip() for word in what.split(",")])
    if as_json:
        print_json(
            {name: {"path": str(path), "rows": rows} for name, (path, rows) in written.items()}
        )
        return
    for path, rows in written.values():
        console.print(f"{path}: {rows:,} rows", markup=False)
