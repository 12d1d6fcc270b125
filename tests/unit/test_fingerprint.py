"""The fingerprint: the same decisions give the same one, and no two different runs share one."""

import hashlib
import struct
from collections.abc import Sequence

import pytest
from execution_house import Row, limits_by, manager_of, submit
from hypothesis import given
from hypothesis import strategies as st

from app.core.fingerprint import (
    Fingerprint,
    amendment,
    cancel,
    conversion,
    execution,
    refusal,
    ticket,
)
from app.core.money import UNITS
from app.core.orders import ACCEPTED, GTC, TRAILING_STOP, Order, Terms
from app.core.transfers import Conversion
from app.managers.execution_manager.execution_manager import ExecutionManager

NAMES = st.lists(st.text(max_size=4), max_size=4)


def order(symbol: int, at_ns: int, units: int, reason: str = "") -> bytes:
    given = Order(1, 0, "any", symbol, units, at_ns, ACCEPTED)
    return refusal(given, at_ns, reason) if reason else ticket(given)


def fill(symbol: int, at_ns: int, start_ns: int, units: int, price: float) -> bytes:
    return execution((1, 1, symbol, units, price, 0, start_ns, at_ns, 0, units, 0))


def digest(strategies: Sequence[str], symbols: Sequence[str], entries: Sequence[bytes] = ()) -> str:
    fingerprint = Fingerprint(strategies, symbols)
    fingerprint.add(entries)
    return fingerprint.hexdigest()


def test_the_encoding_is_written_down_here_once_more() -> None:
    """Changing it makes every fingerprint on record worthless: that must be meant."""
    entries = [
        order(1, 1_700_000_000_000_000_000, -5 * UNITS),
        fill(1, 1_700_000_060_000_000_000, 1_700_000_000_000_000_000, -5 * UNITS, 101.25),
        order(1, 1_700_000_060_000_000_000, UNITS // 2, "why!"),
    ]
    raw = (
        b"\x01\0\0\0" + b"\x03\0\0\0Sma" + b"\x02\0\0\0" + b"\x01\0\0\0A" + b"\x02\0\0\0BB"
        + b"O" + bytes([0, 0, 1, 0]) + struct.pack("<qq", 1_700_000_000_000_000_000, -500_000_000)
        + b"F" + bytes([0, 0, 1, 0])
        + struct.pack("<qq", 1_700_000_060_000_000_000, 1_700_000_000_000_000_000)
        + struct.pack("<qd", -500_000_000, 101.25)
        + b"R" + bytes([0, 0, 1, 0]) + struct.pack("<qq", 1_700_000_060_000_000_000, 50_000_000)
        + b"\x04\0why!"
    )  # fmt: skip
    assert digest(["Sma"], ["A", "BB"], entries) == hashlib.sha256(raw).hexdigest()


def test_a_conversion_has_an_entry_of_its_own_kind() -> None:
    entry = Conversion(1, "EUR", "USD", 5 * UNITS)
    raw = (
        b"X" + bytes([1, 0, 0, 0]) + struct.pack("<qq", 1_700_000_000_000_000_000, 500_000_000)
        + b"\x02\0\0\0" + b"\x03\0\0\0EUR" + b"\x03\0\0\0USD"
    )  # fmt: skip
    assert conversion(entry, 1_700_000_000_000_000_000) == raw


def test_terms_links_and_amendments_are_written_down_here_once_more() -> None:
    order = Order(
        9, 1, "any", 2, -3 * UNITS, 7, kind=TRAILING_STOP, tif=GTC, stop=99.5, trail=0.5,
        reduce_only=True, parent=8, group=4, aimed=False,
    )  # fmt: skip
    nan = float("nan")
    head = bytes([1, 0, 2, 0]) + struct.pack("<q", 7)
    assert ticket(order) == (
        b"T" + head + struct.pack("<qBBdd", -3 * UNITS, 4, 1, nan, 99.5)
        + b"L" + struct.pack("<ddBqq", 0.5, nan, 1, 8, 4)
    )  # fmt: skip
    terms = Terms(-5 * UNITS, None, 99.0, None, 2.5)
    assert amendment(order, terms, 7) == (
        b"A" + head + struct.pack("<qqdddd", 9, -5 * UNITS, nan, 99.0, nan, 2.5)
    )
    assert cancel(order, 7) == b"C" + head + struct.pack("<q", 9)


@given(NAMES, NAMES, NAMES, NAMES)
def test_other_names_never_look_the_same(
    strategies: list[str], symbols: list[str], others: list[str], other_symbols: list[str]
) -> None:
    same = (strategies, symbols) == (others, other_symbols)
    assert (digest(strategies, symbols) == digest(others, other_symbols)) is same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((["a", "b"], ["c"]), (["a"], ["b", "c"])),
        ((["a\nb"], ["c"]), (["a", "b"], ["c"])),
        ((["a", "", "b"], ["c"]), (["a"], ["b", "", "c"])),
        ((["a"], ["b", "c"]), (["a"], ["c", "b"])),
        ((["a", "b"], ["c"]), (["b", "a"], ["c"])),
        ((["ä"], ["c"]), (["a"], ["c"])),
    ],
)
def test_names_that_could_be_run_together_are_told_apart(
    one: tuple[list[str], list[str]], other: tuple[list[str], list[str]]
) -> None:
    assert digest(*one) != digest(*other)


