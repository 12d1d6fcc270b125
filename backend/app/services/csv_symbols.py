"""Which rows of a file are of the symbol asked for; case and signs in its names do not matter."""

import re
from collections.abc import Mapping

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.core.arrow import ints
from app.core.bars import Ints

_LONGEST = 40  # letters of a name that are read; a symbol has fewer


class Picked(msgspec.Struct, frozen=True):
    """The places of one symbol's rows in a file, and of the others' by the name it gives them."""

    own: Ints
    others: Mapping[str, Ints]  # "" where a row names none


def pick_symbol(symbols: pa.Array, asked: str) -> Picked:
    """Part a file's rows by its column of symbols; where that is empty, all are as asked."""
    texts = pc.utf8_trim_whitespace(pc.cast(symbols, pa.string()))
    encoded = pc.dictionary_encode(pc.utf8_slice_codeunits(pc.fill_null(texts, ""), 0, _LONGEST))
    names = encoded.dictionary.to_pylist()
    codes = ints(pc.cast(encoded.indices, pa.int64()))
    if not any(names):
        return Picked(np.arange(len(codes)), {})
    places = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[places], np.arange(1, len(names)))
    rows_of = dict(zip(names, np.split(places, edges), strict=True))
    own = [rows_of.pop(name) for name in names if name and _plain(name) == _plain(asked)]
    return Picked(np.sort(np.concatenate([np.empty(0, np.int64), *own])), rows_of)


def _plain(symbol: str) -> str:
    """`BTC/USDT`, `btc-usdt` and `BTCUSDT` are one word."""
    return re.sub(r"[^A-Z0-9]", "", symbol.upper())
