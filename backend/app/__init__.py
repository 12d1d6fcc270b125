"""MisMartera: a day-trading backend whose replay and live sessions share one code path."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.results import open_run

__version__ = "0.1.0"
__all__ = ["open_run"]


def __getattr__(name: str) -> object:
    """`from app import open_run`; imported when it is asked for, as it brings much with it."""
    if name == "open_run":
        from app.results import open_run

        return open_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
