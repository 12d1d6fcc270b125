"""What a reader should know before the first figure: each said once, the worst first."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from app.core.logging import redact
from app.core.run_states import ABANDONED, FAILED, STOPPED
from app.integrations.origins import NO_MARKETS
from app.managers.system_manager.record.summary import latched_text, left_text
from app.report.completeness import completeness, lost_share, thin_share
from app.report.standing import OTHER_HISTORY, SAME

if TYPE_CHECKING:
    from app.report.happenings import Happening
    from app.results.run import Run

_FEW_TRADES: Final = 30
_MUCH_LOST: Final = 0.005  # of the expected bars, in holes: that is told in colour
_MUCH: Final = 0.10  # of the profit or loss, that a band is
_NAMED: Final = 5  # symbols


class Notice(msgspec.Struct, frozen=True):
    """`kind` is "bad", "warn" or "": good to know."""

    kind: str
    title: str
    words: str


def notices_of(run: "Run", now: Mapping[str, str], happened: Sequence["Happening"]) -> list[Notice]:
    """The notices of one run; `now` says what the store has of its bars."""
    found = [
        *_end(run), *_happened(happened), *_bars(now), *_data(run), *_completeness(run),
        *_fills(run), *_costs(run), *_chance(run),
    ]  # fmt: skip
    order = ("bad", "warn", "")
    return sorted(found, key=lambda one: order.index(one.kind))


def _end(run: "Run") -> Iterator[Notice]:
    sessions = run.summary.get("sessions", 0)
    plural = "" if sessions == 1 else "s"
    came_to = f"All figures are of the {sessions:,} session{plural} that it came to."
    as_far = left_text(run.summary) or came_to
    if run.state == FAILED:
        why = redact(run.error or "No cause is on record.")
        yield Notice("bad", "It failed.", f"{why}\n{as_far}")
    elif run.state == ABANDONED:
        yield Notice("bad", "It broke off.", f"Its process is gone. {as_far}")
    elif run.facts.get("killed"):
        yield Notice("bad", "It was killed.", as_far)
    elif run.state == STOPPED:
        yield Notice("warn", "It was stopped before its end.", as_far)
    latched = latched_text(run.summary)
    if latched is not None:
        yield Notice("warn", "A breaker ended its trading.", latched)
    elif run.summary.get("trading_state"):
        yield Notice("warn", "Its account may not trade freely.", str(run.summary["trading_state"]))


def _happened(found: Sequence["Happening"]) -> Iterator[Notice]:
    if found:
        counts = Counter(one.what for one in found)
        told = ", ".join(f"{what}: {count:,}" for what, count in counts.items())
        words = f"{told[0].upper()}{told[1:]}. When and why stands in what happened to its trading."
        yield Notice("warn", "It was not left alone.", words)


def _bars(now: Mapping[str, str]) -> Iterator[Notice]:
    lost = [symbol for symbol, word in now.items() if word not in (SAME, OTHER_HISTORY)]
    if lost:
        yield Notice(
            "bad",
            "Its bars are not what they were.",
            f"Those of {_several(lost)} have changed or gone since. Figures and trades are of the "
            "run, candles of today's bars.",
        )
    begun = [symbol for symbol, word in now.items() if word == OTHER_HISTORY]
    if begun:
        yield Notice(
            "bad",
            "Its history is not what it was.",
            f"Bars of {_several(begun)} from before its dates, with which its indicators began, "
            "have changed or gone since: run again it may decide otherwise.",
        )


def _data(run: "Run") -> Iterator[Notice]:
    made = [row["symbol"] for row in run.passport if row["synthetic"]]
    if made:
        yield Notice(
            "warn",
            "Synthetic bars.",
            f"{_several(made)} {_is(made)} a made-up sample: it says nothing of a market.",
        )
    played = [row for row in run.passport if NO_MARKETS.intersection(row.get("venues") or ())]
    if played:
        told = sorted(NO_MARKETS.intersection(venue for row in played for venue in row["venues"]))
        yield Notice(
            "warn",
            "Not a market's bars.",
            f"{' and '.join(told)} told those of {_several([row['symbol'] for row in played])}: "
            "such prices are nobody's, and say nothing of a market.",
        )
    kept_out = (run.facts.get("quality") or {}).get("kept_out") or []
    if kept_out:
        count = sum(int(one["bars"]) for one in kept_out)
        yield Notice("warn", "Bars were kept out.", f"{count:,} were wrong: see the data passport.")


def _completeness(run: "Run") -> Iterator[Notice]:
    """Holes, which are lost, apart from bars that are not there as nothing traded."""
    rows = completeness(run)
    whole = len(rows)
    holed = [row for row in rows if row["holes"]]
    if holed:
        worst = max(holed, key=lost_share)
        yield Notice(
            "warn" if lost_share(worst) >= _MUCH_LOST else "",
            "Holes in the bars.",
            f"{sum(row['holes'] for row in holed):,}, in {len(holed)} of {whole} symbols; most is "
            f"lost of {worst['symbol']}, {lost_share(worst):.2%} of its bars.",
        )
    thin = [row for row in rows if thin_share(row)]
    if thin:
        least = max(thin, key=thin_share)
        several = f", most of {len(thin)} symbols" if len(thin) > 1 else ""
        yield Notice(
            "",
            "Thin trading.",
            f"{least['symbol']} lacks {thin_share(least):.2%} of its bars{several}, as nothing "
            "traded then. An order waits for the next bar.",
        )


def _fills(run: "Run") -> Iterator[Notice]:
    summary = run.summary
    if summary.get("band") is None:
        yield Notice("", "Fills are the venue's.", "They are as it reported them.")
        return
    count, share = summary.get("uncertain_bars") or 0, summary.get("band_share")
    bars = f"{summary.get('bars') or 0:,}"
    if not count:
        yield Notice(
            "", "Simulated fills.", f"None of the {bars} bars left open what it did to an order."
        )
        return
    much = share is None or share >= _MUCH
    part = "" if share is None else f", {share:.1%} of the profit or loss"
    yield Notice(
        "warn" if much else "",
        "Simulated fills." if not much else "Much hangs on what bars leave open.",
        f"{count:,} of {bars} bars leave open what came first; that is worth "
        f"{summary['band']:,.2f} {run.currency}{part}.",
    )


def _costs(run: "Run") -> Iterator[Notice]:
    if run.summary.get("band") is None:
        return
    execution: dict[str, Any] = run.config.get("execution") or {}
    no_fees = not run.summary.get("fees") and bool(run.summary.get("fills"))
    no_slippage = _is_free(execution.get("slippage") or {})
    free = [name for name, is_free in (("fees", no_fees), ("slippage", no_slippage)) if is_free]
    if free and run.summary.get("fills"):
        yield Notice(
            "warn",
            f"No {' and no '.join(free)}.",
            "The config asks for none; a real account pays.",
        )


def _is_free(slippage: Mapping[str, Any]) -> bool:
    """Whether nothing in the config's slippage costs anything."""
    if slippage.get("impact_bps"):
        return False
    kind = slippage.get("kind", "none")
    return kind == "none" or (kind != "spread" and not slippage.get("amount"))


def _chance(run: "Run") -> Iterator[Notice]:
    trades = int(run.summary.get("trades") or 0)
    if trades < _FEW_TRADES:
        yield Notice(
            "warn" if trades else "",
            f"{'Only ' if trades else ''}{trades or 'No'} {'trade' if trades == 1 else 'trades'}.",
            "Rates and averages of so few are mostly chance." if trades else "Nothing was closed.",
        )


def _several(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
