"""The peer's account: balances, what resting orders lock, trades, the key's rights."""

from collections.abc import Mapping
from typing import Any

from app.core.money import amount_units
from app.core.venue import VenueTime
from app.integrations.binance.peer.asked import rows_of, whole
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.words import MS, number_of, text, trade_of
from app.integrations.binance.peer.wrong import Wrong


def account(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    ground.venue.open_orders(at.venue_ns)  # it lives through what is due
    locked = ground.locked()
    return {
        "commissionRates": {
            "maker": f"{ground.fees.maker:.8f}",
            "taker": f"{ground.fees.taker:.8f}",
            "buyer": "0.00000000",
            "seller": "0.00000000",
        },
        "canTrade": True,
        "accountType": "SPOT",
        "balances": [
            {
                "asset": asset,
                "free": text(units - locked.get(asset, 0)),
                "locked": text(locked.get(asset, 0)),
            }
            for asset, units in ground.held().items()
            if units or asked.get("omitZeroBalances") != "true"
        ],
    }


def my_trades(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    """The trades of a symbol, from a number on, or of a time or an order; else the latest."""
    symbol, count = ground.symbol(asked), rows_of(asked)
    first, number = whole(asked, "fromId"), whole(asked, "orderId")
    start, end = whole(asked, "startTime"), whole(asked, "endTime")
    done = ground.venue.executions(0, at.venue_ns)[max((first or 0) - 1, 0) :]
    found = [
        trade_of(one, ground.fee_of(one), ground.entry(one.venue_id))
        for one in done
        if one.symbol == symbol
        and number in (None, number_of(one.venue_id))
        and (start is None or one.at_ns // MS >= start)
        and (end is None or one.at_ns // MS <= end)
    ]
    return found[-count:] if first is None and start is None else found[:count]


def restrictions(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    return {"enableWithdrawals": ground.can_withdraw, "enableSpotAndMarginTrading": True}


def check_balance(ground: Ground, symbol: str, units: int, price: float) -> None:
    """Refuse an order that what is free does not cover."""
    base, quote = symbol.split("/")
    held, locked = ground.held(), ground.locked()
    free = held.get(base, 0) - locked.get(base, 0) + units
    if units > 0:
        free = held.get(quote, 0) - locked.get(quote, 0) - amount_units(units, price)
    if free < 0:
        raise Wrong(400, -2010, "Account has insufficient balance for requested action.")
