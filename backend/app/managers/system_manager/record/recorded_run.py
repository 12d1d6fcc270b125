"""A run as its record has it, SQL and `run.json` together: for whoever sets runs side by side."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from app.core.account_limits import AccountLimits
from app.core.errors import DataError
from app.managers.system_manager.record.run_inputs import BARS, input_differences
from app.repositories.run_repository import RunRepository
from app.services.run_comparison import Decision, Difference, decisions


class RecordedRun(msgspec.Struct, frozen=True):
    """What is known of one run; a run that has not ended has no facts."""

    row: Mapping[str, Any]  # in SQL
    facts: Mapping[str, Any]  # run.json

    @property
    def run_id(self) -> str:
        return str(self.row["run_id"])

    @property
    def summary(self) -> Mapping[str, Any]:
        return self.row["summary"] or {}

    @property
    def config(self) -> dict[str, Any]:
        """What it was told to do, by its config and by the account file of then."""
        hard = self.facts.get("hard_limits") or AccountLimits().as_json()  # none limits nothing
        return {**self.row["config"], "account file": hard}

    @property
    def code(self) -> dict[str, Any]:
        """The hash of each strategy's file."""
        return dict(self.facts.get("strategies", {}))

    @property
    def platform(self) -> dict[str, Any]:
        """The program, the libraries' versions, and the machine: what the tag says besides."""
        machine = "-".join(str(self.facts.get("platform", "")).split("-")[:2]) or None
        program = {"program": self.facts.get("program")}
        return {**program, **self.facts.get("versions", {}), "machine": machine}


def read_run(words: str, runs: Path, repository: RunRepository) -> RecordedRun:
    """The run of this id or beginning; `runs` is the folder of all runs' folders."""
    row = dict(repository.get_run(words))
    path = runs / row["run_id"] / "run.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        facts = {}
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    return RecordedRun(row, facts)


def decisions_of(run: RecordedRun, repository: RunRepository) -> list[Decision]:
    """All that it decided, and its fills, from its rows in SQL."""
    run_id = run.run_id
    orders, changes, fills = (
        [{**row} for row in rows]
        for rows in (
            repository.get_orders(run_id),
            repository.get_order_changes(run_id),
            repository.get_fills(run_id),
        )
    )
    return decisions(orders, changes, fills)


def data_differences(runs: Sequence[RecordedRun]) -> list[Difference]:
    """What differs in that they stood on: `AAA.source_hash`, `actions.AAA.2024-06-04.dividend`."""
    return [
        Difference(f"{whose}.{one.path}" if kind == BARS else f"{kind}.{whose}.{one.path}",
                   one.values)
        for kind, whose, one in input_differences([run.facts for run in runs])
    ]  # fmt: skip
