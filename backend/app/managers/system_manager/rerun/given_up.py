"""What a run that is given up leaves of its account's risk: it is run again from its journal."""

import sys
from pathlib import Path

from loguru import logger

from app.core.seams import BarSource
from app.managers.system_manager.journal.journal_feed import JournalFeed, RunJournal
from app.managers.system_manager.rerun.rewiring import quiet, wired_again
from app.managers.system_manager.risk.run_risk import RunRisk
from app.managers.system_manager.risk.standing_risk import settled
from app.managers.time_manager import TimeManager
from app.repositories.account_risk import AccountRisks


def remember_given_up(
    run_folder: Path, account: str, times: TimeManager, source: BarSource, risks: AccountRisks
) -> bool:
    """Whether it could be run again; else what it wrote down last is what is remembered.

    What a person asked for since it broke off holds in either case.
    """
    try:
        _run_again(run_folder, account, times, source, risks)
        is_known = True
    except Exception as error:  # its strategy, its journal: it was given up for some reason
        logger.opt(exception=error).warning("Run {} cannot be run again", run_folder.name)
        is_known = False
    risks.change(account, settled)
    return is_known


def _run_again(
    run_folder: Path, account: str, times: TimeManager, source: BarSource, risks: AccountRisks
) -> None:
    journal = RunJournal(run_folder)
    # all of it is on record, and nobody is told again
    risk = RunRisk(run_folder.name, quiet, risks, account, sys.maxsize)
    with wired_again(journal.header(), times, source, JournalFeed(journal), risk.take) as run:
        run.execute()
        for news in journal.last_news():
            run.book(news)
        risk.close(run, is_over=True)
