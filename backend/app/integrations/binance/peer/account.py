"""The peer's account: balances, what resting orders lock, trades, the key's rights."""

from collections.abc import Mapping
from typing import Any, Final

from app.core.money import amount_units
from app.core.venue import VenueTime
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.words import number_of, text, trade_of
from app.integrations.binance.peer.wrong import Wrong

_USUAL_ROWS: Final = 500


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
        ],
    }


def my_trades(ground: Ground, asked: Mapping[str, str], at: VenueTime) -> Any:
    symbol, first = ground.symbol(asked), int(asked.get("fromId", 0))
    done = ground.venue.executions(0, at.venue_ns)
    found = [
        trade_of(one, ground.fee_of(one), ground.entry(one.venue_id))
        for one in done
        if one.symbol == symbol and number_of(one.execution_id) >= first
    ]
    return found[: int(asked.get("limit", _USUAL_ROWS))]


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
