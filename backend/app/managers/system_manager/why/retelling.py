"""A past run, told again: run once more, with a witness who sees it from within.

Nothing is recorded for it while a run goes on. A replay is run again on its config and the bars of
today, a live run on its journal. The fingerprints say whether it decides as that run did, and what
run.json says of its inputs whether it stands on the same: dividends move cash alone.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from loguru import logger
from pydantic import ValidationError

from app.core.account_limits import AccountLimits
from app.core.config import SessionConfig
from app.core.errors import ConfigError
from app.core.logging import without_secrets
from app.core.money import to_units
from app.core.orders import INSTANT, SYMBOL, FillRow, Order
from app.core.progress import OnCount
from app.core.run_states import FAILED, FINISHED
from app.core.settings import Settings
from app.managers.data_manager import DataManager
from app.managers.system_manager.journal.journal_feed import journal_of
from app.managers.system_manager.journal.platform_tag import library_versions
from app.managers.system_manager.journal.program import program_digest
from app.managers.system_manager.needs.market import replayed_market
from app.managers.system_manager.needs.quotes import quoted
from app.managers.system_manager.needs.run_bars import replayed_sessions
from app.managers.system_manager.record.run_inputs import changed_inputs, input_facts
from app.managers.system_manager.rerun.complete_runs import as_fast_as_it_goes
from app.managers.system_manager.rerun.how_far import BarCount
from app.managers.system_manager.rerun.rewiring import changed_strategies, quiet
from app.managers.system_manager.rerun.verification import Repetition
from app.managers.system_manager.wiring import Parts, Run, replay_parts
from app.managers.time_manager import SessionClock, TimeManager, WallClock
from app.repositories.journal_reader import JOURNAL_FOLDER
from app.threads.engines.watched_engine import Witness

Row = Mapping[str, Any]
UNITS_FILLED, PRICE = SYMBOL + 1, SYMBOL + 2
_STRATEGIES_LOG = "app.threads.desk.desk"


class Proof(msgspec.Struct, frozen=True):
    """Whether the run, told again, was the same; None where that cannot be said."""

    equal: bool | None
    fingerprint: str
    recorded: str | None
    notes: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()  # what it does not stand on any more, as `actions of AAA`


def is_on_record(order: Order, fills: Sequence[FillRow], row: Row, filled: Sequence[Row]) -> bool:
    """Whether an order that was told again is the one on record, and filled so, as far as the run
    went; how it ended does not count.
    """
    told = [order.created_ns, order.symbol, order.kind, order.side]
    recorded = [row[name] for name in ("created_ns", "symbol", "kind", "side")]
    mine = [(fill[UNITS_FILLED], fill[PRICE], fill[INSTANT]) for fill in fills]
    theirs = [(to_units(one["quantity"]), one["price"], one["instant_ns"]) for one in filled]
    return told == recorded and mine[: len(theirs)] == theirs


def watched_replay(
    config: SessionConfig,
    hard: AccountLimits | None,
    witness: Witness,
    data: DataManager,
    times: TimeManager,
    strategies: Path,
    on_count: OnCount | None = None,
) -> Run:
    """A replay that is ready, with a witness who will see it from within; it leaves no record.

    `on_count` is told of its bars.
    """
    config = as_fast_as_it_goes(config)
    market = replayed_market(config, data, times, WallClock(), hard)
    parts: Parts = msgspec.structs.replace(replay_parts(market), witness=witness)
    take = BarCount(config, market.sessions, data.store, on_count).of(witness.took)
    return Run(config, market, strategies, take, alarm=quiet, parts=parts)


@contextmanager
def unlogged() -> Iterator[None]:
    """What strategies log was logged when they ran first, or is not what was asked for."""
    logger.disable(_STRATEGIES_LOG)
    try:
        yield
    finally:
        logger.enable(_STRATEGIES_LOG)


class Retelling:
    """Tells one run again, by its row in SQL; used once."""

    def __init__(self, row: Row, settings: Settings, data: DataManager, times: TimeManager) -> None:
        self.run_id = str(row["run_id"])
        self._row = row
        self._runs = settings.runs_folder
        self._strategies = settings.strategies_folder
        self._data = data
        self._times = times
        has_journal = (self._runs / self.run_id / JOURNAL_FOLDER).exists()
        is_told_by_it = has_journal or not row["config"].get("replay")
        self._journal = journal_of(row, self._runs) if is_told_by_it else None
        self.config = self._config()

    @property
    def unit(self) -> str:
        """What is counted while it is run again."""
        return "bars" if self._journal is None else "inputs"

    def tell(self, witness: Witness, on_count: OnCount | None = None) -> Proof:
        """Run it again; `on_count` is told how far it is, in its unit."""
        with unlogged():
            return self._told(witness, on_count)

    def _told(self, witness: Witness, on_count: OnCount | None) -> Proof:
        if self._journal is None:
            return self._replayed(witness, on_count)
        again = Repetition(
            self._journal, self._times, self._data.store, "inline", witness, on_count
        )
        verdict = again.verdict()
        notes = list(verdict.notes)
        if verdict.difference is not None:
            first = verdict.difference
            notes.append(f"'verify {self.run_id}' shows the first difference: {first.what} "
                         f"{first.number}")  # fmt: skip
        return Proof(verdict.equal, verdict.fingerprint, self._row["fingerprint"], tuple(notes))

    def _config(self) -> SessionConfig:
        if self._journal is not None:
            return self._journal.header().session_config
        try:
            return SessionConfig.model_validate(self._row["config"])
        except ValidationError as error:
            raise ConfigError(
                f"The config of run {self.run_id} is of another version, and cannot be run again: "
                f"{error.errors()[0]['msg']}."
            ) from error

    def _replayed(self, witness: Witness, on_count: OnCount | None) -> Proof:
        run = watched_replay(
            self.config, self.hard_limits, witness, self._data, self._times, self._strategies,
            on_count,
        )  # fmt: skip
        with self._times.use_clock(SessionClock(lambda: run.cursor.now_ns)):
            ends = [*self._executed(run)]
        return self._proof(run, ends)

    def _executed(self, run: Run) -> Iterator[str]:
        try:
            run.execute()
        except Exception as error:
            if self._row["state"] != FAILED:
                raise
            yield f"it failed then, and again: {without_secrets(str(error)).splitlines()[0]}"

    def _proof(self, run: Run, ends: list[str]) -> Proof:
        fingerprint = run.execution.diary.fingerprint.hexdigest()
        recorded, state = self._row["fingerprint"], self._row["state"]
        files, changed = [*self._changed_files(run)], self._changed_inputs(run)
        notes, equal = [*files, *ends], None
        if recorded is None or state not in (FINISHED, FAILED):
            notes.append(
                f"the run is {state}: here it goes on to the end of its dates, so that the "
                "fingerprints cannot be compared"
            )
        else:
            equal = fingerprint == recorded
        if changed:
            notes.append(
                f"it stands on other data than then, as the {'; '.join(changed)} have changed: "
                "prices, cash and equity that are told here need not be those of then"
            )
        if equal is False:
            notes.append(
                "run again it decides otherwise, and what is told here need not be what happened "
                f"then{'' if files or changed else self._unnamed()}"
            )
        elif equal and not changed:
            notes += self._reckoned(run)
        return Proof(equal, fingerprint, recorded, tuple(notes), tuple(changed))

    def _changed_inputs(self, run: Run) -> list[str]:
        """What run.json has otherwise of the data that it stood on."""
        config = self.config
        passport = self._data.passport(
            config.market, config.symbols, config.base_interval,
            replayed_sessions(config, self._times), extended_hours=config.extended_hours,
            quotes=bool(quoted(config, self.hard_limits)),
        )  # fmt: skip
        rows = [msgspec.to_builtins(one) for one in passport]
        return changed_inputs(
            self._facts, {**input_facts(run, run.execution.account), "passport": rows}
        )

    def _reckoned(self, run: Run) -> Iterator[str]:
        """Fees and interest are in no fingerprint."""
        then, now = (self._row["summary"] or {}).get("final_equity"), float(run.final_equity())
        if self._row["state"] == FINISHED and then is not None and float(then) != now:
            yield (
                f"it decides the same, and came to {float(then):,.2f} then, to {now:,.2f} now: "
                "cash and equity that are told here need not be those of then"
            )

    def _unnamed(self) -> str:
        """Why it may decide otherwise, where neither its data nor its strategies have changed."""
        if self._facts.get("program") == program_digest():
            return ", though nothing that its record knows has changed: please report it"
        return ": this program has changed since"

    def _changed_files(self, run: Run) -> Iterator[str]:
        for name in changed_strategies(run, self._facts.get("strategies", {})):
            yield f"the strategy {name} is not what it was: its file has changed"
        then = self._facts.get("versions", {})
        others = [name for name, one in library_versions().items() if then.get(name, one) != one]
        if others:
            yield f"other versions of {', '.join(others)} are installed than then"

    @property
    def hard_limits(self) -> AccountLimits | None:
        """The hard limits of the account file, as it was when the run began."""
        if self._journal is not None:
            return self._journal.header().account_limits
        hard = self._facts.get("hard_limits")
        return None if hard is None else AccountLimits.model_validate(hard)

    @cached_property
    def _facts(self) -> dict[str, Any]:
        """Its run.json; nothing where that is not there."""
        try:
            text = (self._runs / self.run_id / "run.json").read_text(encoding="utf-8")
            facts: dict[str, Any] = json.loads(text)
        except (OSError, ValueError):
            return {}
        return facts
