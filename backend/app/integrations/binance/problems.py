"""What Binance's errors mean here: a plain no, or that nobody knows what has happened.

The codes are those of its documentation. Where it says that the state of execution is unknown,
or that a request failed inside, an order may well stand: that is `VenueUnclear`.
"""

import re
from http.client import HTTPException
from typing import Any, Final

import requests
import urllib3.exceptions
from binance.exceptions import (
    BinanceAPIException,
    BinanceOrderException,
    BinanceRegionException,
    BinanceRequestException,
    NotImplementedException,
    UnknownDateFormat,
)

from app.core.venue import (
    StopReached,
    TooSmall,
    TurnedAway,
    VenueError,
    VenueRefused,
    VenueUnclear,
)
from app.integrations.binance.endpoints import KEY_NAME, SECRET_NAME

UNKNOWN_ORDER: Final = -2013
ARCHIVED: Final = -2026  # it ended unfilled, 90 days ago and more
NEW_ORDER_REJECTED: Final = -2010
FILTER_FAILURE: Final = -1013
TOO_MANY_ORDERS: Final = -1015
CLOCK_IS_OFF: Final = -1021
TOO_MANY_REQUESTS: Final = -1003
NO_ANSWER_IN_TIME: Final = 408
TOO_MUCH: Final = (418, 429)  # banned for a while, and told to wait: nothing was carried out

# The codes after which an order may stand or not.
UNCLEAR_CODES: Final = {
    -1000: "an unknown error while it worked on it",
    -1001: "it lost its inner connection",
    -1006: "an unexpected answer inside; the state of execution is unknown",
    -1007: "no answer inside in time; the state of execution is unknown",
    -1008: "it is overloaded",
}
# The codes of a plain no. What is not in either list is judged by the HTTP status alone.
REFUSED_CODES: Final = {
    -1002: "the key may not do this",
    -1003: "too many requests",
    -1010: "it does not take this message",
    -1013: "a filter of the symbol",
    -1014: "it does not take this order",
    -1015: "too many orders",
    -1016: "it does not serve this any more",
    -1020: "it does not know this operation",
    -1021: "the time of the request is not its own",
    -1022: "the signature is wrong",
    -1099: "not found",
    -1100: "a letter that it does not take",
    -1101: "too many parameters",
    -1102: "a parameter is missing",
    -1103: "a parameter it does not know",
    -1104: "a parameter it did not read",
    -1105: "an empty parameter",
    -1106: "a parameter that does not belong here",
    -1111: "too many decimals",
    -1112: "no orders in the book",
    -1114: "a time in force that does not belong here",
    -1115: "a time in force it does not know",
    -1116: "an order type it does not know",
    -1117: "a side it does not know",
    -1118: "an empty client id",
    -1119: "an empty client id",
    -1120: "an interval it does not know",
    -1121: "a symbol it does not know",
    -1125: "this subscription does not stand any more",
    -1127: "too long a stretch of time",
    -1128: "parameters that do not go together",
    -1130: "a parameter it cannot read",
    -2010: "it refuses the order",
    -2011: "it refuses the cancel",
    -2013: "there is no such order",
    -2014: "the key is none",
    -2015: "the key, its address or its rights are not good for this",
    -2016: "no trading there now",
    -2026: "the order is too old to be told about",
}


# -2010 has many causes, which only its words tell apart.
_AT_ONCE: Final = re.compile("trigger immediately|immediately trigger")


# What is wrong with which of the keys; never what they hold.
_OF_KEYS: Final = {
    -1022: (SECRET_NAME, "it is not the secret of the key that is used there"),
    -2014: (KEY_NAME, "it is no key of Binance's"),
    -2015: (
        f"{KEY_NAME} and {SECRET_NAME}",
        "the key may be of another place (the testnet has its own), may not be used from this"
        " address, or may not trade",
    ),
}


class UnknownOrder(VenueRefused):
    """Binance says that it knows no such order."""


class TooManyRequests(TurnedAway):
    """Of requests, or of orders."""


class ClockIsOff(VenueRefused):
    """The request's time was outside of its window: it was not looked at."""


def translated(error: Exception, what: str, host: str) -> VenueError:
    """A foreign error as one of ours; `what` was asked of this host."""
    if isinstance(error, BinanceAPIException):
        return judged(int(error.status_code), error.code, str(error.message), what, host)
    if isinstance(error, BinanceRequestException):
        return VenueUnclear(f"Binance's answer to {what} is no JSON.")
    if isinstance(error, OSError | HTTPException | urllib3.exceptions.HTTPError):
        return VenueUnclear(f"No answer from Binance at {host} to {what} ({type(error).__name__}).")
    return VenueUnclear(f"Binance's answer to {what} cannot be read ({type(error).__name__}).")


def judged(status: int, code: Any, message: str, what: str, host: str) -> VenueError:
    """What a status and a code mean."""
    told = f"Binance answered {what} with {status}, code {code}: {message}"
    if isinstance(code, int) and code in _OF_KEYS:
        names, hint = _OF_KEYS[code]
        told = f"{told.rstrip('.')}. It was asked at {host}; look at {names}: {hint}."
    is_known = isinstance(code, int) and code < 0
    if code in (TOO_MANY_REQUESTS, TOO_MANY_ORDERS):
        return TooManyRequests(told)
    # One of these without Binance's code is of somebody between: the same order is given again
    # after a refusal of this kind, so it must be sure.
    is_plain = 400 <= status < 500 and status not in (NO_ANSWER_IN_TIME, *TOO_MUCH)
    if not is_known or not is_plain or code in UNCLEAR_CODES:
        return VenueUnclear(told)
    if code in (UNKNOWN_ORDER, ARCHIVED):
        return UnknownOrder(told)
    if code == CLOCK_IS_OFF:
        return ClockIsOff(told)
    if code == NEW_ORDER_REJECTED and _AT_ONCE.search(message):
        return StopReached(f"The price has passed its stop. {told}")
    if code == FILTER_FAILURE and "NOTIONAL" in message:
        return TooSmall(f"It is worth less than Binance takes. {told}")
    return VenueRefused(told)


# What the library and what it stands on raise. A body that is JSON and not what it should be
# falls over on reading.
FOREIGN: Final = (
    BinanceAPIException,
    BinanceRequestException,
    BinanceOrderException,
    BinanceRegionException,
    NotImplementedException,
    UnknownDateFormat,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    HTTPException,
    OSError,
    RecursionError,  # of an answer that is nested without end
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
    ArithmeticError,
)