numbers = st.integers(-(2**63), 2**63 - 1)
entries_of = st.lists(
    st.builds(order, st.integers(0, 3), numbers, numbers, st.sampled_from(["", "no", "no: 5"]))
    | st.builds(fill, st.integers(0, 3), numbers, numbers, numbers, st.floats(allow_nan=False))
    | st.binary(max_size=9),
    max_size=12,
)


@given(entries_of, st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=9).map(sorted))
def test_where_it_is_cut_leaves_no_trace(
    entries: list[bytes], cuts: list[tuple[int, bool]]
) -> None:
    fingerprint = Fingerprint(["a"], ["X"])
    place = 0
    for end, asks in [*cuts, (len(entries), False)]:
        fingerprint.add(entries[place:end])
        if asks:
            fingerprint.hexdigest()  # asking in between changes nothing either
        place = end
    assert fingerprint.hexdigest() == digest(["a"], ["X"], entries)


# -- what the execution manager writes into it -----------------------------------------------------


def read(raw: bytes) -> list[tuple[object, ...]]:
    """The entries of a run, decoded: what can be read back cannot be ambiguous."""
    found: list[tuple[object, ...]] = []
    place = 0
    layouts = {b"O": struct.Struct("<cHHqq"), b"F": struct.Struct("<cHHqqqd"),
               b"R": struct.Struct("<cHHqqH")}  # fmt: skip
    while place < len(raw):
        layout = layouts[raw[place : place + 1]]
        words = layout.unpack_from(raw, place)
        place += layout.size
        if words[0] == b"R":
            length = words[-1]
            words = (*words[:-1], raw[place : place + length].decode())
            place += length
        found.append(words)
    return found


def manager(most: int = 50) -> ExecutionManager:
    rows = [Row(0, 10, 1.5), Row(1, 10, 2.5), Row(0, 20, 3.5)]
    return manager_of(rows, limits=limits_by(max_order_quantity=most))


def happened(execution: ExecutionManager) -> str:
    """The fingerprint of all that an execution manager did."""
    execution.diary.take()
    return execution.diary.fingerprint.hexdigest()


def test_orders_fills_and_refusals_are_written_in_the_order_they_happen() -> None:
    execution = manager()
    submit(execution, 1, 0, 3 * UNITS, 5)
    submit(execution, 0, 1, -UNITS, 5)
    submit(execution, 0, 0, 60 * UNITS, 5)
    execution.match(20)
    submit(execution, 1, 0, -3 * UNITS, 20)
    execution.match(30)
    assert read(b"".join(execution._happened)) == [
        (b"O", 1, 0, 5, 3 * UNITS),
        (b"O", 0, 1, 5, -UNITS),
        (b"R", 0, 0, 5, 60 * UNITS, "max_order_quantity: 60 is over 50"),
        (b"F", 1, 0, 20, 10, 3 * UNITS, 1.5),
        (b"F", 0, 1, 20, 10, -UNITS, 2.5),
        (b"O", 1, 0, 20, -3 * UNITS),
        (b"F", 1, 0, 30, 20, -3 * UNITS, 3.5),
    ]


def test_the_order_of_two_decisions_of_one_instant_counts() -> None:
    one, other = manager(), manager()
    submit(one, 0, 0, UNITS, 5)
    submit(one, 1, 0, UNITS, 5)
    submit(other, 1, 0, UNITS, 5)
    submit(other, 0, 0, UNITS, 5)
    assert happened(one) != happened(other)


@pytest.mark.parametrize(
    "changed", [(1, 0, UNITS, 5), (0, 1, UNITS, 5), (0, 0, 2 * UNITS, 5), (0, 0, UNITS, 6),
                (0, 0, -UNITS, 5), (0, 0, 99 * UNITS, 5), (0, 0, UNITS + 1, 5)],
)  # fmt: skip
def test_each_part_of_a_decision_counts(changed: tuple[int, int, int, int]) -> None:
    one, other = manager(), manager()
    submit(one, 0, 0, UNITS, 5)
    submit(other, *changed)
    assert happened(one) != happened(other)


def test_refusals_that_differ_in_their_reason_alone_differ() -> None:
    one, other = manager(), manager(most=55)
    submit(one, 0, 0, 60 * UNITS, 5)
    submit(other, 0, 0, 60 * UNITS, 5)
    assert happened(one) != happened(other)


@pytest.mark.parametrize("units", [2**63, -(2**63) - 1, 10**28 - 1])
def test_a_refusal_of_more_than_the_field_holds_is_still_written(units: int) -> None:
    one, other = manager(), manager()
    submit(one, 0, 0, units, 5)
    submit(other, 0, 0, units + (UNITS if units > 0 else -UNITS), 5)
    assert happened(one) != happened(other)  # by the reason's number
