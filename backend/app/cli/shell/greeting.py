"""What the shell says when it opens: on a fresh clone what to try, later what needs a look.

It costs milliseconds and makes nothing: no folder, no database.
"""

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app import __version__
from app.cli.system.real_money import REAL_MONEY
from app.core.trading_state import ACTIVE, worst

if TYPE_CHECKING:
    from app.core.settings import Settings
    from app.repositories.run_glance import Unfinished

_WIDTH: Final = 80
_EXAMPLE: Final = Path("session_configs") / "example_session.json"
_MOST_NAMED: Final = 3

_FRESH: Final = """\
MisMartera {version}. Nothing has run here yet. Three things to try:

  {tour}  all of it in five minutes
  {start}  {starts}
  {new}  write a strategy

'help' lists all commands, Tab completes them, Ctrl+D leaves."""


def greeting(settings: "Settings") -> str:
    """A few lines of plain text, at most 80 columns wide."""
    from app.repositories.run_glance import glance

    url = settings.database_url
    seen = glance(settings.data_folder, url.get_secret_value() if url else None)
    if not seen.has_runs:
        return _fresh()
    lines = [
        f"MisMartera {__version__}. 'help' lists all commands.",
        *_sessions(seen.unfinished),
        *_trading(settings.data_folder),
    ]
    return "\n".join(map(_filled, lines))


def _filled(line: str) -> str:
    """No name is broken: it is there to be copied."""
    return textwrap.fill(
        line, _WIDTH, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
    )


def _fresh() -> str:
    """Three commands that run as they stand, in a column."""
    if _EXAMPLE.is_file():
        start, starts = f"system start {_EXAMPLE.as_posix()}", "replay a sample of bars"
    else:  # installed, and not a clone
        start, starts = "config new", "say what a run trades"
    commands = ("tour", start, "strategies new my_first")
    width = max(map(len, commands))
    tour, start, new = (f"{command:<{width}}" for command in commands)
    return _FRESH.format(version=__version__, tour=tour, start=start, starts=starts, new=new)


def _sessions(unfinished: "Sequence[Unfinished]") -> Iterator[str]:
    going = [run.run_id for run in unfinished if run.goes_on]
    if going:
        are = "1 session runs" if len(going) == 1 else f"{len(going)} sessions run"
        yield f"{are}: {_named(going)}. 'follow' tells here what happens there."
    real = [run.run_id for run in unfinished if run.real_money]
    if real:
        yield f"{REAL_MONEY}: {_named(real)} trades it."
    for run in unfinished:
        if run.account is not None and not run.goes_on:
            yield (
                f"Run {run.run_id} of the account '{run.account}' broke off. "
                f"'system recover --account {run.account} --dry-run' tells how it stands."
            )


def _trading(data_folder: Path) -> Iterator[str]:
    """Accounts that may not trade as they like; what cannot be read is for `risk status`."""
    folder = data_folder / "risk"
    if not folder.is_dir():
        return
    from app.core.errors import AppError
    from app.repositories.account_risk import AccountRisks

    risks = AccountRisks(data_folder)
    for account in risks.accounts():
        try:
            trips = risks.load(account).past.trips
        except AppError:
            trips = ()
        if (state := worst(trips)) != ACTIVE:
            names = ", ".join(trip.name for trip in trips)
            yield (
                f"The account '{account}' is {state.upper()} ({names}). "
                f"'risk status --account {account}' tells why."
            )


def _named(run_ids: Sequence[str]) -> str:
    more = len(run_ids) - _MOST_NAMED
    return ", ".join(run_ids[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
