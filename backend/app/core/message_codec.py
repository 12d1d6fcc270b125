"""Messages, intents and what else a journal keeps, to bytes and back: equal bit for bit.

MessagePack, with a column of numbers as an extension: its dtype and its bytes. A message stands
behind the name of its type, fields go by their names.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar, get_args

import msgspec
import numpy as np

from app.core.errors import DataError, did_you_mean
from app.core.messages import Message
from app.core.order_events import Intent

T = TypeVar("T")

_COLUMN: Final = 1  # the extension's number
_TYPES: Final = {kind.__name__: kind for kind in get_args(Message)}


class Output(msgspec.Struct, frozen=True, array_like=True):
    """What came of one input: fingerprint entries, and intents for the broker."""

    entries: bytes
    intents: tuple[Intent, ...]


def encode_message(message: Message) -> bytes:
    """An input as bytes."""
    return encode((type(message).__name__, message))


def decode_message(payload: bytes) -> Message:
    """The input that `encode_message` was given."""
    name, content = decode(payload, tuple[str, msgspec.Raw])
    if name not in _TYPES:
        raise DataError(
            f"A message of the kind '{name}' is not known here.{did_you_mean(name, _TYPES)}"
            " The version that wrote it reads it."
        )
    message: Message = decode(content, _TYPES[name])
    return message


def is_one_of(payload: bytes, *kinds: type[Message]) -> bool:
    """Whether an input is of one of these kinds; its content is not looked at."""
    return payload.startswith(tuple(_BEGINNINGS[kind] for kind in kinds))


def encode_output(entries: bytes, intents: Sequence[Intent]) -> bytes:
    """What came of an input as bytes."""
    return encode(Output(entries, tuple(intents)))


def decode_output(payload: bytes) -> Output:
    """What `encode_output` was given."""
    return decode(payload, Output)


def encode_note(note: Mapping[str, Any]) -> bytes:
    """A note for people to read, as JSON."""
    return msgspec.json.encode(note)


def decode_note(payload: bytes) -> dict[str, Any]:
    """What `encode_note` was given."""
    try:
        return msgspec.json.decode(payload, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise DataError(f"A note cannot be read: {error}.") from error


def encode(value: object) -> bytes:
    """Any plain value, struct or column as bytes."""
    try:
        return _ENCODER.encode(value)
    except (TypeError, OverflowError, msgspec.MsgspecError) as error:
        raise DataError(f"{type(value).__name__} cannot be put into bytes: {error}.") from error


def decode(payload: bytes | msgspec.Raw, kind: type[T]) -> T:
    """What `encode` was given, as the type named."""
    decoder = _DECODERS.get(kind)
    if decoder is None:
        decoder = msgspec.msgpack.Decoder(kind, dec_hook=_as_asked, ext_hook=_column)
        _DECODERS[kind] = decoder
    try:
        value: T = decoder.decode(payload)
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        raise DataError(f"This is not what it should be: {error}.") from error
    return value


def _extension(value: object) -> Any:
    if isinstance(value, np.generic):
        return value.item()  # a number that was taken out of a column: the same bits
    if not isinstance(value, np.ndarray):
        raise TypeError(f"there is no form for a {type(value).__name__}")
    if value.ndim != 1 or value.dtype.hasobject or value.dtype.names:
        raise TypeError(f"a column has one row of numbers, not {value.ndim} of {value.dtype}")
    return msgspec.msgpack.Ext(_COLUMN, value.dtype.str.encode() + b"\0" + value.tobytes())


def _column(code: int, data: memoryview) -> Any:
    if code != _COLUMN:
        raise ValueError(f"extension {code} is not known")
    dtype, _, raw = bytes(data).partition(b"\0")
    # a copy, for its place in memory: numpy's loops want numbers at multiples of their size
    column = np.frombuffer(raw, dtype.decode()).copy()
    column.flags.writeable = False
    return column


def _as_asked(kind: Any, value: Any) -> Any:
    """The columns of a struct: the extension has made them already."""
    if not isinstance(value, np.ndarray):
        raise ValueError(f"a column is expected where a {type(value).__name__} stands")
    return value


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_extension)
_DECODERS: Final[dict[Any, msgspec.msgpack.Decoder[Any]]] = {}
# What the inputs of each kind begin with.
_BEGINNINGS: Final = {
    kind: _ENCODER.encode((kind.__name__, None))[:-1] for kind in get_args(Message)
}
