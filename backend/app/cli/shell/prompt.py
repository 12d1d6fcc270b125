"""The prompt's text, from what is known. Pure."""

from app.cli.shell.seams import Standing
from app.cli.system.real_money import REAL_MONEY

Fragments = list[tuple[str, str]]

NAME = "system@mismartera:"
_STYLES = {"RUNNING": "ansigreen", "PAUSED": "ansiyellow", "ERROR": "ansired bold"}
_SHARE = 0.7  # of the width that the prompt may take: the rest is for what is typed


def prompt_fragments(
    standing: Standing | None, idle_clock: str, exit_code: int, width: int
) -> Fragments:
    """`system@mismartera: replay RUNNING 10:31:05 > `, shorter where the terminal is narrow.

    While nothing runs it shows the market's own time, with its zone. Real money is never left out.
    """
    real: Fragments = []
    if standing is not None and standing.real_money:
        real.append(("ansired bold", f" {REAL_MONEY}"))
    parts: Fragments = []
    if standing is not None:
        style = _STYLES.get(standing.state.upper(), "bold")
        parts += [("", f" {standing.mode}"), (style, f" {standing.state}")]
        parts.append(("", f" {standing.clock}"))
        if standing.more:
            parts.append(("", f" +{standing.more}"))
    elif idle_clock:
        parts.append(("ansibrightblack", f" idle {idle_clock}"))
    if exit_code:
        parts.append(("ansired", f" [{exit_code}]"))
    room = int(width * _SHARE) - len(NAME) - len(" > ") - sum(len(text) for _, text in real)
    while parts and sum(len(text) for _, text in parts) > room:
        parts.pop(0)
    return [("bold", NAME), *real, *parts, ("", " > ")]
