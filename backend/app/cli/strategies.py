"""`strategies list`, `show` and `params`: what there is to trade with, and how it is set."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.context import Context
from app.cli.output import print_json, print_table

if TYPE_CHECKING:
    from app.strategies.shelf import Place

app = typer.Typer(help="The strategies there are, what each does and can be set to.")

CONFIGS_FOLDER = Path("session_configs")
_OPENING = re.compile(r"^strategies use '[^']*': ")  # of the loader's messages; a row says it

AsJson = Annotated[bool, typer.Option("--json", help="One JSON value instead of text.")]


@app.command("list")
def list_strategies(as_json: AsJson = False) -> None:
    """Shipped examples, those of your strategies folder, and what session configs use.

    One that does not load is listed with the reason.

    \b
    Example:
      ./start_cli.sh strategies list
    """
    rows = listed()
    if as_json:
        print_json(rows)
        return
    columns = ("class", "use", "where", "intervals", "what it does")
    print_table("Strategies", columns, [_cells(row) for row in rows])
    for row in rows:
        if row["problem"]:
            typer.echo(f"{row['use']} cannot be used: {row['problem']}")
        elif row["printed"]:
            typer.echo(f"{row['use']} prints while it is loaded: {row['printed']}")


def shelf() -> "list[Place]":
    """Where strategies may be; nothing of them is loaded."""
    from app.strategies.shelf import places

    return places(Context().settings.strategies_folder, uses_by_configs())


def uses_by_configs(folder: Path = CONFIGS_FOLDER) -> dict[str, list[str]]:
    """Names of the session configs by what strategies they use; a broken config has no say."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        for item in strategies_of(path):
            found.setdefault(item["use"], []).append(path.name)
    return found


def strategies_of(path: Path) -> list[dict[str, Any]]:
    """The strategies a session config names, as far as it can be read."""
    try:
        config = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    items = config.get("strategies") if isinstance(config, dict) else None
    if not isinstance(items, list):
        return []
    return [x for x in items if isinstance(x, dict) and isinstance(x.get("use"), str)]


def listed() -> list[dict[str, Any]]:
    """Each strategy there is, and what keeps one from being used."""
    from app.cli.strategy_probe import ask

    found = shelf()
    asked = [{"use": one.use, "kind": one.kind, "classes": one.classes} for one in found]
    rows = []
    for place, answer in zip(found, ask("classes", asked), strict=True):
        common = {"where": place.kind, "configs": list(place.configs), "printed": answer.printed}
        for told in answer.found or ():
            rows.append({**told, **common, "problem": None})
        if answer.error is not None:
            name = place.classes[0] if len(place.classes) == 1 else None
            use = place.use_of(name) if name and place.kind != "file" else place.use
            nothing: dict[str, Any] = {"class": name, "use": use, "doc": "", "intervals": []}
            file = str(place.path) if place.path else None
            problem = _OPENING.sub("", answer.error)
            rows.append({**nothing, "file": file, **common, "problem": problem})
    return rows


def _cells(row: Mapping[str, Any]) -> tuple[object, ...]:
    if row["problem"]:
        return (row["class"], row["use"], row["where"], None, "(cannot be used)")
    doc = row["doc"].partition("\n")[0]
    return (row["class"], row["use"], row["where"], ", ".join(row["intervals"]) or "base", doc)
