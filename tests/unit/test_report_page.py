"""The page: nothing that a run was given is markup or script in it, and it names no other place."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from app.report.columns import pack
from app.report.markup import Html, details, element, script_json, table, text
from app.report.page import page, script
from app.report.sections import monthly
from app.services.metrics.breakdown import Month

HOSTILE = st.text() | st.sampled_from(
    [
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "]]><img src=x onerror=alert(1)>",
        '" onmouseover="alert(1)',
        "'><b>",
        "&lt;b&gt;",
        "$title ${facts}",
        "\ud800",
    ]
)
PARTS = (
    *(
        "title",
        "head",
        "notices",
        "figures",
        "equity_label",
        "monthly",
        "all_figures",
        "no_bars",
        "no_trades",
    ),
    *(
        "gap_note",
        "bars_note",
        "trades_note",
        "profit_note",
        "happened",
        "honesty",
        "data",
        "config",
    ),
    *("proof", "footer", "no_trades"),
)


class Seen(HTMLParser):
    """Elements with their attributes, and all text."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def whole(words: str) -> str:
    """A page whose every part, fact and table holds these words."""
    parts: dict[str, object] = dict.fromkeys(PARTS, words)
    parts["head"] = element("h1", words, title=words)
    parts["data"] = table((words,), [[words]])
    parts["config"] = details(words, element("pre", words))
    packed = pack({"word": [words], "number": np.array([1])})
    return page(parts, {"name": words, "symbols": {words: {"currency": words}}}, {words: packed})


def plain(words: str) -> str:
    """As UTF-8 can hold it, and as HTML reads line ends."""
    return words.encode("utf-8", "replace").decode("utf-8")


@given(HOSTILE)
def test_text_stays_text(words: str) -> None:
    seen = Seen(element("p", words, title=words))
    assert [tag for tag, _ in seen.elements] == ["p"]
    assert seen.words == plain(words)
    assert seen.elements[0][1] == {"title": plain(words)}
    assert text(text(words)) == text(words)


@given(st.dictionaries(st.text(), HOSTILE))
def test_json_in_a_script_cannot_end_it(value: dict[str, str]) -> None:
    told = script_json(value)
    assert not set("<>&") & set(told)
    assert json.loads(told) == value


@given(HOSTILE)
@example("</script><script>alert(1)</script>")
def test_a_page_has_the_same_elements_whatever_the_words_are(words: str) -> None:
    def elements(content: str) -> list[Any]:
        return [tag for tag, _ in Seen(content).elements]

    assert elements(whole(words)) == elements(whole("plain"))


def test_only_the_pages_own_script_and_style_may_take_effect() -> None:
    content = whole("plain")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', content)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy[1]
    for tag, kind in (("style", "style"), ("script", "script")):
        found = re.search(rf"<{tag}>(.*?)</{tag}>", content, re.DOTALL)
        assert found is not None
        digest = hashlib.sha256(found[1].encode("utf-8")).digest()
        assert f"{kind}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy[1]


def test_the_page_names_no_other_place() -> None:
    content = whole("plain")
    assert not re.findall(r"https?:|//[a-z]|@import|url\(", re.sub(r"//.*", "", content))
    for tag, attributes in Seen(content).elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form")
        assert "src" not in attributes
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        assert attributes.get("href", "#").startswith("#")  # type: ignore[union-attr]


def test_the_script_ends_in_no_element_of_its_own_making() -> None:
    assert "</" not in script()
    assert "<!--" not in script()


def test_markup_is_not_escaped_twice() -> None:
    assert element("p", Html("<b>x</b>"), "<") == "<p><b>x</b>&lt;</p>"


def test_months_without_any_return_take_no_room() -> None:
    page = str(monthly([Month(2024, 11, 20, -0.025), Month(2025, 1, 20, 0.01)]))
    shown = [month for month in ("Jan", "Feb", "Oct", "Nov", "Dec") if f">{month}<" in page]
    assert shown == ["Jan", "Nov"]
    assert page.index("+1.0%") > page.index("−2.5%")
