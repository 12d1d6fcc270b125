"""`report open` and `report html`: a run as one HTML file, for a browser."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.context import Context
from app.cli.parameters import AsJson, PastRun
from app.cli.terminal.output import console, print_json

if TYPE_CHECKING:
    from app.results.run import Run
    from app.results.sources import Sources

Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="Where to; else report.html of its folder."),
]


def open_report(run: PastRun = "last", as_json: AsJson = False) -> None:
    """A run's report in the browser; written first where it is not there.

    Where there is no browser it only says where the file is.

    \b
    Examples:
      ./start_cli.sh report open
      ./start_cli.sh report open last-1
    """
    sources, found = _found(run)
    path = _default_path(found)
    if not _is_fresh(path, found):
        _write(sources, found, path)
    is_shown = not as_json and _has_screen() and _show(path)
    if as_json:
        print_json({"run_id": found.id, "html": str(path), "bytes": path.stat().st_size})
    else:
        where = "is shown in the browser:" if is_shown else "is"
        console.print(f"The report of run {found.id} {where} {path}", markup=False)


def write_html(run: PastRun, output: Output = None, as_json: AsJson = False) -> None:
    """Write a run's report anew: one HTML file that needs no network.

    \b
    Examples:
      ./start_cli.sh report html last
      ./start_cli.sh report html last --output last.html
    """
    sources, found = _found(run)
    path = _write(sources, found, output or _default_path(found))
    size = path.stat().st_size
    if as_json:
        print_json({"run_id": found.id, "html": str(path), "bytes": size})
    else:
        console.print(f"Wrote {path}, {size / 1e6:.1f} MB.", markup=False)


def report_at_end(run_id: str) -> Path | None:
    """Write the report of a run that has just ended; None where it cannot be, which is told."""
    from loguru import logger

    from app.core.errors import AppError

    try:
        sources, found = _found(run_id)
        return _write(sources, found, _default_path(found))
    except AppError as error:
        logger.warning("Run {} is recorded; its HTML report is not written. {}", run_id, error)
        return None


def _found(words: str) -> "tuple[Sources, Run]":
    from app.results.opening import open_from
    from app.results.sources import Sources

    context = Context()
    sources = Sources(context.settings, context.engine)
    return sources, open_from(sources, words)


def _default_path(run: "Run") -> Path:
    from app.report.report import FILE

    return run.folder / FILE


def _write(sources: "Sources", run: "Run", path: Path) -> Path:
    from app.report.report import write_report

    at = sources.time.to_local(sources.time.now_ns(), run.market)
    return write_report(run, sources, at, path)


def _is_fresh(path: Path, run: "Run") -> bool:
    """Whether a report is there that is younger than the record."""
    try:
        return path.stat().st_mtime_ns >= (run.folder / "run.json").stat().st_mtime_ns
    except OSError:
        return False


def _has_screen() -> bool:
    """Whether somebody sits here who can look at a window."""
    if not sys.stdout.isatty():
        return False
    return sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )


def _show(path: Path) -> bool:
    import webbrowser

    try:
        return webbrowser.open(path.resolve().as_uri())
    except webbrowser.Error:
        return False
