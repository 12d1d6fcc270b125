"""Numbers that look drawn and are the same each time and on every machine: counters, mixed."""

import numpy as np
import numpy.typing as npt

from app.core.bars import Ints


def mixed(counters: npt.NDArray[np.uint64], bound: int) -> Ints:
    """A whole number from 0 to `bound` - 1 for each, by the mixing of splitmix64."""
    word = counters * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    word = word ^ (word >> np.uint64(31))
    return ((word >> np.uint64(33)) % np.uint64(bound)).astype(np.int64)
