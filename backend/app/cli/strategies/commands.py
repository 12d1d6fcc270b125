"""`strategies list`, `show`, `params`, `new`: what there is to trade with, and how to make more."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from app.cli.parameters import AsJson
from app.cli.strategies.reloading import app as reloading
from app.cli.terminal.output import print_json, print_table, say
from app.cli.terminal.printable import printable

app = typer.Typer(help="The strategies there are, what each does and can be set to.")
app.add_typer(reloading)

Name = Annotated[
    str,
    typer.Argument(metavar="STRATEGY", help="A class, a file, or both as a config's `use` has it."),
]


@app.command("list")
def list_strategies(as_json: AsJson = False) -> None:
    """Shipped examples, your own, and what configs use.

    Your own are the files of the strategies folder. What does not load is listed with the reason.

    \b
    Example:
      ./start_cli.sh strategies list
    """
    from app.cli.strategies.facts import listed

    rows = listed()
    if as_json:
        print_json(rows)
        return
    columns = ("class", "where", "intervals", "what it does")
    print_table("Strategies", columns, [_cells(row) for row in rows])
    for row in rows:
        if row["problem"]:
            typer.echo(f"{row['use']} cannot be used: {row['problem']}")
        elif row["printed"]:
            typer.echo(f"{row['use']} prints while it is loaded: {row['printed']}")


@app.command("show")
def show_strategy(
    name: Name,
    source: Annotated[bool, typer.Option("--code", help="Print it instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """All there is to know of one strategy.

    What it does, its parameters, indicators, hooks and history. It is loaded and set up, under the
    symbols of a config that uses it where there is one.

    \b
    Examples:
      ./start_cli.sh strategies show SmaCross
      ./start_cli.sh strategies show sma_cross --code
    """
    from app.cli.strategies.facts import fact_rows, facts_of

    if source:
        _show_code(name, as_json)
        return
    facts = facts_of(name)
    if as_json:
        print_json(facts)
    else:
        typer.echo(f"{facts['doc']}\n" if facts["doc"] else "(it says nothing of itself)\n")
        print_table(facts["class"], ("what", "value"), fact_rows(facts))
        _print_params(facts)
        if facts["problem"]:
            typer.echo(f"It cannot be set up: {facts['problem']}")


def _show_code(name: str, as_json: bool) -> None:
    from app.cli.strategies.facts import code_of

    use, path = code_of(name)
    text = path.read_text(encoding="utf-8", errors="replace")
    if as_json:
        print_json({"use": use, "file": str(path), "source": text})
        return
    if sys.stdout.isatty():  # who looks at code is to see all of it
        text = "\t".join(map(printable, text.split("\t")))
    print(text, end="" if text.endswith("\n") else "\n")


@app.command("params")
def show_params(name: Name, as_json: AsJson = False) -> None:
    """A strategy's parameters and their bounds.

    With --json they are the "params" of a config, at their defaults.

    \b
    Examples:
      ./start_cli.sh strategies params SmaCross
      ./start_cli.sh strategies params SmaCross --json
    """
    from app.cli.strategies.facts import facts_of

    facts = facts_of(name)
    if as_json:
        print_json({param["name"]: param["default"] for param in facts["params"]})
    else:
        _print_params(facts)


@app.command("new")
def new_strategy(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As my_dip or MyDip.")],
    no_config: Annotated[
        bool, typer.Option("--no-config", help="Write no session config for it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a strategy to start from.

    A rule that works, its test, and a config that runs it. Nothing that is there is written over.

    \b
    Example:
      ./start_cli.sh strategies new my_dip
    """
    from app.cli.context import Context
    from app.cli.strategies.new import make_strategy
    from app.core.called import LAUNCHER, as_called

    made = make_strategy(name, Context().settings.strategies_folder, not no_config)
    files, commands = [str(path) for path in made.files], made.next_commands()
    if as_json:
        print_json({"class": made.class_name, "files": files, "next": commands})
        return
    say("\n".join(["Written:", *(f"  {file}" for file in files)]))
    look, test, run = commands
    launcher = as_called(LAUNCHER)
    lines = (f"{launcher} {look}", test, f"{launcher} {run}")
    say("\n".join(["Next, look at it, test it and run it:", *(f"  {x}" for x in lines)]))


def _print_params(facts: Mapping[str, Any]) -> None:
    if not facts["params"]:
        typer.echo(f"{facts['class']} has no parameters.")
        return
    rows = [
        (item["name"], item["default"], item["low"], item["high"], item["allowed"])
        for item in facts["params"]
    ]
    columns = ("parameter", "default", "low", "high", "allowed")
    print_table(f"Parameters of {facts['class']}", columns, rows)


def _cells(row: Mapping[str, Any]) -> tuple[object, ...]:
    where = row["where"] if row["where"] == "example" else row["use"].partition(":")[0]
    if row["problem"]:
        return (row["class"], where, None, "(cannot be used)")
    doc = row["doc"].partition("\n")[0]
    return (row["class"], where, ", ".join(row["intervals"]) or "base", doc)
