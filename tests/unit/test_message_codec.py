"""What goes into a journal comes out of it equal, bit for bit."""

import datetime as dt
import math
import struct
from decimal import Decimal
from functools import cache
from typing import Any, get_args

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core import message_codec as codec
from app.core.bars import Block, SessionSpan, Table
from app.core.calendar import TradingSession
from app.core.errors import DataError
from app.core.instruments import Adjustment
from app.core.messages import (
    Backfill,
    Bars,
    BrokerNews,
    Command,
    EndOfStream,
    History,
    LastNews,
    Message,
)
from app.core.order_events import Intent, OrderEvent, Place
from app.core.orders import Terms

INT64 = st.integers(-(2**63), 2**63 - 1)
FLOAT = st.floats(allow_nan=True) | st.just(-0.0) | st.just(math.inf)
TEXT = st.text(max_size=8)
DECIMAL = st.decimals(allow_nan=False, allow_infinity=False, places=8)


def same(one: Any, other: Any) -> bool:
    """Equal in type and value, numbers bit for bit."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", other)
    if isinstance(one, Decimal):
        return str(one) == str(other)
    if isinstance(one, msgspec.Struct):
        return all(same(getattr(one, n), getattr(other, n)) for n in one.__struct_fields__)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(same, one.values(), other.values()))
    return bool(one == other)


def columns(rows: int, dtype: type) -> st.SearchStrategy[Any]:
    """Any bits at all: each NaN there is, among them."""
    size = rows * np.dtype(dtype).itemsize
    return st.binary(min_size=size, max_size=size).map(lambda raw: np.frombuffer(raw, dtype))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    rows = draw(st.integers(0, 5))
    ints, floats = columns(rows, np.int64), columns(rows, np.float64)
    spread = draw(st.none() | floats)
    prices = [draw(floats) for _ in range(5)]
    return Table(draw(columns(rows, np.int32)), draw(ints), draw(ints), *prices, spread)


SESSIONS = st.builds(
    TradingSession,
    market=TEXT,
    date=st.dates(dt.date(1970, 1, 1)),
    open_ns=INT64,
    close_ns=INT64,
    breaks=st.lists(st.tuples(INT64, INT64), max_size=2).map(tuple),
    pre_open_ns=st.none() | INT64,
    post_close_ns=st.none() | INT64,
    early_close=st.booleans(),
)


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    table = draw(tables())
    prices = [getattr(table, name) for name in ("open", "high", "low", "close", "volume")]
    spans = tuple(draw(st.lists(st.builds(SessionSpan, SESSIONS, INT64, INT64), max_size=2)))
    keys = table.start_ns, table.known_ns, table.symbol
    return Block(*keys, *prices, spans, draw(INT64), table.spread)


@cache
def plain(kind: type) -> st.SearchStrategy[Any]:
    """Any value of a struct of plain fields."""
    by_type = {int: INT64, float: FLOAT, str: TEXT, bool: st.booleans(), type(None): st.none()}
    fields = {}
    for field in msgspec.structs.fields(kind):
        types = get_args(field.type) or (field.type,)
        choices = [by_type[t] if t in by_type else plain(t) for t in types]
        fields[field.name] = st.one_of(choices)
    return st.builds(kind, **fields)


EVENTS = st.one_of([plain(kind) for kind in get_args(OrderEvent)])
INTENTS = st.lists(st.one_of([plain(kind) for kind in get_args(Intent)]), max_size=4)
ADJUSTMENTS = st.builds(Adjustment, TEXT, st.dates(), DECIMAL, DECIMAL, FLOAT, FLOAT)
MESSAGES = st.one_of(
    st.builds(
        History,
        sessions=st.lists(SESSIONS, max_size=2).map(tuple),
        bars=st.dictionaries(st.tuples(st.integers(0, 9), TEXT), tables(), max_size=2),
        adjustments=st.lists(ADJUSTMENTS, max_size=2).map(tuple),
        sequence=INT64,
    ),
    st.builds(Bars, blocks(), INT64),
    st.builds(BrokerNews, st.lists(EVENTS, max_size=4).map(tuple), INT64),
    st.builds(LastNews, st.lists(EVENTS, max_size=4).map(tuple), INT64, INT64),
    st.builds(Command, TEXT, TEXT, INT64),
    st.builds(Backfill, st.dictionaries(st.integers(0, 9), tables(), max_size=2), INT64),
    st.builds(EndOfStream, TEXT, INT64),
)


@settings(max_examples=100)
@given(MESSAGES)
def test_every_message_comes_back_equal_bit_for_bit(message: Message) -> None:
    payload = codec.encode_message(message)
    assert same(codec.decode_message(payload), message)
    assert [k for k in get_args(Message) if codec.is_one_of(payload, k)] == [type(message)]


@given(st.binary(max_size=40), INTENTS)
def test_entries_and_intents_come_back_equal(entries: bytes, intents: list[Intent]) -> None:
    output = codec.decode_output(codec.encode_output(entries, intents))
    assert output.entries == entries
    assert same(list(output.intents), intents)


def test_every_kind_of_message_is_among_those_tried() -> None:
    drawn = {History, Bars, BrokerNews, LastNews, Command, Backfill, EndOfStream}
    assert set(get_args(Message)) == drawn


def test_columns_come_back_read_only_and_at_their_place_in_memory() -> None:
    back = codec.decode(codec.encode({"a": np.arange(3.0)}), dict)["a"]
    assert back.tolist() == [0.0, 1.0, 2.0]
    assert back.flags.aligned and not back.flags.writeable


def test_a_column_that_is_a_view_with_gaps_keeps_its_values() -> None:
    back = codec.decode(codec.encode([np.arange(10)[::3]]), list)[0]
    assert back.tolist() == [0, 3, 6, 9]


def test_a_number_out_of_a_column_is_a_number() -> None:
    back = codec.decode(codec.encode([np.int64(2**62), np.float64(-0.0), np.bool_(True)]), list)
    assert same(back, [2**62, -0.0, True])


def test_a_message_of_an_unknown_kind_is_named() -> None:
    payload = codec.encode(("Barz", {}))
    with pytest.raises(DataError, match=r"'Barz' is not known here\. Did you mean 'Bars'\?"):
        codec.decode_message(payload)


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x92\xa4Bars\x80", b"\x92\xa4Bars\x05"])
def test_bytes_that_are_no_message_are_refused(payload: bytes) -> None:
    with pytest.raises(DataError, match="is not what it should be"):
        codec.decode_message(payload)


def test_a_number_where_a_column_belongs_is_refused() -> None:
    raw = codec.encode({"symbol": 7} | dict.fromkeys(Table.__struct_fields__[1:], 1))
    with pytest.raises(DataError, match="a column is expected"):
        codec.decode(raw, Table)


def test_units_too_big_for_a_record_are_refused_by_name() -> None:
    terms = Terms(2**70, None, None, None, None)
    order = Place(1, 0, "market", "day", terms, False, True)
    with pytest.raises(DataError, match="Output cannot be put into bytes"):
        codec.encode_output(b"", [order])


@pytest.mark.parametrize("value", [np.zeros((2, 2)), np.array([object()]), {1, object()}])
def test_what_has_no_form_is_refused(value: object) -> None:
    with pytest.raises(DataError, match="cannot be put into bytes"):
        codec.encode(value)


@given(st.dictionaries(TEXT, TEXT | st.integers(-(2**40), 2**40) | st.none(), max_size=4))
def test_notes_come_back_as_they_were(note: dict[str, Any]) -> None:
    assert codec.decode_note(codec.encode_note(note)) == note


def test_a_note_that_is_no_json_is_refused() -> None:
    with pytest.raises(DataError, match="A note cannot be read"):
        codec.decode_note(b"{")
