"""The suite itself: whole, honest about what it leaves out, shown as it is, and able to fail."""

import queue
import re
from pathlib import Path

import pytest

from app.core.venue import Abilities, Venue, VenueRefused
from app.integrations import registry
from app.integrations._template import adapter as template
from tests.conformance import bench as bench_module
from tests.conformance.bench import POWERS, Bench
from tests.conformance.benches import BENCHES, broken_news, broken_orders
from tests.conformance.benches.bare import BareBench
from tests.conformance.benches.broken import BrokenBench, broken_of
from tests.conformance.case import CASES as MADE
from tests.conformance.cases import CASES
from tests.conformance.page import PAGE, written
from tests.conformance.suite import declared, demand, lacking, pairs

BROKEN = broken_of(broken_orders, broken_news)
ALL = [*BENCHES.values(), BareBench]


def test_the_cases_are_numbered_without_a_hole_and_each_demands_something() -> None:
    assert [case.number for case in CASES] == list(range(1, len(CASES) + 1))
    assert len(CASES) >= 40
    assert MADE is CASES
    for case in CASES:
        assert re.fullmatch(r"[A-Z`][^.]*\.", case.says), f"{case.name}: one sentence, not more"
    assert len({case.says for case in CASES}) == len(CASES)


def test_a_venue_s_own_bench_leaves_no_case_out() -> None:
    assert BENCHES["practice"].lacks == {}
    for bench in ALL:
        assert set(bench.lacks) <= set(POWERS)
        assert all(bench.lacks.values()), "say why"
        left_out = [case for case in CASES if lacking(bench, case)]
        assert len(list(pairs([bench], CASES))) + len(left_out) == len(CASES)


def test_every_power_and_every_ability_is_asked_for() -> None:
    assert {power for case in CASES for power in case.powers} == set(POWERS)
    nothing = Abilities(
        kinds=frozenset(), tifs=frozenset(), amends=False, reduces_only=False, goes_short=False,
        exits_twice=False, remembers_ids=False,
    )  # fmt: skip
    for name in Abilities.__struct_fields__:
        without = {one: getattr(Abilities(), one) for one in Abilities.__struct_fields__}
        poor = Abilities(**without | {name: getattr(nothing, name)})
        assert any(case.need and not case.need.has(poor) for case in CASES), name


@pytest.mark.parametrize("bench", ALL, ids=lambda bench: str(bench.name))
def test_an_adapter_declares_what_its_bench_says(bench: type[Bench]) -> None:
    opened = bench(())
    assert opened.open().abilities == bench.abilities
    opened.close()


def test_what_is_declared_missing_is_played_as_a_refusal() -> None:
    stands_in = [case for case in CASES if declared(BareBench, case)]
    assert len(stands_in) >= 12
    assert not [case for case in CASES if declared(BENCHES["practice"], case)]


def test_the_page_shows_the_suite() -> None:
    assert PAGE.read_text(encoding="utf-8") == written(), "Write it: python -m tests.conformance"


def test_each_case_is_failed_by_some_broken_adapter() -> None:
    assert {case.number for case in CASES} - {one.fails for one in BROKEN} == set()


# -- the template --------------------------------------------------------------------------------


def test_the_template_has_each_method_and_names_each_case_and_no_other() -> None:
    text = Path(template.__file__).read_text(encoding="utf-8")
    named: set[int] = set()
    for first, last in re.findall(r"C(\d\d)(?:-C(\d\d))?", text):
        named |= set(range(int(first), int(last or first) + 1))
    assert named == {case.number for case in CASES}
    methods = {name for name in vars(Venue) if not name.startswith("_")}
    assert methods <= set(vars(template.TemplateAdapter))


def test_nobody_can_trade_with_the_template() -> None:
    assert not [name for name in registry.VENUES if "template" in name]


# -- it can fail ---------------------------------------------------------------------------------

# What a case lets out itself, where a broken adapter says it or the news it waits for do not come.
_ELSE = (KeyError, ValueError, VenueRefused, queue.Empty)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: str(broken.__name__))
def test_a_broken_adapter_fails_its_case(
    broken: type[BrokenBench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_module, "WAIT_SECONDS", 0.3)
    (case,) = [case for case in CASES if case.number == broken.fails]
    with pytest.raises((AssertionError, pytest.fail.Exception, *_ELSE)):
        demand(broken, case)
