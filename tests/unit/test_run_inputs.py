"""What a run stood on, as its run.json has it, held against another's."""

from typing import Any

import pytest

from app.managers.system_manager.record.run_inputs import changed_inputs, input_differences

THEN: dict[str, Any] = {
    "passport": [{"symbol": "AAA", "source_hash": "1", "venues": [], "coverage_percent": 100.0}],
    "instruments": [{"symbol": "AAA", "currency": "EUR", "tick": "0.01", "least_value": "0"}],
    "actions": [
        {"symbol": "AAA", "session": "2024-06-05", "split_ratio": "2", "dividend": "0",
         "part_price": 10.5}
    ],
    "rates": {"2024-06-03": {"EUR": 1.08}, "2024-06-04": {"EUR": 1.09}},
}  # fmt: skip


def other(name: str, **parts: Any) -> dict[str, Any]:
    """The first row of a part, otherwise."""
    (row,) = THEN[name]
    return {**THEN, name: [{**row, **parts}]}


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (THEN, []),
        (other("passport", source_hash="2"), ["bars of AAA"]),
        (other("passport", venues=["x"]), []),
        (other("instruments", tick="0.05"), ["instruments of AAA"]),
        (other("instruments", least_value="5"), ["instruments of AAA"]),
        (other("actions", dividend="0.1"), ["actions of AAA"]),
        (other("actions", part_price=11.0), []),
        ({**THEN, "actions": []}, ["actions of AAA"]),
        ({**THEN, "rates": {**THEN["rates"], "2024-06-04": {"EUR": 1.1}}}, ["rates of EUR"]),
        ({**THEN, "actions": [], "rates": {}}, ["actions of AAA", "rates of EUR"]),
    ],
)
def test_what_has_changed_is_named_by_its_kind_and_whose_it_is(
    now: dict[str, Any], told: list[str]
) -> None:
    assert changed_inputs(THEN, now) == told


def test_what_a_record_does_not_know_has_not_changed() -> None:
    assert changed_inputs({}, THEN) == []
    (instrument,) = THEN["instruments"]
    older = {name: value for name, value in instrument.items() if name != "least_value"}
    now = other("instruments", least_value="5")
    assert changed_inputs({**THEN, "instruments": [older]}, now) == []


def test_of_several_runs_each_has_its_value() -> None:
    others = [THEN, other("instruments", tick="0.05"), {}]
    found = {(kind, whose, one.path): one.values for kind, whose, one in input_differences(others)}
    assert found["instruments", "AAA", "tick"] == ("0.01", "0.05", None)
    assert found["rates", "EUR", "2024-06-03"] == (1.08, 1.08, None)
    assert not any("part_price" in path for _, _, path in found)
