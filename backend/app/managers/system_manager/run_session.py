"""One run from its record's first line to its last: what SystemManager starts and stops."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from app.core.errors import AppError, RunTimeoutError, UsageError
from app.core.money import from_units
from app.managers.system_manager.attribution import as_json, book_results, strategy_results
from app.managers.system_manager.run_record import RunRecord
from app.managers.system_manager.summary import Summary
from app.managers.system_manager.wiring import Run
from app.managers.time_manager import WallClock
from app.threads.results import Results

FINISHED, STOPPED, FAILED = "finished", "stopped", "failed"
_LONGEST_SECONDS = 1e9  # thirty years; the machine's waits have bounds

OnProgress = Callable[[int, int], None]  # bars so far, and the instant


class Ended(msgspec.Struct, frozen=True):
    """How a run ended: its summary, why, and the error that ended it, if one did."""

    summary: Summary
    reason: str
    error: BaseException | None


class RunSession:
    """Executes a wired run and writes its record; used once."""

    def __init__(
        self,
        run: Run,
        record: RunRecord,
        clock: WallClock,
        facts: Mapping[str, Any],
        passport: Sequence[Mapping[str, Any]],
        on_progress: OnProgress | None,
    ) -> None:
        self.run = run
        self._record = record
        self._clock = clock
        self._facts = dict(facts)
        self._passport = passport
        self._on_progress = on_progress
        self._ended = threading.Event()
        self.bars = 0

    @property
    def run_id(self) -> str:
        return self._record.run_id

    def take(self, results: Results) -> None:
        """One block's results: to the record, and to whoever watches."""
        self.bars += results.bars
        self._record.take(results)
        if self._on_progress is not None:
            self._on_progress(self.bars, results.through_ns)

    def execute(self, timeout_seconds: float | None, now_text: Callable[[], str]) -> Ended:
        """Run to the end, however it ends, and close the record."""
        error: BaseException | None = None
        if timeout_seconds is not None:
            self._stop_after(timeout_seconds)
        started_ns = self._clock.monotonic_ns()
        try:
            reason = self.run.execute()
        except KeyboardInterrupt:  # a second one, while a worker did not end
            reason = "interrupted"
        except Exception as raised:
            reason, error = FAILED, raised
        finally:
            self._ended.set()
        seconds = (self._clock.monotonic_ns() - started_ns) / 1e9
        summary = self._summary(reason, seconds)
        self._facts["timings"] = {
            "replay_seconds": seconds,
            "busy_seconds": {
                name: spent / 1e9 for name, spent in self.run.pipeline.spent_ns.items()
            },
        }
        self._facts["books"] = as_json(
            book_results(self.run.execution.account, self.run.last_close)
        )
        rates = self.run.execution.account.terms.rates
        self._facts["rates"] = {str(date): dict(found) for date, found in rates.items() if found}
        self._facts["quality"] = _quality_facts(self.run)
        self._facts["dropped"] = list(self.run.pipeline.dropped)
        text = None if error is None else _told(error)
        if reason == "timeout":
            error = RunTimeoutError(f"Run {summary.run_id} was stopped after {timeout_seconds} s.")
        self._record.finish(summary, self._facts, self._passport, now_text(), text)
        return Ended(summary, reason, error)

    def _stop_after(self, seconds: float) -> None:
        def watch() -> None:
            if not self._clock.wait(self._ended, min(seconds, _LONGEST_SECONDS)):
                self.run.pipeline.stop("timeout")

        threading.Thread(target=watch, name="run timeout", daemon=True).start()

    def _summary(self, reason: str, seconds: float) -> Summary:
        run, execution, account = self.run, self.run.execution, self.run.execution.account
        return Summary(
            run_id=self._record.run_id,
            state=reason if reason in (FINISHED, FAILED) else STOPPED,
            mode=run.config.mode,
            sessions=run.engine.sessions,
            bars=self.bars,
            replay_seconds=round(seconds, 6),
            bars_per_second=round(self.bars / seconds) if seconds else 0,
            orders=execution.order_count,
            fills=execution.fill_count,
            trades=execution.trades(),
            start_equity=from_units(account.opening_units),
            final_equity=run.final_equity(),
            fees=from_units(account.total_units(lambda book: book.fee_units)),
            interest=from_units(account.total_units(lambda book: book.interest_units)),
            borrow=from_units(account.total_units(lambda book: book.borrow_units)),
            max_drawdown=run.curve.max_drawdown,
            fingerprint=execution.diary.fingerprint.hexdigest(),
            report=str(self._record.folder / "report.md"),
            strategies=strategy_results(account, [seat.name for seat in run.seats], run.last_close),
        )


def check_timeout(seconds: float | None) -> None:
    """Refuse what is not a time to wait."""
    if seconds is not None and not seconds > 0:  # nan is not above 0 either
        raise UsageError(f"A timeout of {seconds} s makes no sense; give seconds above 0.")


def _told(error: BaseException) -> str:
    return str(error) if isinstance(error, AppError) else f"{type(error).__name__}: {error}"


def _quality_facts(run: Run) -> dict[str, Any]:
    """What the data quality manager kept out, and how complete the rest was."""
    totals = [msgspec.to_builtins(total) for total in run.quality.book.totals.values()]
    bad = [
        {"symbol": symbol, "session": str(session), "reason": reason, "bars": count}
        for (symbol, session, reason), count in sorted(run.quality.bad.items(), key=str)
    ]
    return {"symbols": totals, "kept_out": bad, "history": run.feed.history_sources}
