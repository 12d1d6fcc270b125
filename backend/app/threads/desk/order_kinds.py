"""Which kind of order a request asks for."""

from typing import Final

from app.core.errors import UsageError, did_you_mean
from app.core.orders import (
    LIMIT,
    MARKET,
    MARKET_ON_CLOSE,
    MARKET_ON_OPEN,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
)
from app.strategies.request import Request

_KINDS: Final = {  # by whether there is a limit, and a stop
    (False, False): MARKET, (True, False): LIMIT, (False, True): STOP, (True, True): STOP_LIMIT,
}  # fmt: skip
_AUCTIONS: Final = {"open": MARKET_ON_OPEN, "close": MARKET_ON_CLOSE}


def kind_of(request: Request) -> str:
    trails = request.trail is not None or request.trail_percent is not None
    if request.at is not None:
        if request.at not in _AUCTIONS:
            raise UsageError(
                f"at={request.at!r}: an order is at 'open' or at 'close'."
                + did_you_mean(str(request.at), tuple(_AUCTIONS))
            )
        if trails or request.limit is not None or request.stop is not None:
            raise UsageError(f"An order at='{request.at}' has no price: leave out the others.")
        if request.at == "open" and request.after is not None:
            raise UsageError("An order at='open' waits for no other: the open comes once.")
        return _AUCTIONS[request.at]
    if trails:
        if request.limit is not None:
            raise UsageError("A trailing stop has no limit.")
        return TRAILING_STOP
    return _KINDS[request.limit is not None, request.stop is not None]
