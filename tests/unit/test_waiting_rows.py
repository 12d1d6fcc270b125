"""Rows that wait for SQL: each order once, as it ended."""

from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.orders import ACCEPTED, CANCELED, FILLED, PARTIAL, Order
from app.managers.system_manager.record.waiting_rows import WaitingRows

STATES = (ACCEPTED, PARTIAL, CANCELED, FILLED)
WORKING = (ACCEPTED, PARTIAL)


def order(number: int, state: str) -> Order:
    return Order(number, 0, "AAA", 0, 10, 0, state=state)


@settings(max_examples=60, deadline=None)
@given(blocks=st.lists(st.dictionaries(st.integers(1, 5), st.sampled_from(STATES)), max_size=6))
def test_of_an_order_that_went_on_record_while_it_worked_the_last_word_counts(
    blocks: list[dict[int, str]], tmp_path_factory: object
) -> None:
    """What is told of a run behind the end of its stream may end an order that is on record."""
    expected: dict[int, str] = {}
    folder = tmp_path_factory.mktemp("rows")  # type: ignore[attr-defined]
    rows = WaitingRows(Path(folder))
    for block in blocks:
        told = {
            number: state
            for number, state in block.items()
            if expected.get(number, ACCEPTED) in WORKING  # one that has ended stays so
        }
        rows.add([order(number, state) for number, state in told.items()], (), ())
        expected |= told
    found = [(one.order_id, one.state) for one in rows.orders()]
    assert sorted(found) == sorted(expected.items())
    assert [msgspec.to_builtins(one) for one in rows.orders()] == [
        msgspec.to_builtins(order(*one)) for one in found
    ]
    rows.delete()
