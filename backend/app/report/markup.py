"""Pieces of HTML in which nothing that a run was given can be taken for markup or script."""

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


class Html(str):
    """Text that is markup already."""


def text(value: object) -> Html:
    """Anything as text; markup stays as it is. What UTF-8 cannot hold is replaced."""
    if isinstance(value, Html):
        return value
    plain = "–" if value is None else str(value)
    return Html(html.escape(plain.encode("utf-8", "replace").decode("utf-8")))


def element(tag: str, *inside: object, **attributes: object) -> Html:
    """`<tag ...>inside</tag>`; `class_` is `class`, and an attribute of None is left out."""
    told = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{text(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Html(f"<{tag}{told}>{joined(inside)}</{tag}>")


def joined(parts: Iterable[object]) -> Html:
    """One after the other."""
    return Html("".join(text(part) for part in parts))


def table(
    heads: Sequence[object], rows: Iterable[Sequence[object]], kind: str | None = None
) -> Html:
    """A table that scrolls by itself where it is too wide. A cell may be `cell(...)`."""
    head = joined(element("th", one, scope="col") for one in heads)
    body = joined(element("tr", *map(_cell, row)) for row in rows)
    whole = element("table", element("thead", element("tr", head)), element("tbody", body))
    return element("div", whole, class_="wide" if kind is None else f"wide {kind}")


def cell(value: object, kind: str | None) -> Html:
    """A cell of a table with a class of its own."""
    return element("td", value, class_=kind)


def _cell(value: object) -> Html:
    is_cell = isinstance(value, Html) and value.startswith(("<td", "<th"))
    return Html(value) if is_cell else element("td", value)


def details(summary: str, *inside: object, class_: str | None = None) -> Html:
    """What opens when it is asked for."""
    return element("details", element("summary", summary), *inside, class_=class_)


def script_json(value: Mapping[str, Any]) -> Html:
    """JSON that cannot end the element it stands in."""
    plain = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for char in "<>&":
        plain = plain.replace(char, f"\\u{ord(char):04x}")
    return Html(plain)
