"""Money that moves between the books of one account."""

import msgspec


class Conversion(msgspec.Struct, frozen=True, gc=False):
    """A strategy changes money of one currency into another."""

    strategy: int
    source: str
    target: str
    units: int  # of the source
