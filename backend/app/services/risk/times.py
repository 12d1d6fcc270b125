"""How limits say how long something has been, or will be."""

from app.core.money import UNITS
from app.services.risk.verdict import text

_UNIT_NS = 1_000_000_000 // UNITS


def seconds(length_ns: int) -> str:
    """Seconds, down to what is worth telling."""
    return f"{text(length_ns // _UNIT_NS)} s"
