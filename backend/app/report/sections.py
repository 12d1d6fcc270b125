"""The parts of a report that are words and figures: they stand without any script."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.core.called import LAUNCHER, as_called
from app.core.logging import redact
from app.core.run_states import FAILED, FINISHED, STOPPED
from app.report.completeness import completeness
from app.report.markup import Html, cell, details, element, joined, table, text
from app.report.notices import Notice
from app.repositories.journal_reader import JOURNAL_FOLDER

if TYPE_CHECKING:
    from app.results.run import Run
    from app.services.metrics.breakdown import Month

_STATES = {FINISHED: "good", FAILED: "bad"}


def head(run: "Run") -> Html:
    """Whose report it is."""
    dates = run.config.get("replay") or {}
    sessions = run.summary.get("sessions")
    between = f"{dates['start']} to {dates['end']}" if dates else _days(run)
    facts = [
        between,
        f"{sessions:,} session{'' if sessions == 1 else 's'}" if sessions is not None else None,
        f"{run.summary['bars']:,} bars" if "bars" in run.summary else None,
        f"{', '.join(run.symbols[:8])}{', ...' if len(run.symbols) > 8 else ''} on {run.market}",
        f"times of {run.zone}",
        f"run {run.id}",
    ]
    return element(
        "div",
        element(
            "div",
            element("h1", run.config.get("name", run.id)),
            element("span", run.mode, class_="chip"),
            element("span", run.state, class_=f"chip {_STATES.get(run.state, 'warn')}"),
            class_="line",
        ),
        element("div", joined(element("span", one) for one in facts if one), class_="facts"),
        class_="head",
    )


def _days(run: "Run") -> str | None:
    """From its first day to the last that it came to."""
    days = run.columns.sessions.date
    if not len(days):
        return None
    return str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}"


def notices(found: Sequence[Notice]) -> Html:
    """What a reader should know before the first figure."""
    items = (
        element("li", element("b", one.title), one.words, class_=f"notice {one.kind}".strip())
        for one in found
    )
    return element("ul", joined(items), class_="notices", aria_label="Before you trust it")


_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_STEPS = (0.0, 0.01, 0.03, 0.06)  # returns of a month at which its colour deepens


def monthly(months: "Sequence[Month]") -> Html:
    """A row for each year, a cell for each month: colour, sign and figure say the same."""
    if not months:
        return Html("")
    returns = {(one.year, one.month): one.share for one in months}
    shown = sorted({month for _, month in returns})  # on a telephone empty ones would hide them
    rows = []
    for year in range(min(returns)[0], max(returns)[0] + 1):
        own = [returns.get((year, month)) for month in shown]
        whole = 1.0
        for one in own:
            whole *= 1.0 + (one or 0.0)
        rows.append([year, *map(_heat, own), cell(_share(whole - 1.0), "sum")])
    return element(
        "section",
        element("h2", "Returns by month"),
        table(("", *(_MONTHS[month - 1] for month in shown), "Year"), rows, "heat"),
        class_="card",
        id="monthly",
    )


def _heat(value: float | None) -> Html:
    if value is None:
        return cell("", None)
    depth = sum(abs(value) > step for step in _STEPS)
    kind = f"{'l' if value < 0 else 'g'}{depth}" if depth else None
    return cell(_share(value), kind)


def _share(value: float) -> str:
    digits = 1 if abs(value) >= 0.0005 or not value else 2
    return f"{value:+.{digits}%}".replace("-", "−")


def data(run: "Run", now: Mapping[str, str]) -> Html:
    """On which bars it stood, how complete they were, what was kept out, and what the store has of
    them now.
    """
    heads = ["symbol", "bars", "expected", "coverage", "thin", "holes"]
    rows = [[row["symbol"], *_complete(row)] for row in completeness(run)]
    parts = [element("h2", "Data passport")]
    if run.passport:
        heads += ["half days", "synthetic", "in the store now", "SHA-256"]
        for row, whole in zip(rows, run.passport, strict=True):
            row += [whole["half_days"], "yes" if whole["synthetic"] else "no"]
            row += [now.get(whole["symbol"]), cell(whole["source_hash"], "hash")]
    else:
        words = "It read no stored bars: its journal has every bar that it was told of."
        parts.append(element("p", words, class_="hint"))
    if rows:
        parts.append(table(heads, rows))
    kept_out = (run.facts.get("quality") or {}).get("kept_out") or []
    if kept_out:
        found = [[one["symbol"], one["session"], one["reason"], one["bars"]] for one in kept_out]
        kept = table(("symbol", "session", "reason", "bars"), found)
        parts.append(details(f"Bars kept out: {len(found)} kinds", kept))
    return element("section", joined(parts), id="data", class_="card")


def _complete(row: Mapping[str, Any]) -> list[str]:
    thin, share = row.get("thin_bars"), row["bars"] / (row["expected_bars"] or 1)
    told = "–" if thin is None else f"{thin:,}"  # runs of old did not count them
    bars = f"{row['bars']:,}", f"{row['expected_bars']:,}"
    return [*bars, f"{share:.3%}", told, f"{row['holes']:,}"]


def config(run: "Run") -> Html:
    """All it was given."""
    return element(
        "section",
        element(
            "div",
            element("h2", "Config"),
            element("button", "Copy", type="button", data_copies="config-text"),
            class_="title",
        ),
        element("pre", _plain(_said(run.config)), id="config-text"),
        details(
            "With every default",
            element("pre", _plain(run.config)),
        ),
        id="config",
        class_="card",
    )


def _plain(config: Mapping[str, Any]) -> str:
    """As a file has it; a page is passed on, so that what looks like a secret is left out."""
    return redact(json.dumps(config, indent=2, default=str))


def _said(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a config says itself; all of one that this version would not read."""
    from pydantic import ValidationError

    from app.core.config import SessionConfig

    try:
        return SessionConfig.model_validate(config).model_dump(mode="json", exclude_defaults=True)
    except ValidationError:
        return config


