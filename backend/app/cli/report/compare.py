"""`report compare`: runs side by side, what differs between them, and where they part."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from app.cli.context import DEFAULT_MARKET, Context
from app.cli.parameters import AsJson, PastRuns
from app.cli.report.metrics import measured_of, metrics_told, print_metrics
from app.cli.terminal.output import console, print_json, print_table, value_text
from app.core.errors import UsageError

if TYPE_CHECKING:
    from app.managers.system_manager.record.recorded_run import RecordedRun
    from app.results import Run
    from app.services.run_comparison import Decision, Difference, Parting

PARTS = ("config", "data", "code", "platform")
_ELSEWHERE = ("run_id", "mode", "state", "fingerprint", "report", "strategies")
_WORDS = ("held_at_end", "working_at_end")  # they would make columns of figures wide
_SHORT = 12  # characters of a hash that are shown
_HASH = 64


def compare(runs: PastRuns, as_json: AsJson = False) -> None:
    """Runs side by side: figures, curves, what differs in config, data, code; where they part.

    The first decision that differs is told of each run beside the first one given.

    \b
    Example:
      ./start_cli.sh report compare last-1 last
    """
    from app.managers.system_manager.record.recorded_run import (
        data_differences,
        decisions_of,
        read_run,
    )
    from app.repositories.run_repository import RunRepository
    from app.services.run_comparison import differences, first_parting

    context = Context()
    repository = RunRepository(context.engine)
    folder = context.settings.runs_folder
    found = [read_run(words, folder, repository) for words in runs]
    _check(found)
    changed = {
        part: data_differences(found)
        if part == "data"
        else differences([getattr(run, part) for run in found])
        for part in PARTS
    }
    first = decisions_of(found[0], repository)
    partings = [first_parting(first, decisions_of(run, repository)) for run in found[1:]]
    measured = [measured_of(run, context) for run in found]
    if as_json:
        print_json({**_told(found, changed, partings), **metrics_told(measured)})
    else:
        _print(found, measured, changed, partings)


def _check(runs: "Sequence[RecordedRun]") -> None:
    names = [run.run_id for run in runs]
    if len(names) < 2:
        raise UsageError("Two runs at least can be compared. 'runs list' shows them.")
    if len(names) > len(ascii_uppercase):
        raise UsageError(f"{len(names)} runs are too many: compare {len(ascii_uppercase)} at most.")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"Run '{twice}' is given twice: name another one, or more of its id.")


def _told(
    runs: "Sequence[RecordedRun]",
    changed: "Mapping[str, list[Difference]]",
    partings: "Sequence[Parting | None]",
) -> dict[str, Any]:
    import msgspec

    names = dict.fromkeys(name for run in runs for name in run.summary)
    shown = ("run_id", "state", "mode", "started_at", "fingerprint")
    return {
        "runs": [{name: run.row[name] for name in shown} for run in runs],
        "figures": {
            name: [run.summary.get(name) for run in runs]
            for name in names
            if name not in _ELSEWHERE
        },
        "strategies": [run.summary.get("strategies", []) for run in runs],
        **{part: [msgspec.to_builtins(one) for one in found] for part, found in changed.items()},
        "partings": [
            {
                "runs": [runs[0].run_id, other.run_id],
                "parting": None
                if parting is None
                else {
                    "place": parting.place,
                    "at_ns": parting.at_ns,
                    "sides": [_side(parting.left), _side(parting.right)],
                },
            }
            for other, parting in zip(runs[1:], partings, strict=True)
        ],
    }


def _side(decision: "Decision | None") -> dict[str, Any] | None:
    if decision is None:
        return None
    return {
        "at_ns": decision.at_ns,
        "what": decision.what,
        "number": decision.number,
        "strategy": decision.strategy,
        **decision.facts,
    }


def _print(
    runs: "Sequence[RecordedRun]",
    measured: "Sequence[Run | None]",
    changed: "Mapping[str, list[Difference]]",
    partings: "Sequence[Parting | None]",
) -> None:
    letters = ascii_uppercase[: len(runs)]
    heads = ("", "run", "state", "started")
    rows = [
        (letter, run.run_id, run.row["state"], str(run.row["started_at"])[:16].replace("T", " "))
        for letter, run in zip(letters, runs, strict=True)
    ]
    print_table("Runs", heads, rows)
    _print_figures(letters, runs)
    print_metrics(letters, measured)
    for part, found in changed.items():
        if found:
            cells = [(one.path, *map(_cell, one.values)) for one in found]
            print_table(f"What differs in {part}", (part, *letters), cells)
    same = [part for part, found in changed.items() if not found]
    if same:
        console.print(f"The same in {'all' if len(runs) > 2 else 'both'}: {', '.join(same)}.")
    for letter, run, parting in zip(letters[1:], runs[1:], partings, strict=True):
        _print_parting(letter, (runs[0], run), parting)


def _print_figures(letters: str, runs: "Sequence[RecordedRun]") -> None:
    from app.managers.system_manager.record.summary import figure_rows

    columns = [dict(figure_rows({**run.summary})) for run in runs]
    left_out = {name.replace("_", " ") for name in (*_ELSEWHERE, *_WORDS)}
    names = [
        name for name in dict.fromkeys(n for column in columns for n in column)
        if name not in left_out
    ]  # fmt: skip
    rows = [(name, *(column.get(name) for column in columns)) for name in names]
    print_table("Figures", ("figure", *letters), rows)
    for letter, run in zip(letters, runs, strict=True):  # whole, so that it can be copied
        told = run.row["fingerprint"] or "-"
        console.print(f"fingerprint {letter}: {told}", markup=False, soft_wrap=True)


def _print_parting(
    letter: str, pair: "tuple[RecordedRun, RecordedRun]", parting: "Parting | None"
) -> None:
    """Both sides of the first decision that differs, each with its instant."""
    if parting is None:
        told = {run.row["fingerprint"] for run in pair}
        unlike = "" if len(told) == 1 else ", though their fingerprints differ"
        console.print(f"A and {letter} decide the same to the end{unlike}.")
        return
    at = _moments(pair[0]).at
    sides = [
        (name, at(side.at_ns)[5:19], side.what, side.number, _words(side, at))
        if side is not None
        else (name, None, "nothing more", None, None)
        for name, side in (("A", parting.left), (letter, parting.right))
    ]
    title = f"A and {letter} part at decision {parting.place:,}, {at(parting.at_ns)[:19]}"
    print_table(title, ("", "at", "what", "number", "of it"), sides)


def _moments(run: "RecordedRun") -> Any:
    from app.cli.runs.moments import Moments

    return Moments(Context(run.row["config"].get("market", DEFAULT_MARKET)).time)


def _words(decision: "Decision", at: Any) -> str:
    """`SmaCross: buy 100 SYN1, market, day`."""
    facts = {name: value for name, value in decision.facts.items() if value not in (None, False)}
    head = [str(facts.pop(name)) for name in ("side", "quantity", "symbol") if name in facts]
    if "bar_start_ns" in facts:
        facts["bar"] = at(facts.pop("bar_start_ns"))[11:19]
    plain = [str(facts.pop(name)) for name in ("kind", "tif") if name in facts]
    rest = [f"{name.replace('_', ' ')} {value}" for name, value in facts.items()]
    who = "" if decision.strategy is None else f"{decision.strategy}: "
    return who + ", ".join([" ".join(head), *plain, *rest])


def _cell(value: object) -> str | None:
    """A value in a cell; of a hash its beginning."""
    if value is None:
        return None
    text = value_text(value)
    return text[:_SHORT] if len(text) == _HASH and text.isalnum() else text
