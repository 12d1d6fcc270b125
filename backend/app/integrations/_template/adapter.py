"""A venue's adapter, without the venue: copy the folder, and write what raises NotImplementedError.

Numbers like C21 are cases of the conformance suite (docs/ADAPTERS.md). It is not registered, so it
cannot be traded with.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Protocol, TypeVar

import msgspec

from app.core.bars import BarColumns
from app.core.orders import Terms
from app.core.venue import (
    Abilities,
    Execution,
    OnItem,
    Sizes,
    Stream,
    Venue,
    VenueOrder,
    VenueRefused,
    VenueReport,
    VenueTime,
    VenueUnclear,
)
from app.integrations.abilities import check_amendment, check_order

_Answer = TypeVar("_Answer")
_REFUSALS: Final = (PermissionError,)  # what the library raises for a plain no: nothing happened
_UNCLEAR: Final = (OSError, msgspec.MsgspecError, RuntimeError)  # and all else it can raise
_NOT_FOUND: Final = (FileNotFoundError,)  # the venue knows no such order


class Client(Protocol):
    """The venue's library, as far as it is needed; it answers in the venue's own words."""

    def send(self, method: str, words: Mapping[str, object]) -> Mapping[str, Any]: ...
    def listen(
        self, what: str, symbols: Sequence[str], on_words: Callable[[Mapping[str, Any]], None]
    ) -> Stream: ...
    def close(self) -> None: ...


class TemplateAdapter:
    """Translates both ways, and every error into one of two; callable from any thread (C74).

    Nothing foreign gets out (C29-C31), no placement is sent a second time by itself (C23), and no
    secret is in an error, a cause of one, or a `repr` (C78). A rate limit or an expired session is
    an error like the others, or waited for and renewed (C32, C33).
    """

    # Declare what the venue lacks: those cases then demand that it is refused (C06-C11, C18, C36,
    # C39-C47). What is not lacking must be there.
    abilities = Abilities(amends=False)

    def __init__(self, client: Client) -> None:
        """Opening asks nothing: the first question may find nobody there (C03)."""
        self._client = client
        self._streams: list[Stream] = []

    def time(self) -> VenueTime:
        """The venue's clock, not ours, and they may run apart (C01, C81)."""
        return VenueTime(int(self._sent("time")["now_ns"]))

    def place(self, order: VenueOrder) -> VenueReport:
        """Give an order under its client id, exactly as it is: no rounding (C04-C17, C20-C25).

        Lots and ticks that the venue would round by itself are refused here (C12, C13). A stop that
        the price has passed is refused as `StopReached`, where it does not fill (C84); an order of
        too little value as `TooSmall`; and what a limit keeps out as `TurnedAway` (C32).
        """
        check_order(self.abilities, order)
        return _report(self._sent("place", order=msgspec.to_builtins(order)))

    def cancel(self, client_id: str, symbol: str = "") -> VenueReport:
        """CANCELED, with what had filled; refused when it was too late (C27, C48-C52)."""
        return _report(self._sent("cancel", client_id=client_id))

    def amend(self, client_id: str, terms: Terms, symbol: str = "") -> VenueReport:
        """Other terms under the same id, the filled part included; or refused (C28, C44-C47).

        A venue that cancels and places anew has no amendments: declare that.
        """
        check_amendment(self.abilities)
        return _report(self._sent("amend", client_id=client_id, terms=msgspec.to_builtins(terms)))

    def order(self, client_id: str, symbol: str = "") -> VenueReport | None:
        """What became of it; None only where the venue says that it knows none (C19, C26, C34)."""
        try:
            return _report(self._sent("order", client_id=client_id))
        except UnknownOrder:
            return None

    def open_orders(self) -> Sequence[VenueReport]:
        """All that work at the account, whoever gave them; a stranger's id is "" (C53, C54)."""
        return [_report(words) for words in self._sent("open_orders")["orders"]]

    def executions(self, since_ns: int) -> Sequence[Execution]:
        """All at or after a moment, oldest first, over all pages (C35, C55-C57, C79).

        Their ids stay what they are over restarts of either side (C70, C72).
        """
        return [_execution(words) for words in self._sent("executions", since_ns=since_ns)["all"]]

    def positions(self) -> dict[str, int]:
        """What is held, as the executions add up (C02, C05, C36-C39)."""
        return {name: int(units) for name, units in self._sent("positions").items()}

    def cash(self) -> dict[str, int]:
        """By currency, fees taken off (C02, C38)."""
        return {name: int(units) for name, units in self._sent("cash").items()}

    def sizes(self, symbol: str) -> Sizes | None:
        """Tick, lot and least value, where the venue tells them: so a run trades there (C83)."""
        told = self._sent("sizes", symbol=symbol)
        return Sizes(Decimal(told["tick"]), Decimal(told["lot"]))

    def bars(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarColumns:
        """Closed bars from the start to before the end, over all pages (C58-C60)."""
        raise NotImplementedError

    def market_stream(self, symbols: Sequence[str], on_item: OnItem) -> Stream:
        """Bars, ticks, quotes of these symbols (C63, C65)."""
        return self._stream("market", symbols, on_item)

    def order_stream(self, on_item: OnItem) -> Stream:
        """Every change and execution of the account (C61, C62, C66-C68, C71)."""
        return self._stream("orders", (), on_item)

    def close(self) -> None:
        """End streams and threads; later calls are unclear (C69, C75, C76)."""
        for stream in self._streams:
            stream.close()
        self._client.close()

    def _stream(self, what: str, symbols: Sequence[str], on_item: OnItem) -> Stream:
        """It says `Connected` when it stands, `Disconnected` when it is lost, and comes back by
        itself, in waits that grow, until it is closed (C64, C65, C73, C77, C80, C82). A frame that
        cannot be read ends the connection, never the stream: what it held is asked for.
        """
        stream = self._client.listen(what, symbols, lambda words: on_item(_report(words)))
        self._streams.append(stream)
        return stream

    def _sent(self, method: str, **words: object) -> Mapping[str, Any]:
        """The one place where foreign errors are translated."""
        try:
            return self._client.send(method, words)
        except _NOT_FOUND as error:
            raise UnknownOrder(f"The venue knows no such order ({error}).") from error
        except _REFUSALS as error:
            raise VenueRefused(f"The venue refused to {method}: {error}") from error
        except _UNCLEAR as error:
            raise VenueUnclear(f"No answer to {method} ({type(error).__name__}).") from error


class UnknownOrder(VenueRefused):
    """The venue says that it knows no such order."""


def open_template(client: Client) -> Venue:
    """What a line of `registry.py` names."""
    return TemplateAdapter(client)


def _report(words: Mapping[str, Any]) -> VenueReport:
    """Its words for states, sides and kinds in ours; a quantity by way of Decimal, never float."""
    raise NotImplementedError


def _execution(words: Mapping[str, Any]) -> Execution:
    """Its id must be one of a kind, also when the venue's own count begins again (C56, C57)."""
    raise NotImplementedError
