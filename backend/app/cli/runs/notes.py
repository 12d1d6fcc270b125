"""What the figures of a run that has ended do not say of themselves, however it was ended."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.cli.context import Context
from app.core.accounts import account_of
from app.core.trading_state import resumed_by
from app.managers.system_manager.record.summary import latched_text, left_text
from app.repositories.run_repository import RunRepository


def notes_on(figures: Mapping[str, Any]) -> Iterator[str]:
    """A sentence each, of a summary's plain values."""
    run_id, repository = figures["run_id"], RunRepository(Context().engine)
    left = left_text(figures)
    if left is not None:
        yield left
    latched = latched_text(figures)
    if latched is not None:
        yield latched
    elif figures.get("trading_state") is not None:
        yield _still(repository, run_id, figures["trading_state"])
    is_left = figures.get("held_at_end") or figures.get("working_at_end")
    if is_left and figures.get("band") is None:  # a venue has it
        yield "What it held and what worked at its end is left to the venue: no run looks after it."
    outlived = outlived_text(repository, run_id) if figures["orders"] else None
    if outlived is not None:
        yield outlived
    if not figures["orders"] and figures["bars"]:
        yield "No order was given: 'why-not SYMBOL TIME' shows what the strategies saw."
    refused = repository.refused_count(run_id) if figures["orders"] else 0
    if refused:
        where = f"'runs orders {run_id} --refused' tells why."
        yield f"Of its orders {refused:,} {'was' if refused == 1 else 'were'} refused: {where}"


def outlived_text(repository: RunRepository, run_id: str) -> str | None:
    """That orders worked until a run's end, which took them with it; None where none did."""
    count = repository.outlived_count(run_id)
    if not count:
        return None
    return (
        f"At its end {count:,} order{' was' if count == 1 else 's were'} working, and ended with "
        f"it: 'runs orders {run_id}' has {'it' if count == 1 else 'them'}."
    )


def _still(repository: RunRepository, run_id: str, found: str) -> str:
    """That a live run leaves its account as it may not trade, and what changes that."""
    account = account_of(repository.get_run(run_id)["config"])
    state, _, why = found.partition(": ")
    return f"The account {account} stays {state} ({why}): '{resumed_by(account)}' clears it."
