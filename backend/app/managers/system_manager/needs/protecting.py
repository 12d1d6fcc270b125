"""Which strategies' positions are protected, and the execution manager that does it."""

from collections.abc import Callable, Sequence
from functools import partial

from app.core.config import SessionConfig
from app.core.config_protection import ProtectionFields, flat_fault, merged
from app.core.errors import ConfigError
from app.core.orders import TRAILING_STOP
from app.core.venue import Abilities
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.protected_execution import (
    ProtectedExecution,
    WatchedProtectedExecution,
)
from app.managers.execution_manager.watched_execution import OrderWitness, WatchedExecution
from app.services.protection import Cover, cover_by
from app.threads.hooks.seats import Seat


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


def check_protection(config: SessionConfig, seats: Sequence[Seat], abilities: Abilities) -> None:
    """Refuse exits that the venue has not: each entry would be closed again at once."""
    for seat, cover in zip(seats, covers_of(config, seats), strict=True):
        trails = cover is not None and (cover.trail, cover.trail_percent) != (None, None)
        if trails and TRAILING_STOP not in abilities.kinds:
            raise ConfigError(
                f"Strategy {seat.name} cannot have a trailing stop here: the venue "
                f"'{config.lived.venue}' has none. Declare stop_loss_percent in its place, "
                '"off": true in the config\'s protection, or "broker": "paper".'
            )


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
