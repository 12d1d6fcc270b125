"""Above, below, or a tie: comparisons that do not take a rounding for a difference.

Two values closer than 1e-9 of the price (of the larger value, where they are no prices) are
equal. The scalar and the column form give the same answers.
"""

import numpy as np
import numpy.typing as npt

from app.core.bars import Floats

TIE = 1e-9

Signs = npt.NDArray[np.int8]


def sign(left: float, right: float, price: float | None) -> int:
    """1 when left is above right, -1 below, 0 when they tie; `price` None: no price units."""
    difference = left - right
    scale = max(abs(left), abs(right)) if price is None else price
    if abs(difference) < TIE * scale:
        return 0
    return (difference > 0) - (difference < 0)


def signs(left: Floats, right: Floats | float, price: Floats | None) -> Signs:
    """`sign` for whole columns."""
    with np.errstate(invalid="ignore", over="ignore"):  # infinite values tie with their like
        difference = left - right
    scale = np.maximum(np.abs(left), np.abs(right)) if price is None else price
    least = TIE * scale
    result: Signs = (difference >= least).view(np.int8) - (difference <= -least).view(np.int8)
    return result


def crosses(sides: Signs) -> Signs:
    """1 where it came above (a row ago it was not), -1 below, else 0; the first row is 0."""
    found = np.zeros(len(sides), np.int8)
    was, now = sides[:-1], sides[1:]
    found[1:] = ((now > 0) & (was <= 0)).astype(np.int8) - ((now < 0) & (was >= 0))
    return found
