"""Arguments and options that commands share: one name, one meaning, one line of help."""

from pathlib import Path
from typing import Annotated

import typer

_A_RUN = "A run's id, its unique beginning, 'last' for the newest, 'last-1' for the one before."

AsJson = Annotated[bool, typer.Option("--json", help="JSON on one line, for scripts.")]

PastRun = Annotated[
    str,
    typer.Argument(metavar="RUN", help=_A_RUN),
]
RunningRun = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="A running session's id, its unique beginning, or 'last'; not needed where one runs.",
    ),
]
OfRun = Annotated[
    str,
    typer.Option("--run", metavar="RUN", help=_A_RUN),
]
PastRuns = Annotated[list[str], typer.Argument(metavar="RUN", help=_A_RUN)]
ConfigFile = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="A session config: a JSON file.")
]
Symbol = Annotated[str, typer.Argument(metavar="SYMBOL", help="Such as AAPL or BTC/USDT.")]
Market = Annotated[
    str, typer.Option("--market", metavar="MARKET", help="A market's MIC or name: XNYS, 24/7.")
]
Interval = Annotated[
    str, typer.Option("--interval", metavar="INTERVAL", help="Of the bars: 1m, 5m, 1h, 1d.")
]
Start = Annotated[
    str | None, typer.Option("--start", metavar="TIME", help="First date, or first time.")
]
End = Annotated[
    str | None,
    typer.Option("--end", metavar="TIME", help="Last date; a time is the first left out."),
]
At = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="A time in the market's zone.")
]
Count = Annotated[int, typer.Option("--count", metavar="COUNT", min=1, help="How many.")]
Account = Annotated[
    str, typer.Option("--account", metavar="ACCOUNT", help="As live.account names it.")
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept.")]
UNTIL_ENDED_SECONDS = 330.0  # to be flat takes a live run up to 300, and its record is closed then
Timeout = Annotated[
    float,
    typer.Option(
        "--timeout", metavar="SECONDS", min=0.001, help="How long it may take; exit code 5."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Symbols = Annotated[
    str | None,
    typer.Option("--symbols", metavar="SYMBOLS", help="SYN1,SYN2: only these; else all."),
]
Freeze = Annotated[bool, typer.Option("--freeze", help="Keep positions and what protects them.")]
SourceUrl = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="Another address than the source's usual one."),
]
