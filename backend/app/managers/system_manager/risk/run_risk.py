"""A run and the memory of its account's risk: what is told of it as it goes, and what it leaves."""

from collections.abc import Callable

from msgspec.structs import replace

from app.core.errors import AppError
from app.core.seams import Alarm
from app.core.trading_state import RESUME, RiskEvent, RiskPast, RiskReport, RiskStatus
from app.managers.system_manager.risk.standing_risk import settled
from app.managers.system_manager.wiring import Run
from app.repositories.account_risk import AccountRisk, AccountRisks, RiskNote
from app.threads.engines.guarded_engine import GuardedEngine
from app.threads.stream.results import Results

Change = Callable[[AccountRisk], AccountRisk]


def _as_it_is(found: AccountRisk) -> AccountRisk:
    return found


def _heard(found: AccountRisk) -> AccountRisk:
    """What waited for the run is among the notes, or asked for nothing new."""
    return replace(found, waiting=())


class RunRisk:
    """One run's side of it; `alarm` hears of what is new, and of nothing that is only run again."""

    def __init__(
        self,
        run_id: str,
        alarm: Alarm,
        risks: AccountRisks | None = None,
        account: str = "",
        recorded: int = 0,
        local_text: Callable[[int], str] | None = None,
    ) -> None:
        """Without `risks` nothing is remembered. Inputs up to `recorded` were taken before. A
        replay's alarms name the market's time, by `local_text`: the machine's says nothing.
        """
        self._run_id = run_id
        self._alarm = alarm
        self._risks = risks
        self._account = account
        self._recorded = recorded
        self._local_text = local_text
        self._again: list[RiskNote] = []  # of recorded inputs, not known to be remembered
        self._latest: RiskPast | None = None  # with them

    def take(self, results: Results) -> None:
        """What came of an input."""
        report = results.risk
        is_again = 0 < results.sequence <= self._recorded
        if report is not None and not is_again:
            for event in report.events:
                what, details = alarm_of(event)
                at = "" if self._local_text is None else f"{self._local_text(event.at_ns)}: "
                self._alarm(what, f"{at}{details}")
        if self._risks is None:
            return
        notes = [] if report is None else self._notes(report, results.sequence)
        if is_again:
            self._again += notes
            self._latest = self._latest if report is None else report.past
            return
        if report is not None or self._latest is not None:
            past = self._latest if report is None else report.past
            is_heard = report is not None and report.is_asked
            then = _heard if is_heard else _as_it_is
            self._remember(past, *self._again, *notes, then=then)
            self._again, self._latest = [], None

    def close(self, run: Run, *, is_over: bool) -> None:
        """The run has ended; or it broke off before all that was recorded was run again."""
        if is_over and isinstance(run.engine, GuardedEngine):
            past = run.engine.risk.past()
            self._remember(past, *self._again, then=settled)  # nobody hears of the rest

    def _notes(self, report: RiskReport, sequence: int) -> list[RiskNote]:
        return [
            RiskNote(event, self._run_id, sequence, number)
            for number, event in enumerate(report.events)
        ]

    def _remember(self, past: RiskPast | None, *notes: RiskNote, then: Change = _as_it_is) -> None:
        if self._risks is None:
            return
        try:
            self._risks.change(self._account, lambda found: then(left(found, past, *notes)))
        except AppError as error:  # its journal has it all the same
            self._alarm("risk not remembered", str(error))


def risk_status(run: Run, timeout_seconds: float) -> RiskStatus | None:
    """A run's trading state; None where it has none, or its engine hangs."""
    engine = run.engine
    return engine.risk_status(timeout_seconds) if isinstance(engine, GuardedEngine) else None


def trading_state(run: Run) -> str | None:
    """The same in a word, waiting for nothing: for who shows a run again and again."""
    return run.engine.risk.state if isinstance(run.engine, GuardedEngine) else None


def left(found: AccountRisk, past: RiskPast | None, *notes: RiskNote) -> AccountRisk:
    """An account's memory, with what a run has left."""
    if past is not None:
        figures = {**found.past.figures, **past.figures}
        found = replace(found, past=replace(past, figures=figures))
    return found.noting(*notes)


def alarm_of(event: RiskEvent) -> tuple[str, str]:
    """An event as an alarm."""
    cleared = " cleared" if event.what == RESUME else ""
    return f"risk: {event.name}{cleared}", f"the account is {event.state}: {event.why}"
