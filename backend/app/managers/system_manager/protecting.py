"""Which strategies' positions are protected, and the execution manager that does it."""

from collections.abc import Callable, Sequence
from functools import partial

from app.core.config import SessionConfig
from app.core.config_protection import ProtectionFields, flat_fault, merged
from app.core.errors import ConfigError
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.protected_execution import (
    ProtectedExecution,
    WatchedProtectedExecution,
)
from app.managers.execution_manager.watched_execution import OrderWitness, WatchedExecution
from app.services.protection import Cover, cover_by
from app.threads.seats import Seat


def covers_of(config: SessionConfig, seats: Sequence[Seat]) -> list[Cover | None]:
    """What protects each strategy's positions: what the config says comes before the code."""
    return [cover_by(_fields_of(config, seat)) for seat in seats]


def _fields_of(config: SessionConfig, seat: Seat) -> ProtectionFields:
    layers: list[ProtectionFields] = [config.protection, seat.protection]
    if seat.name in config.protection.strategies:
        layers.insert(0, config.protection.strategies[seat.name])
    fields = merged(layers)
    if fault := flat_fault(fields, config.base_interval):
        raise ConfigError(
            f"Strategy {seat.name} cannot have flat_before_close_minutes here: {fault}"
        )
    return fields


def execution_maker(
    config: SessionConfig, seats: Sequence[Seat], witness: OrderWitness | None
) -> Callable[..., ExecutionManager]:
    """What makes a run's execution manager; it protects only where that is declared."""
    covers = covers_of(config, seats)
    if any(covers):
        if witness is not None:
            return partial(WatchedProtectedExecution, witness, covers=covers)
        return partial(ProtectedExecution, covers=covers)
    return ExecutionManager if witness is None else partial(WatchedExecution, witness)
