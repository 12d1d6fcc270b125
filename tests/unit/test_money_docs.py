"""What the documentation says of fees and cut-offs is what the program goes by, row by row."""

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

from app.core.intervals import MINUTE_NS
from app.services import auctions, fees

DOCS = Path(__file__).parents[2] / "docs"
_DATED = r"^\| (\d{4}-\d\d-\d\d) \| ([\d.]+) \|(?: ([\d.]+) \|)?$"


def test_the_dated_fees_are_those_that_are_charged() -> None:
    found = re.findall(_DATED, (DOCS / "COSTS.md").read_text(encoding="utf-8"), re.MULTILINE)
    sec = [(dt.date.fromisoformat(day), Decimal(rate)) for day, rate, most in found if not most]
    taf = [
        (dt.date.fromisoformat(day), (Decimal(rate), Decimal(most)))
        for day, rate, most in found
        if most
    ]
    assert (sec, taf) == ([*fees._SEC_PER_MILLION], [*fees._TAF])


def test_the_ready_made_schedules_are_those_there_are() -> None:
    text = (DOCS / "COSTS.md").read_text(encoding="utf-8")
    shown = dict(
        re.findall(r"^\| `(\w+)` \| (.+) \|$", text.split("### Ready-made")[1], re.MULTILINE)
    )
    assert {*shown} == {*fees._READY_MADE}
    for name, row in shown.items():
        one, numbers = fees._READY_MADE[name], {Decimal(x) for x in re.findall(r"\d[\d.]*", row)}
        parts = [one.per_share, one.minimum, one.clearing_per_share]
        shares = [one.maximum_share, one.clearing_maximum_share, one.rate, one.maker_rate]
        given = {part for part in parts if part} | {100 * part for part in shares if part}
        assert given == numbers, name


def test_the_cut_offs_are_those_that_hold() -> None:
    text = (DOCS / "FILLS.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+) \| (\d+) minutes \| (\d+) minutes \|$", text, re.MULTILINE)
    shown = {
        name: auctions.CutOffs(int(before) * MINUTE_NS, int(close) * MINUTE_NS)
        for names, before, close in rows
        for name in (re.findall("`(.+?)`", names) or ["any other"])
    }
    assert shown == {name: auctions.cut_offs_of(name) for name in shown}
    assert {"XNYS", "XNAS", "NASDAQ", "any other"} <= shown.keys()
