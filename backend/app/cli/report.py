"""`report`: what runs came to, shown, written to files, and set side by side."""

import typer

from app.cli.report_compare import compare
from app.cli.report_export import export
from app.cli.report_show import show

app = typer.Typer(help="What a run came to: its metrics, its tables as files, runs side by side.")

app.command()(show)
app.command()(export)
app.command()(compare)
