"""`report`: what runs came to, shown, written to files, and set side by side."""

import typer

from app.cli.report.compare import compare
from app.cli.report.export import export
from app.cli.report.html import open_report, write_html
from app.cli.report.show import show

app = typer.Typer(
    help="What a run came to: in the browser, its metrics, its tables, runs side by side."
)

app.command("open")(open_report)
app.command("html")(write_html)
app.command()(show)
app.command()(export)
app.command()(compare)
