"""Finished runs, read: the Python API of notebooks, and what reports and exports are made of."""

from app.results.opening import open_run
from app.results.run import Run

__all__ = ["Run", "open_run"]
