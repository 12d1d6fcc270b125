"""What `data sources test` looks at: real requests, one after the other, each with its remedy."""

import datetime as dt
import queue
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from app.cli.doctor.finding import Finding, Verdict, failing, ok, warning
from app.core.errors import AppError
from app.core.intervals import HOUR_NS, SECOND_NS

if TYPE_CHECKING:
    from app.core.source import DataSource

_OFF_SECONDS: Final = 1.0  # a clock that is off by more is worth a word
_LIVE_SECONDS: Final = 10.0  # for a stream to stand
_INTERVAL: Final = "1m"


class SourceChecks:
    """One source, asked as an import and a live run ask it."""

    def __init__(
        self,
        name: str,
        source: "DataSource",
        symbol: str | None,
        now_ns: Callable[[], int],
    ) -> None:
        self._name = name
        self._source = source
        self._symbol = symbol or ""
        self._now_ns = now_ns
        self._told_ns = 0

    def run(self) -> Iterator[Finding]:
        """Until one fails that the others need."""
        checks = {
            "time": self._time,
            "symbols": self._symbols,
            "page": self._page,
            "history": self._history,
            "live": self._live,
        }
        for name, check in checks.items():
            state, what, remedy = self._verdict(check)
            yield Finding(name, state, what, remedy)
            if state == "failing" and name in ("time", "symbols"):
                return

    def _verdict(self, check: Callable[[], Verdict]) -> Verdict:
        from app.core.source import SourceBusy, UnknownSymbol

        try:
            return check()
        except SourceBusy as error:
            return failing(str(error), f"wait {error.seconds:.0f} s, and send less meanwhile")
        except UnknownSymbol as error:
            return failing(str(error), f"./start_cli.sh data sources search {self._name} TEXT")
        except AppError as error:
            return failing(str(error), self._way_there())

    def _way_there(self) -> str:
        if self._source.facts.has_own_time:
            return "./start_cli.sh practice start, or give its address with --url"
        return "see to the network, a proxy or firewall between, or give an address with --url"

    def _time(self) -> Verdict:
        began_ns = self._now_ns()
        self._told_ns = self._source.time().venue_ns
        took_ns = self._now_ns() - began_ns
        told = f"it answered within {took_ns / 1e6:,.0f} ms"
        off = (self._told_ns - began_ns - took_ns // 2) / SECOND_NS
        if self._source.facts.has_own_time:
            return ok(f"{told}; its time is its own")
        if abs(off) > _OFF_SECONDS:
            way = "behind" if off > 0 else "ahead of"
            return warning(
                f"{told}; this machine's clock is {abs(off):,.1f} s {way} its",
                "have the machine keep its time by NTP; a peer on this machine has its own",
            )
        return ok(f"{told}; the clocks are {abs(off):.2f} s apart")

    def _symbols(self) -> Verdict:
        if self._symbol:
            listed = self._source.listed(self._symbol)
            state = "" if listed.is_trading else ", and is not trading now"
            return ok(f"{listed.symbol} is listed on {listed.market}{state}")
        found = self._source.search("")
        if not found:
            return failing("it lists no symbol", "ask again later, or ask another address")
        self._symbol = next((one.symbol for one in found if one.is_trading), found[0].symbol)
        return ok(f"{len(found):,} symbols; {self._symbol} is looked at")

    def _page(self) -> Verdict:
        page = self._source.page(self._symbol, _INTERVAL, self._told_ns - HOUR_NS, self._told_ns)
        if not len(page.bars):
            return warning(
                f"no minute of {self._symbol} has closed within the last hour",
                "name another: data sources test SOURCE SYMBOL, or ask while its market is open",
            )
        return ok(f"{len(page.bars)} minutes of the last hour, the last closed one among them")

    def _history(self) -> Verdict:
        from app.core.source import pages

        interval = self._source.facts.intervals[-1]
        for page in pages(self._source, self._symbol, interval, 0, self._told_ns):
            if len(page.bars):
                first = dt.datetime.fromtimestamp(page.bars.start_ns[0] // SECOND_NS, dt.UTC)
                return ok(f"{interval} bars of {self._symbol} from {first.date()} on")
        return warning(
            f"no {interval} bar of {self._symbol}", "name another: data sources test SOURCE SYMBOL"
        )

    def _live(self) -> Verdict:
        from app.core.venue import Connected, Disconnected

        heard: queue.Queue[object] = queue.Queue()
        stream = self._source.live([self._symbol], heard.put)
        try:
            while True:
                item = heard.get(timeout=_LIVE_SECONDS)
                if isinstance(item, Connected):
                    return ok(f"its stream of {', '.join(self._source.facts.live)} stands")
                if isinstance(item, Disconnected):
                    return failing(f"its stream does not stand: {item.reason}", self._way_there())
        except queue.Empty:
            return failing(
                f"its stream did not stand within {_LIVE_SECONDS:g} s", self._way_there()
            )
        finally:
            stream.close()
