"""What a live broker holds between two inputs, taken from it and given back."""

import msgspec
from msgspec.structs import asdict, replace

from app.managers.execution_manager.exits.declared_exits import ExitsState
from app.managers.execution_manager.live.known_orders import KnownState
from app.managers.execution_manager.live.limited_broker import LimitedBroker
from app.managers.execution_manager.live.live_broker import LiveBroker
from app.managers.execution_manager.live.past_splits import PastSplit
from app.managers.execution_manager.live.shared_broker import SharedBroker, SharingState
from app.managers.execution_manager.orders.links import LinksState
from app.managers.execution_manager.orders.parts import Part
from app.managers.execution_manager.orders.working_orders import Pending


class LiveBrokerState(msgspec.Struct, frozen=True, tag="venue"):
    """What a live broker holds; by the orders' numbers."""

    known: KnownState
    working: list[int]  # in order of acceptance
    links: LinksState
    pending: Pending
    parts: dict[int, Part]
    exits: ExitsState
    to_end: list[int]
    reducing: list[int]
    were_there: dict[int, int]
    ending: list[int]
    past_splits: list[PastSplit]
    waiting: list[int] = []  # for others to be taken back


class SharedBrokerState(LiveBrokerState, frozen=True, tag="shared venue", kw_only=True):
    """What one holds where strategies may share symbols."""

    sharing: SharingState


def live_broker_state(broker: LiveBroker) -> LiveBrokerState:
    """As it stands."""
    state = _state_of(broker)
    if not isinstance(broker, SharedBroker):
        return state
    return SharedBrokerState(**asdict(state), sharing=broker.sharing())


def _state_of(broker: LiveBroker) -> LiveBrokerState:
    return LiveBrokerState(
        broker.known.state(),
        list(broker.working),
        broker.links.state(),
        dict(broker.pending),
        {number: replace(part) for number, part in broker.parts.items()},
        broker.exits.state(),
        list(broker._to_end),
        sorted(broker.reducing),
        dict(broker._were_there),
        sorted(broker.ending),
        broker.past_splits.state(),
        list(broker.waiting) if isinstance(broker, LimitedBroker) else [],
    )


def restore_live_broker(broker: LiveBroker, state: LiveBrokerState) -> None:
    """Be as it stood."""
    broker.known.restore(state.known)
    broker.working.update((number, broker.known[number]) for number in state.working)
    broker.links.restore(state.links, broker.working)
    broker.pending.update(state.pending)
    broker.parts.update(state.parts)
    broker.exits.restore(state.exits, broker.working)
    broker._to_end.update(dict.fromkeys(state.to_end))
    broker.reducing.update(state.reducing)
    broker._were_there.update(state.were_there)
    broker.ending.update(state.ending)
    broker.past_splits.restore(state.past_splits)
    if isinstance(broker, LimitedBroker):
        broker.waiting.update(dict.fromkeys(state.waiting))
    if isinstance(broker, SharedBroker) and isinstance(state, SharedBrokerState):
        broker.restore_sharing(state.sharing)
