"""What happened to a run's trading: breakers that tripped, halts, a kill, new code, alarms.

Of a live run its journal tells of halts, each an input, and of alarms; they are told at what the
market's clock showed then.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from app.core.halts import ALL_SYMBOLS, START
from app.report.markup import Html, element, joined, table

if TYPE_CHECKING:
    from app.results.run import Run

_OF_RISK: Final = "risk: "  # how alarms of breakers begin
_WORDS: Final = {"tripped": "breaker tripped", "halt": "halted", "resume": "resumed"}
_MOST: Final = 500  # lines of the table
_MOST_ALARMS: Final = 100  # of them, the newest
_TOLD_ELSEWHERE: Final = ("halted", "resumed", "killed", "strategy reloaded", "reload refused")


class Happening(msgspec.Struct, frozen=True, order=True):
    """`at` is the market's time, `of` what it was done to or by."""

    at: str
    what: str
    of: str
    why: str


def happenings(run: "Run") -> list[Happening]:
    """All of one run, in their order."""
    return sorted([*_of_risk(run), *_of_kill(run), *_of_code(run), *_of_journal(run)])


def section(found: list[Happening]) -> Html:
    """As a table; nothing where nothing happened."""
    if not found:
        return Html("")
    more = f"The first {_MOST} of {len(found):,}." if len(found) > _MOST else None
    rows = [[one.at, one.what, one.of, one.why] for one in found[:_MOST]]
    return element(
        "section",
        element("h2", "What happened to its trading"),
        joined([element("p", more, class_="hint")] if more else ()),
        table(("at", "what", "of", "why"), rows),
        id="happened",
        class_="card",
    )


def _of_risk(run: "Run") -> Iterator[Happening]:
    for one in (run.facts.get("risk") or {}).get("history") or ():
        state = f"{one['name']}; the account is {one['state']}"
        yield Happening(_local(run, one["at_ns"]), _WORDS[one["what"]], state, one["why"])


def _of_kill(run: "Run") -> Iterator[Happening]:
    told = run.facts.get("killed")
    if told:
        at = _clock(told["session_time"] or told["at"])
        yield Happening(at, f"killed, {told['mode']}", "the run", told["reason"])


def _of_code(run: "Run") -> Iterator[Happening]:
    for one in run.facts.get("reloads") or ():
        yield Happening(_clock(one["at"]), "new code", one["strategy"], one["outcome"])


def _of_journal(run: "Run") -> Iterator[Happening]:
    from app.core.messages import Bars, BrokerNews
    from app.core.order_events import Halted, Resumed
    from app.managers.system_manager.journal.journal_feed import ALARM, RunJournal
    from app.repositories.journal_reader import JOURNAL_FOLDER

    if not (run.folder / JOURNAL_FOLDER).exists():
        return
    through_ns = 0
    alarms: list[Happening] = []
    for told in RunJournal(run.folder).inputs_and_notes():
        if isinstance(told, Bars):
            through_ns = told.block.through_ns
        elif isinstance(told, BrokerNews):
            for event in told.events:
                if isinstance(event, Halted | Resumed) and event.source != START:
                    what = "halted" if isinstance(event, Halted) else "resumed"
                    of = "all symbols" if event.symbol == ALL_SYMBOLS else run.symbols[event.symbol]
                    yield Happening(_local(run, through_ns), what, of, event.reason)
        elif isinstance(told, dict) and ALARM in told:
            alarms.append(Happening(_local(run, through_ns), "alarm", *told[ALARM]))
    yield from _newest([one for one in alarms if not _is_told(one.of)])


def _is_told(alarm: str) -> bool:
    """Whether a line of its own tells of the same."""
    return alarm in _TOLD_ELSEWHERE or alarm.startswith(_OF_RISK)


def _newest(alarms: list[Happening]) -> list[Happening]:
    left_out = len(alarms) - _MOST_ALARMS
    if left_out <= 0:
        return alarms
    before = Happening(alarms[left_out - 1].at, "alarms", f"{left_out:,} before", "left out here")
    return [before, *alarms[left_out:]]


def _local(run: "Run", at_ns: int) -> str:
    return f"{run.columns.to_local(at_ns):%Y-%m-%d %H:%M:%S}" if at_ns else ""


def _clock(told: Any) -> str:
    """Of ISO 8601."""
    return str(told)[:19].replace("T", " ")
