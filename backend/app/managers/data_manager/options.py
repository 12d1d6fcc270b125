"""How a file is to be read, and what came of reading it."""

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from app.core.errors import UsageError, did_you_mean
from app.core.intervals import interval_ns

LABELS = ("start", "end")
DECIMALS = ("point", "comma")
FINDINGS_SHOWN = 1000  # a report of a ruined file stays readable

Progress = Callable[[str, float], None]  # told the step it is at, and the share done


class ImportOptions(msgspec.Struct, frozen=True):
    """What the file does not say of itself; `columns` maps our names to the file's."""

    market: str
    symbol: str
    interval: str = "1m"
    columns: Mapping[str, str] = {}
    timezone: str | None = None  # of wall-clock times; the market's
    label: str | None = None  # what of a bar its time names; its start, where that is not said
    price_scale: float | None = None  # prices in the file are divided by it
    time_format: str | None = None
    names: tuple[str, ...] = ()  # of the columns, where the file has none
    decimal: str | None = None  # the sign before decimals, where the other one parts thousands
    file_symbol: str | None = None  # the file's name of the symbol, where that is another
    strict: bool = False

    @property
    def theirs(self) -> str:
        """The symbol as the file names it."""
        return self.file_symbol or self.symbol

    def check(self) -> None:
        """Refuse options that make no sense, before any file is opened."""
        interval_ns(self.interval)
        if not self.market:
            raise UsageError("The market is missing; name its MIC, such as XNYS, or 24/7.")
        if self.label is not None and self.label not in LABELS:
            raise UsageError(f"A bar's label is its 'start' or its 'end', not '{self.label}'.")
        if self.price_scale is not None and not 0 < self.price_scale < float("inf"):
            raise UsageError(f"Prices cannot be divided by {self.price_scale}; give a number > 0.")
        if self.decimal is not None and self.decimal not in DECIMALS:
            raise UsageError(
                f"Before decimals stands a 'point' or a 'comma', not {self.decimal!r}."
            )
        if self.timezone is not None:
            try:
                ZoneInfo(self.timezone)
            except (KeyError, ValueError, OSError):
                raise UsageError(
                    f"'{self.timezone}' is not a time zone; use a name such as"
                    f" America/New_York or UTC.{did_you_mean(self.timezone, available_timezones())}"
                ) from None


class Finding(msgspec.Struct, frozen=True):
    """One row of the file that was kept out or moved, and why."""

    line: int
    reason: str


class ImportReport(msgspec.Struct, frozen=True):
    """What an import read, kept out and stored; counts are rows."""

    file: str
    market: str
    symbol: str
    interval: str
    rows: int
    stored: int
    added: int
    same: int
    changed: int
    moved_to_open: int
    out_of_order: int
    kept_out: dict[str, int]
    findings: tuple[Finding, ...]
    findings_left_out: int
    first: str | None
    last: str | None
    prices: str
    columns: dict[str, str]
    ignored_columns: tuple[str, ...]
    doubts: tuple[str, ...] = ()  # what looks odd about the bars stored, and what it may be