def proof(run: "Run") -> Html:
    """The fingerprint, and how anybody finds the same."""
    lines = [element("h2", "Fingerprint, and how to verify it")]
    if run.fingerprint is None:
        lines.append(element("p", "It has none: it did not come to its end."))
    else:
        lines.append(
            element(
                "div",
                element("code", run.fingerprint, id="fingerprint"),
                element("button", "Copy", type="button", data_copies="fingerprint"),
                class_="line",
            )
        )
    lines.append(element("p", _how_to_verify(run)))
    code = [[name, cell(sha, "hash")] for name, sha in (run.facts.get("strategies") or {}).items()]
    libraries = [[name, value] for name, value in (run.facts.get("versions") or {}).items()]
    if code:
        lines.append(table(("strategy", "SHA-256 of its file"), code))
    libraries += [[name, run.facts.get(name)] for name in ("platform", "program")]
    lines.append(details("Versions", table(("library", "version"), libraries)))
    return element("section", joined(lines), id="proof", class_="card proof")


def _how_to_verify(run: "Run") -> Html:
    """In a command each."""
    if (run.folder / JOURNAL_FOLDER).exists():
        command = as_called(f"{LAUNCHER} verify {run.id}")
        return joined(
            (
                "It is a SHA-256 over every decision and fill, in order. ",
                element("code", command),
                " runs it again from its journal and compares each of them.",
            )
        )
    return joined(
        (
            "It is a SHA-256 over every decision and fill, in order. Start the config above again "
            "on bars of the same SHA-256: ",
            element("code", as_called(f"{LAUNCHER} system start CONFIG")),
            " decides the same as far as this run came before it was stopped, and goes on; "
            if run.state == STOPPED
            else " ends in the same fingerprint, and ",
            element("code", as_called(f"{LAUNCHER} report compare {run.id} last")),
            " names the first decision that differs, if one does.",
        )
    )


def footer(run: "Run", version: str, at: dt.datetime) -> Html:
    """Who wrote it, and when."""
    return text(
        f"Written by MisMartera {version} at {at:%Y-%m-%d %H:%M} of {run.zone}, of run {run.id}. "
        "It needs nothing but this file, and asks nothing of any network."
    )
