"""`verify RUN`: run a recorded live run again from its journal, and compare each decision."""

import msgspec
import typer

from app.cli.context import Context
from app.cli.terminal.output import console, print_json, print_table
from app.cli.terminal.progress import counting
from app.core.errors import UsageError, did_you_mean

RUNNERS = ("inline", "pool")


def verify_run(run_id: str, runner: str, as_json: bool) -> None:
    """Compare, and end with exit code 1 where the two differ."""
    from app.managers.system_manager.journal.journal_feed import journal_of
    from app.managers.system_manager.rerun.verification import Repetition
    from app.repositories.run_repository import RunRepository

    if runner not in RUNNERS:
        hint = did_you_mean(runner, RUNNERS)
        raise UsageError(f"--runner is '{runner}'; give {' or '.join(RUNNERS)}.{hint}")
    context = Context()
    run = RunRepository(context.engine).get_run(run_id)
    journal = journal_of(dict(run), context.settings.runs_folder)
    with counting("running it again", "inputs") as on_count:
        source = context.data.store
        again = Repetition(journal, context.time, source, runner, on_count=on_count)
        verdict = again.verdict()
    if as_json:
        print_json(msgspec.to_builtins(verdict))
    else:
        print_table(
            f"Run {verdict.run_id}",
            ("what", "value"),
            [
                ("equal", "yes" if verdict.equal else "no"),
                ("inputs", verdict.inputs),
                ("decisions and fills", verdict.decisions),
                ("intents", verdict.intents),
                ("fingerprint", verdict.fingerprint),
            ],
        )
        for note in verdict.notes:
            console.print(f"Note: {note}.")
        if verdict.difference is not None:
            first = verdict.difference
            console.print(f"The first difference is {first.what} {first.number}:")
            console.print(f"  recorded: {first.recorded or '(nothing more)'}", markup=False)
            console.print(f"  repeated: {first.repeated or '(nothing more)'}", markup=False)
    if not verdict.equal:
        raise typer.Exit(1)
