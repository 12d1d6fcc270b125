"""Every data source passes every case that its bench has the powers for."""

import queue
import re
from pathlib import Path

import pytest

from app.core.source import DataSource
from app.core.venue import VenueError, VenueUnclear
from app.integrations._template import source as template
from app.integrations.registry import PRACTICE
from app.integrations.sources import BINANCE, BINANCE_PUBLIC, SOURCES
from tests.sources import bench as bench_module
from tests.sources.bench import POWERS, Case, SourceBench, demand
from tests.sources.benches import BENCHES, BinanceSourceBench
from tests.sources.broken import BROKEN, bench_of
from tests.sources.cases import CASES
from tests.sources.page import PAGE, written


@pytest.mark.parametrize(
    ("bench", "case"),
    [
        pytest.param(bench, case, id=f"{bench.name}-{case.name}")
        for bench in BENCHES.values()
        for case in CASES
        if not case.powers & set(bench.lacks)
    ],
)
def test_case(bench: type[SourceBench], case: Case) -> None:
    demand(bench, case)


# -- the suite itself ------------------------------------------------------------------------------


def test_each_case_is_numbered_demands_one_thing_and_has_a_source_that_fails_it() -> None:
    assert [case.number for case in CASES] == list(range(1, len(CASES) + 1))
    for case in CASES:
        assert re.fullmatch(r"[A-Z][^.]*\.", case.says), f"{case.name}: one sentence, not more"
    assert {case.play.__name__ for case in CASES} == set(BROKEN)
    for bench in BENCHES.values():
        assert set(bench.lacks) <= set(POWERS)
    assert {power for case in CASES for power in case.powers} == set(POWERS)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_source_fails_its_case(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_module, "WAIT_SECONDS", 0.3)
    (case,) = [case for case in CASES if case.play.__name__ == name]
    with pytest.raises((AssertionError, pytest.fail.Exception, VenueError, queue.Empty)):
        demand(bench_of(*BROKEN[name]), case)


def test_every_source_that_is_registered_has_a_bench_or_is_one_of_a_kind_that_has() -> None:
    kinds = {BINANCE: BINANCE, BINANCE_PUBLIC: BINANCE, PRACTICE: PRACTICE}
    assert set(SOURCES) == set(kinds)
    assert set(kinds.values()) == set(BENCHES)


def test_the_page_shows_the_sources_and_the_suite() -> None:
    assert PAGE.read_text(encoding="utf-8") == written(), "Write it: python -m tests.sources"


def test_the_template_has_each_method_and_names_each_case_and_is_not_registered() -> None:
    text = Path(template.__file__).read_text(encoding="utf-8")
    named: set[int] = set()
    for first, last in re.findall(r"S(\d\d)(?:-S(\d\d))?", text):
        named |= set(range(int(first), int(last or first) + 1))
    assert named == {case.number for case in CASES}
    methods = {name for name in vars(DataSource) if not name.startswith("_")}
    assert methods - {"facts"} <= set(vars(template.TemplateSource))
    assert not [name for name in SOURCES if "template" in name]


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'{"symbols": 7}',
        b'{"symbols": [{}]}',
        b'{"symbols": [{"baseAsset": null}]}',
        b"\xff",
    ],
)
def test_symbols_of_binance_that_cannot_be_read_are_unclear(body: bytes) -> None:
    bench = BinanceSourceBench(is_holed=False)
    source = bench.open()
    for ask in (lambda: source.search(""), lambda: source.listed("BTC/USDT")):
        bench.peer.fail("GET /api/v3/exchangeInfo", status=200, body=body)
        with pytest.raises(VenueUnclear):
            ask()
    assert len(source.search("")) == 2
    bench.close()
