"""The kinds of faults, how each is brought about, and what cannot happen."""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Final

import msgspec

from app.core import orders as states
from app.integrations.binance.peer import faults as coin_faults
from app.integrations.practice import wire
from app.integrations.practice.venue import faults as menu
from app.integrations.practice.wire import Fault

CRASH: Final = "F00"  # the process is gone; the faults below are those of RELIABILITY.md
KINDS: Final = {
    CRASH: "crash, recovery crashed again",
    "F01": "bar or tick dropped",
    "F02": "duplicated",
    "F03": "reordered",
    "F04": "late by 1 s to 10 min",
    "F05": "feed silent but connected",
    "F06": "feed reconnects with overlap",
    "F07": "timeout after accept",
    "F08": "timeout before accept",
    "F09": "acknowledgement after fill",
    "F10": "duplicate acknowledgement or fill",
    "F11": "fill frame lost",
    "F12": "partial fill, then disconnect",
    "F13": "cancel refused because filled",
    "F14": "fill after the cancel's acknowledgement",
    "F15": "amendment raced by a fill",
    "F16": "reject after accept",
    "F17": "error body, 4xx, 5xx, garbage",
    "F18": "not found for 30 s after accept",
    "F19": "venue restarts with id rollback",
    "F20": "order or position changed by hand",
    "F21": "journal disk full, or its sync fails",
    "F22": "clock jump",
    "F23": "worker or strategy raises or hangs",
    "F24": "token expiry, market halt, split",
}
NONE: Final = "none"  # no order is open
STATES: Final = (
    NONE, states.SUBMITTED, states.ACCEPTED, states.PARTIAL, states.AMEND_PENDING,
    states.CANCEL_PENDING, states.UNKNOWN,
)  # fmt: skip
# Of an order's way to the venue and its fills: the gate has orders too, of which no strategy knows.
OF_PLACEMENTS: Final = ("F07", "F08", "F09", "F10", "F11", "F12", "F16", "F18")
OF_CANCELS: Final = ("F13", "F14")
# What cannot come together, and why. A cell counts each order state present when a fault fires.
IMPOSSIBLE: Final = {
    ("F15", NONE): "the gate amends only for a strategy, whose order is open until its end is told",
}

_BY_MENU: Final = {
    (menu.DROP, wire.MARKET_STREAM): "F01",
    (menu.DUPLICATE, wire.MARKET_STREAM): "F02",
    (menu.REORDER, wire.MARKET_STREAM): "F03",
    (menu.DELAY, wire.MARKET_STREAM): "F04",
    (menu.SILENT, wire.MARKET_STREAM): "F05",
    (menu.DISCONNECT, wire.MARKET_STREAM): "F06",
    (menu.DUPLICATE, wire.ORDER_STREAM): "F10",
    (menu.DROP, wire.ORDER_STREAM): "F11",
    (menu.DELAY, wire.ORDER_STREAM): "F09",
    (menu.REORDER, wire.ORDER_STREAM): "F10",
    (menu.DISCONNECT, wire.ORDER_STREAM): "F12",
    (menu.SILENT, wire.ORDER_STREAM): "F11",
    menu.TIMEOUT_AFTER: "F07",
    menu.TIMEOUT_BEFORE: "F08",
    menu.FILL_LOST: "F11",
    menu.PARTIAL_DISCONNECT: "F12",
    menu.CANCEL_RACED: "F13",
    menu.FILL_AFTER_CANCEL: "F14",
    menu.AMEND_RACED: "F15",
    menu.REJECT_LATER: "F16",
    menu.HTTP_STATUS: "F17",
    menu.HTTP_GARBAGE: "F17",
    menu.HTTP_ERROR_BODY: "F17",
    menu.NOT_FOUND: "F18",
    menu.ID_ROLLBACK: "F19",
    coin_faults.BANNED: "F17",
    coin_faults.TOO_MANY: "F17",
    coin_faults.ERROR_CODE: "F17",
}


