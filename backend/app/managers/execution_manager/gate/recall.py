"""Brings a book back to what was told before a restart, from what a journal holds."""

from app.core import orders as states
from app.core.order_events import (
    Acknowledged,
    Amend,
    Amended,
    Cancel,
    ChangeRefused,
    Ended,
    Filled,
    GateActed,
    GateFilled,
    GateGave,
    Halted,
    OrderEvent,
    Refused,
    Resumed,
    Uncertain,
    Voided,
)  # fmt: skip
from app.managers.execution_manager.gate.doubts import DENIALS
from app.managers.execution_manager.gate.gate_order import GateOrder
from app.managers.execution_manager.gate.latch import Latch
from app.managers.execution_manager.gate.strangers import Strangers
from app.managers.execution_manager.gate.tracker import Tracker


def recall(
    item: Cancel | Amend | OrderEvent, tracker: Tracker, latch: Latch, strangers: Strangers
) -> None:
    """Take one item; nothing is sent or told on account of it."""
    if isinstance(item, Filled | GateFilled):
        tracker.recall_fill(item)
    elif isinstance(item, Halted | Resumed | GateActed):
        latch.recall(item)
    elif isinstance(item, GateGave):
        tracker.add(strangers.own_order(item.number, item.symbol, item.units))
    elif (order := tracker.orders.numbered(item.order_id)) is not None:
        _recall_order(tracker, order, item)


def _recall_order(tracker: Tracker, order: GateOrder, item: Cancel | Amend | OrderEvent) -> None:
    if isinstance(item, Cancel):
        order.cancel_wanted = True
    elif isinstance(item, Amend):
        order.wanted, order.wanted_opens, order.wanted_sent = item.terms, item.opens, True
    elif isinstance(item, Acknowledged):
        order.acknowledged = True
    elif isinstance(item, Uncertain):
        order.uncertain = True
    elif isinstance(item, Amended):
        order.obey(item.terms)
        order.wanted = None
    elif isinstance(item, ChangeRefused):
        order.cancel_wanted, order.wanted = False, None
        tracker.end_if_whole(order)
    elif isinstance(item, Refused | Ended | Voided):
        state = item.state if isinstance(item, Ended) else states.REJECTED
        order.denied = getattr(item, "reason", "") in DENIALS
        tracker.end(order, state, None)
