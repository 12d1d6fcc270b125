"""numpy and Arrow on the same memory; pyarrow's own conversions would import pandas to do it."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from app.core.bars import Floats, Ints

Number = TypeVar("Number", np.int64, np.float64)


def to_arrow(values: Ints | Floats, kind: pa.DataType) -> pa.Array:
    """An Arrow array of an eight-byte `kind` over these values."""
    buffer = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(kind, len(values), [None, buffer])


def ints(values: pa.Array) -> Ints:
    """A read-only view of 64-bit integers or timestamps; what a null holds is undefined."""
    return _view(values, np.int64)


def floats(values: pa.Array) -> Floats:
    """A read-only view of float64; nulls become NaN, in a copy."""
    if values.null_count:
        values = pc.fill_null(values, float("nan"))
    return _view(values, np.float64)


def _view(values: pa.Array, kind: type[Number]) -> npt.NDArray[Number]:
    if not len(values):
        return np.empty(0, kind)
    view = np.frombuffer(values.buffers()[1], kind, len(values), values.offset * 8)
    view.flags.writeable = False  # Arrow lets its own fresh memory be written
    return view


def nulls(values: pa.Array) -> npt.NDArray[np.bool_]:
    """Where a column has no value."""
    if not values.null_count:
        return np.zeros(len(values), dtype=bool)
    flags = pc.cast(pc.is_null(values), pa.uint8())
    return np.frombuffer(flags.buffers()[1], np.uint8, len(flags), flags.offset).astype(bool)
