"""A finished run's columns as pandas frames: times in the market's zone, money and quantities as
float64, names as categories.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from app.core.bars import Ints
from app.core.money import UNITS
from app.results.columns import NONE_IS_ZERO, Codes, Columns

if TYPE_CHECKING:
    import pandas as pd

_CATEGORIES = ("kind", "side", "tif", "state")


def frame_of(
    columns: Columns, index: str, zone: ZoneInfo, names: Mapping[str, Sequence[str]]
) -> "pd.DataFrame":
    """A frame by the instants of the column `index`; `names` has those of strategies, symbols."""
    import pandas as pd

    data: dict[str, Any] = {}
    for field in columns.__struct_fields__:
        values = getattr(columns, field)
        name = field.removesuffix("_units").removesuffix("_ns")
        if field == index:
            continue
        if field.endswith("_ns"):
            data[name] = _times(values, zone)
        elif field.endswith("_units"):
            data[name] = values.astype(np.float64) / UNITS
        elif field in names:
            data[name] = _named(values, names[field])
        elif field in _CATEGORIES and values.dtype == object:  # the side of a trade is a number
            data[name] = pd.Categorical(values)
        elif field in NONE_IS_ZERO:
            data[name] = pd.arrays.IntegerArray(values.copy(), values == 0)
        elif values.dtype == object:
            data[name] = pd.Series(values, dtype="str").array
        else:
            data[name] = values.copy()
    where = _times(getattr(columns, index), zone)
    where.name = index.removesuffix("_ns")
    return pd.DataFrame(data, index=where)


def _times(instants_ns: Ints, zone: ZoneInfo) -> "pd.DatetimeIndex":
    """0 is no time."""
    import pandas as pd

    moments = instants_ns.astype("datetime64[ns]")
    moments[instants_ns == 0] = np.datetime64("NaT", "ns")
    return pd.DatetimeIndex(moments, tz="UTC").tz_convert(zone)


def _named(codes: Codes, names: Sequence[str]) -> "pd.Categorical[Any]":
    import pandas as pd

    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(list(names)))
