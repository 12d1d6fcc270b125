"""Stateful facades: time, data, execution, and the system that wires them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.managers.system_manager.system_manager import SystemManager, get_system_manager

__all__ = ["SystemManager", "get_system_manager"]


def __getattr__(name: str) -> object:
    """Import the system only when it is asked for: it pulls in every other part."""
    if name in __all__:
        from app.managers.system_manager import system_manager

        return getattr(system_manager, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
