"""The page: its template, script and style, with a run's parts set in. One file, no network.

A content security policy lets this script and this style alone take effect, and nothing be fetched.
"""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any, Final

from app.report.columns import Packed
from app.report.markup import Html, element, joined, script_json, text

# In this order they make one script; each sees the names of those before it.
_SCRIPTS: Final = (
    *("decode", "pyramid", "scale", "span", "times", "theme", "gestures", "chart", "equity"),
    *("bars", "marks", "candles", "tools", "trades", "trade_table", "details", "distributions"),
    "page",
)


@cache
def _asset(name: str) -> str:
    return files("app.report").joinpath("assets", name).read_text(encoding="utf-8")


def script_part(name: str) -> str:
    """One of the script's files."""
    return _asset(f"{name}.js")


@cache
def script() -> str:
    """All of them in a scope of their own."""
    parts = "\n".join(map(script_part, _SCRIPTS))
    return f'(() => {{\n"use strict";\n{parts}\n}})();'


def page(parts: Mapping[str, object], facts: dict[str, Any], tables: Mapping[str, Packed]) -> str:
    """The whole file; `parts` are what the template names, markup or text."""
    specs = {
        name: {"place": place, "rows": packed.rows, "columns": packed.columns}
        for place, (name, packed) in enumerate(tables.items())
    }
    holders = joined(
        element("script", Html(packed.text), type="application/octet-stream", id=f"table-{place}")
        for place, packed in enumerate(tables.values())
    )
    style = _asset("style.css")
    return Template(_asset("page.html")).substitute(
        {name: text(part) for name, part in parts.items()},
        script_hash=_hash(script()),
        style_hash=_hash(style),
        style=style,
        script=script(),
        facts=script_json({**facts, "tables": specs}),
        tables=holders,
    )


def _hash(content: str) -> str:
    """As a content security policy names what may take effect."""
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
