"""Bars at rest, instruments, corporate actions, and the replay feed."""

from app.managers.data_manager.data_manager import DataManager
from app.managers.data_manager.options import ImportOptions, ImportReport

__all__ = ["DataManager", "ImportOptions", "ImportReport"]
