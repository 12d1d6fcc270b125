"""Where documents differ, and where two runs part."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.services.run_comparison import Decision, decisions, differences, first_parting

PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5))
NAMES = st.sampled_from("abcd")
DOCUMENT = st.dictionaries(
    NAMES,
    st.recursive(
        PLAIN,
        lambda part: st.one_of(
            st.lists(part, max_size=3), st.dictionaries(NAMES, part, max_size=3)
        ),
        max_leaves=5,
    ),
    max_size=3,
)
DECISIONS = st.lists(
    st.builds(
        Decision,
        at_ns=st.integers(0, 5),
        what=st.sampled_from(["order", "fill"]),
        number=st.integers(1, 3),
        strategy=st.just("one"),
        facts=st.fixed_dictionaries({"symbol": st.sampled_from(["AAA", "BBB"])}),
    ),
    max_size=8,
)


def order(number: int, at_ns: int, **others: Any) -> dict[str, Any]:
    """A row as SQL has it."""
    plain = {
        "order_id": number,
        "created_ns": at_ns,
        "ended_ns": at_ns + 5,
        "strategy": "one",
        "symbol": "AAA",
        "kind": "market",
        "side": "buy",
        "quantity": "100",
        "tif": "day",
        "state": "FILLED",
        "reason": None,
        **dict.fromkeys(("limit_price", "stop_price", "trail", "trail_percent")),
        **dict.fromkeys(("parent_id", "oco_group")),
        "reduce_only": False,
    }
    return {**plain, **others}


def fill(number: int, at_ns: int, price: float = 10.0, fee: str = "0") -> dict[str, Any]:
    row = {"fill_id": number, "symbol": "AAA", "quantity": "100", "price": price, "fee": fee}
    return {**row, "bar_start_ns": at_ns, "instant_ns": at_ns}


def change(number: int, at_ns: int, what: str, **others: Any) -> dict[str, Any]:
    row = {"order_id": number, "at_ns": at_ns, "what": what, "quantity": "100"}
    return {**row, "limit_price": None, "stop_price": None, "reason": None, **others}


def looked_up(document: Any, path: str) -> Any:
    """The value at a path, the slow way; None where there is none."""
    for part in path.replace("[", ".[").split("."):
        if part.startswith("["):
            place = int(part[1:-1])
            is_there = isinstance(document, list) and place < len(document)
            document = document[place] if is_there else None
        else:
            document = document.get(part) if isinstance(document, dict) else None
    return document


def test_a_difference_names_its_path_and_what_each_has_there() -> None:
    one: Mapping[str, Any] = {"name": "x", "strategies": [{"params": {"fast": 10, "slow": 30}}]}
    other = {"name": "x", "strategies": [{"params": {"fast": 5, "slow": 30}}], "new": None}
    (found,) = differences([one, other, one])
    assert found.path == "strategies[0].params.fast"
    assert found.values == (10, 5, 10)


def test_a_list_of_plain_values_is_one_value() -> None:
    (found,) = differences([{"symbols": ["A", "B"]}, {"symbols": ["A"]}])
    assert (found.path, found.values) == ("symbols", (["A", "B"], ["A"]))


@given(DOCUMENT)
def test_a_document_does_not_differ_from_itself(document: dict[str, Any]) -> None:
    assert differences([document, document]) == []


@given(DOCUMENT, DOCUMENT)
def test_each_difference_is_one(one: dict[str, Any], other: dict[str, Any]) -> None:
    for found in differences([one, other]):
        assert found.values[0] != found.values[1]
        for document, value in zip((one, other), found.values, strict=True):
            # None also where the whole is told, further up or further down.
            assert value is None or value == looked_up(document, found.path)


@given(DECISIONS, DECISIONS)
def test_before_they_part_runs_decide_the_same(left: list[Decision], right: list[Decision]) -> None:
    parting = first_parting(left, right)
    same = len(left) if parting is None else parting.place - 1
    assert [(d.at_ns, d.what, d.facts) for d in left[:same]] == [
        (d.at_ns, d.what, d.facts) for d in right[:same]
    ]
    if parting is None:
        assert len(left) == len(right)
        return
    sides = [side and (side.at_ns, side.what, side.facts) for side in (parting.left, parting.right)]
    assert sides[0] != sides[1]


def test_what_was_held_before_the_run_is_told_as_no_fill() -> None:
    found = decisions([], [], [fill(-2, 5), fill(-1, 5), fill(1, 5)])
    assert [(one.what, one.number) for one in found] == [
        ("adopted", -2),
        ("adopted", -1),
        ("fill", 1),
    ]


def test_decisions_go_by_instant_and_fills_come_first() -> None:
    found = decisions(
        [order(1, 10), order(2, 20)], [change(1, 20, "cancel")], [fill(1, 20), fill(2, 15)]
    )
    assert [(one.at_ns, one.what, one.number) for one in found] == [
        (10, "order", 1),
        (15, "fill", 2),
        (20, "fill", 1),
        (20, "order", 2),
        (20, "cancel", 1),
    ]


def test_the_first_other_price_is_where_they_part() -> None:
    left = decisions([order(1, 10)], [], [fill(1, 20)])
    right = decisions([order(1, 10)], [], [fill(1, 20, price=10.01)])
    parting = first_parting(left, right)
    assert parting is not None
    assert (parting.place, parting.at_ns) == (2, 20)
    assert parting.left is left[1]
    assert parting.right is right[1]


def test_a_run_that_decides_no_more_parts_there() -> None:
    left = decisions([order(1, 10), order(2, 30)], [], [])
    parting = first_parting(left, left[:1])
    assert parting is not None
    assert (parting.place, parting.at_ns, parting.right) == (2, 30, None)


def test_fees_and_the_names_of_strategies_are_no_decisions() -> None:
    left = decisions([order(1, 10)], [], [fill(1, 20)])
    right = decisions([order(1, 10, strategy="two")], [], [fill(1, 20, fee="1")])
    assert first_parting(left, right) is None


def test_another_of_two_strategies_is_another_decision() -> None:
    left = decisions([order(1, 10), order(2, 10, strategy="two")], [], [])
    right = decisions([order(1, 10), order(2, 10)], [], [])
    parting = first_parting(left, right)
    assert parting is not None
    assert parting.place == 2


def test_an_amended_order_parts_where_it_is_amended_and_not_where_it_was_given() -> None:
    left = decisions(
        [order(1, 10, kind="limit", limit_price=9.0)],
        [change(1, 40, "amend", limit_price=9.0)],
        [],
    )
    right = decisions([order(1, 10, kind="limit", limit_price=8.0)], [], [])
    parting = first_parting(left, right)
    assert parting is not None
    assert (parting.place, parting.at_ns, parting.right) == (2, 40, None)


def test_where_a_trailing_stop_came_to_is_no_decision() -> None:
    kind = {"kind": "trailing_stop", "trail": 0.5}
    left = decisions([order(1, 10, stop_price=9.0, **kind)], [], [])
    right = decisions([order(1, 10, stop_price=9.5, **kind)], [], [])
    assert first_parting(left, right) is None
    assert first_parting(left, decisions([order(1, 10, **{**kind, "trail": 0.6})], [], []))


def test_a_refusal_at_once_is_a_decision_and_its_reason_counts() -> None:
    refused = {"state": "REJECTED", "ended_ns": 10}
    left = decisions([order(1, 10, reason="max_order_value", **refused)], [], [])
    right = decisions([order(1, 10, reason="restricted", **refused)], [], [])
    assert left[0].what == "refused"
    assert first_parting(left, right)
