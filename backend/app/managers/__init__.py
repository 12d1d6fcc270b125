"""Stateful facades: time, data, execution, and the system that wires them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.managers.system_manager.system_manager import get_system_manager

__all__ = ["get_system_manager"]


def __getattr__(name: str) -> object:
    """Import the system only when it is asked for: it pulls in every other part."""
    if name == "get_system_manager":
        from app.managers.system_manager.system_manager import get_system_manager

        return get_system_manager
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
