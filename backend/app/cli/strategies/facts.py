"""What there is to know of strategies, gathered: the shelf, session configs, and a look inside."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.cli.config_text import CONFIGS_FOLDER
from app.cli.context import Context
from app.core.errors import AppError, NotFoundError, did_you_mean
from app.repositories.strategy_shelf import Place, places, use_named

Facts = dict[str, Any]

_OPENING = re.compile(r"^strategies use '[^']*': ")  # of the loader's messages; a row says it


def shelf() -> list[Place]:
    """Where strategies may be; nothing of them is loaded."""
    return places(Context().settings.strategies_folder, uses_by_configs())


def uses_by_configs() -> dict[str, list[str]]:
    """Names of the session configs by what strategies they use; a broken config has no say."""
    found: dict[str, list[str]] = {}
    for path in sorted(CONFIGS_FOLDER.glob("*.json")) if CONFIGS_FOLDER.is_dir() else ():
        for item in strategies_of(path):
            found.setdefault(item["use"], []).append(path.name)
    return found


def strategies_of(path: Path) -> list[Facts]:
    """The strategies a session config names, as far as it can be read."""
    try:
        config = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    items = config.get("strategies") if isinstance(config, dict) else None
    if not isinstance(items, list):
        return []
    return [x for x in items if isinstance(x, dict) and isinstance(x.get("use"), str)]


def listed() -> list[Facts]:
    """Each strategy there is, and what keeps one from being used."""
    from app.cli.strategies.probe import ask

    found = shelf()
    asked = [{"use": one.use, "kind": one.kind, "classes": one.classes} for one in found]
    rows: list[Facts] = []
    for place, answer in zip(found, ask("classes", asked), strict=True):
        common = {"where": place.kind, "configs": list(place.configs), "printed": answer.printed}
        rows += [{**told, **common, "problem": None} for told in answer.found or ()]
        if answer.error is not None:
            rows.append({**_nameless(place), **common, "problem": _OPENING.sub("", answer.error)})
    return rows


def problems(folder: Path) -> tuple[int, list[tuple[str, str]]]:
    """How many files a strategies folder has, and which cannot be loaded, with the reason."""
    from app.cli.strategies.probe import ask

    files = [place for place in places(folder) if place.kind == "file"]
    asked = [{"use": one.use, "kind": one.kind, "classes": one.classes} for one in files]
    answers = zip(files, ask("classes", asked), strict=True)
    broken = [(one.use, _OPENING.sub("", told.error)) for one, told in answers if told.error]
    return len(files), broken


def _nameless(place: Place) -> Facts:
    """What is known of one that cannot be loaded."""
    name = place.classes[0] if len(place.classes) == 1 else None
    use = place.use_of(name) if name and place.kind != "file" else place.use
    file = str(place.path) if place.path else None
    return {"class": name, "use": use, "doc": "", "intervals": [], "file": file}


def facts_of(name: str, setting: Mapping[str, Any] | None = None) -> Facts:
    """All that is known of one strategy; an error when it cannot be loaded.

    `setting` has the symbols and so on that it is set up with: else those of a config of its.
    """
    from app.cli.strategies.probe import ask

    found = shelf()
    use = use_named(name, found)
    where = use.partition(":")[0]
    folder = Context().settings.strategies_folder
    if where.endswith(".py") and not os.path.exists(folder / where):
        hint = did_you_mean(where, [place.use for place in found if place.kind == "file"])
        raise NotFoundError(
            f"There is no file '{where}' in {folder}. 'strategies list' shows what there is.{hint}"
        )
    configs = next((place.configs for place in found if place.use == where), ())
    answer = ask("strategy", [{"use": use, "config": setting or _setting(configs)}])[0]
    if answer.error is not None:
        refused = AppError(answer.error)
        refused.exit_code = answer.code
        raise refused
    facts: Facts = answer.found
    return facts | {"configs": list(configs), "printed": answer.printed}


def code_of(name: str) -> tuple[str, Path]:
    """What a name stands for, and its file: of one in the strategies folder nothing is run."""
    found = shelf()
    use = use_named(name, found)
    for place in found:
        if place.use == use.partition(":")[0] and place.path is not None and place.path.is_file():
            return use, place.path
    facts = facts_of(name)
    return facts["use"], Path(facts["file"])


def _setting(configs: Sequence[str]) -> Facts:
    """What the first sound config that uses it is about."""
    from app.core.config import load_session_config

    for name in configs:
        try:
            config = load_session_config(CONFIGS_FOLDER / name)
        except AppError:
            continue
        return {
            "market": config.market,
            "symbols": config.symbols,
            "base_interval": config.base_interval,
            "derived_intervals": config.derived_intervals,
        }
    return {}


def fact_rows(facts: Mapping[str, Any]) -> list[tuple[str, object]]:
    """The facts of a table, in words; parameters have a table of their own."""
    rows: list[tuple[str, object]] = [
        ("use", facts["use"]),
        ("file", facts["file"]),
        ("SHA-256", facts["hash"]),
        ("intervals", ", ".join(facts["intervals"]) or "the config's base interval"),
        ("hooks", ", ".join(facts["hooks"]) or None),
    ]
    if facts["problem"] is None:
        rows += [
            ("indicators", "\n".join(map(_indicator_text, facts["indicators"])) or None),
            ("history sessions", _history_text(facts["history"]) or None),
            ("keeps state", "yes" if facts["keeps_state"] else "no"),
            ("asks for sizes", "yes" if facts["asks_for_sizes"] else "no"),
            ("protection", _words(facts["protection"]) or None),
            ("set up with", f"{', '.join(facts['symbols'])} at {facts['base_interval']}"),
        ]
    return [*rows, ("used by", ", ".join(facts["configs"]) or None)]


def _indicator_text(item: Mapping[str, Any]) -> str:
    of = f" of {item['symbol']}" if item["symbol"] else ""
    first = f", from bar {item['bars']} on" if item["bars"] > 1 else ""
    return f"{item['name']} on {item['interval']}{of}{first}"


def _history_text(history: Mapping[str, int | None]) -> str:
    return _words({name: "all" if count is None else count for name, count in history.items()})


def _words(items: Mapping[str, object]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in items.items())