def kind_of(fault: Fault, where: str) -> str:
    """Which of ours a fault of the venue's menu is."""
    return _BY_MENU.get((fault.kind, where)) or _BY_MENU[fault.kind]


def menu_faults(kind: str, draw: Random) -> list[Fault]:
    """What the venue's menu has of a kind; none where it is brought about in other ways."""
    few, seed = draw.randrange(1, 5), draw.randrange(1 << 20)
    odds = draw.choice((1.0, 0.5))
    market, orders = wire.MARKET_STREAM, wire.ORDER_STREAM

    def one(name: str, where: str = "", seconds: float = 0.0, count: int = few) -> Fault:
        return Fault(name, where=where, count=count, seconds=seconds, probability=odds, seed=seed)

    match kind:
        case "F01":
            return [one(menu.DROP, market)]
        case "F02":
            return [one(menu.DUPLICATE, market)]
        case "F03":
            return [one(menu.REORDER, market)]
        case "F04":
            return [one(menu.DELAY, market, draw.choice((1.0, 5.0, 60.0, 240.0, 600.0)))]
        case "F05":
            return [one(menu.SILENT, market, draw.uniform(20, 400), 1)]
        case "F06":
            return [one(menu.DISCONNECT, market)]
        case "F07":
            return [one(menu.TIMEOUT_AFTER, draw.choice(("place", "place", "cancel", "amend")))]
        case "F08":
            return [one(menu.TIMEOUT_BEFORE, draw.choice(("place", "place", "cancel", "amend")))]
        case "F10":
            return [one(draw.choice((menu.DUPLICATE, menu.REORDER)), orders)]
        case "F11":
            return [one(menu.FILL_LOST), one(menu.DROP, orders)][: draw.randrange(1, 3)]
        case "F12":
            return [one(draw.choice((menu.PARTIAL_DISCONNECT, menu.PARTIAL_DISCONNECT)))]
        case "F13":
            return [one(menu.CANCEL_RACED)]
        case "F14":
            return [one(menu.FILL_AFTER_CANCEL, seconds=draw.choice((0.1, 1.0, 20.0)))]
        case "F15":
            return [one(menu.AMEND_RACED)]
        case "F16":
            return [one(menu.REJECT_LATER, seconds=draw.choice((0.05, 1.0, 15.0)))]
        case "F18":
            return [one(menu.NOT_FOUND, seconds=draw.choice((0.5, 5.0, 30.0)))]
    return _errors(draw, few) if kind == "F17" else []


def _errors(draw: Random, few: int) -> list[Fault]:
    routes = ("place", "cancel", "amend", "order", "executions", "positions", "open_orders", "bars")
    return [
        Fault(
            draw.choice((menu.HTTP_STATUS, menu.HTTP_GARBAGE, menu.HTTP_ERROR_BODY)),
            where=draw.choice(routes),
            count=few,
            status=draw.choice((500, 502, 503, 429)),
            after_accept=draw.random() < 0.5,
        )
        for _ in range(draw.randrange(1, 4))
    ]


class Counts(msgspec.Struct):
    """Of one schedule or of many: what fired, and with orders in which states."""

    fired: Counter[str] = msgspec.field(default_factory=Counter)
    cells: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)

    def count(self, kind: str, present: Sequence[str] | None) -> None:
        """One more; None: nobody can say what the orders are in."""
        self.fired[kind] += 1
        if present is not None:
            for state in present or (NONE,):
                self.cells[kind, state] += 1

    def add(self, other: "Counts") -> None:
        """Those of another schedule."""
        self.fired += other.fired
        self.cells += other.cells

    def rare_cells(self, least: int) -> list[tuple[str, str, int]]:
        """Possible ones that were met less often."""
        return [
            (kind, state, self.cells[kind, state])
            for kind in KINDS
            for state in STATES
            if (kind, state) not in IMPOSSIBLE and self.cells[kind, state] < least
        ]
