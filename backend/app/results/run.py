"""A finished run, read-only: its facts, and its tables as pandas frames or as columns."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from app.core.bars import BarColumns
from app.managers.system_manager.record.recorded_run import RecordedRun
from app.results.metrics import Metrics
from app.results.sources import Sources
from app.results.tables import Tables

if TYPE_CHECKING:
    import pandas as pd


class Run:
    """What a run was given and came to. Each table is read when it is first asked for.

    `equity`, `orders`, `fills`, `trades` and `sessions` are pandas frames; `columns` has the same
    as numpy arrays, exact.
    """

    def __init__(self, record: RecordedRun, sources: Sources) -> None:
        self._record = record
        self._sources = sources

    def __repr__(self) -> str:
        return f"<Run {self.id}: {self.state}>"

    # -- facts -----------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        return self._record.run_id

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self._sources.runs / self.id

    @property
    def state(self) -> str:
        """`finished`, `stopped`, `failed`, or `abandoned`: it broke off and was rebuilt."""
        return str(self._record.row["state"])

    @property
    def mode(self) -> str:
        """`replay` or `live`."""
        return str(self._record.row["mode"])

    @property
    def error(self) -> str | None:
        """What ended it, where it failed."""
        return _text(self._record.row["error"])

    @property
    def config(self) -> Mapping[str, Any]:
        """The session config, with every default."""
        config: Mapping[str, Any] = self._record.row["config"]
        return config

    @property
    def summary(self) -> Mapping[str, Any]:
        """The figures that are printed at its end."""
        return self._record.summary

    @property
    def passport(self) -> list[dict[str, Any]]:
        """Per symbol, which bars it stood on; of a live run none."""
        return list(self._record.facts.get("passport") or ())

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of its decisions and fills."""
        return _text(self._record.row["fingerprint"])

    @property
    def facts(self) -> Mapping[str, Any]:
        """All that run.json says."""
        return self._record.facts

    @property
    def market(self) -> str:
        return str(self.config.get("market", "XNYS"))

    @property
    def currency(self) -> str:
        """The account's."""
        account = self.config.get("account") or {}
        return str(self.summary.get("currency") or account.get("currency") or "USD")

    @cached_property
    def zone(self) -> ZoneInfo:
        """The market's."""
        return self._sources.time.zone(self.market)

    @property
    def strategies(self) -> tuple[str, ...]:
        """Their names, in the config's order."""
        return self.columns.strategies

    @property
    def symbols(self) -> tuple[str, ...]:
        """In the config's order."""
        return self.columns.symbols

    # -- tables ----------------------------------------------------------------------------------

    @cached_property
    def columns(self) -> Tables:
        """Its tables as numpy arrays: `columns.fills.price`, `columns.equity.instant_ns`."""
        return Tables(self._record, self._sources)

    @cached_property
    def equity(self) -> "pd.DataFrame":
        """The curve, by instant."""
        return self._frame("equity", "instant_ns")

    @cached_property
    def sessions(self) -> "pd.DataFrame":
        """Its trading days, by the end of each, and what the account was worth then."""
        return self._frame("sessions", "end_ns")

    @cached_property
    def orders(self) -> "pd.DataFrame":
        """Every order as it stands at the end, by when it was given."""
        return self._frame("orders", "created_ns")

    @cached_property
    def fills(self) -> "pd.DataFrame":
        """Every fill, by when it was known."""
        return self._frame("fills", "instant_ns")

    @cached_property
    def trades(self) -> "pd.DataFrame":
        """Every round trip, by its entry."""
        return self._frame("trades", "entry_ns")

    def bars(self, symbol: str, interval: str | None = None) -> "pd.DataFrame":
        """A symbol's bars over the run's sessions, as the store has them now, by their start."""
        from app.managers.data_manager.exporting import to_frame

        interval = interval or str(self.config.get("base_interval", "1m"))
        names = {"market": self.market, "symbol": symbol, "interval": interval}
        return to_frame(self.bar_columns(symbol, interval), self.zone, names)

    def bar_columns(self, symbol: str, interval: str | None = None) -> BarColumns:
        """The same as columns."""
        return self.columns.bars(symbol, interval)

    @cached_property
    def metrics(self) -> Metrics:
        """Its figures by name, and trades by symbol, strategy, hour, ...; METRICS.md says how."""
        from app.results.measuring import Measuring

        tables = self.columns
        told = {**self.facts, "summary": self.summary}
        return Measuring(tables, self.config, told, self.currency, tables.days_a_year).metrics()

    def _frame(self, name: str, index: str) -> "pd.DataFrame":
        from app.results.frames import frame_of

        names = {"strategy": self.strategies, "symbol": self.symbols}
        return frame_of(getattr(self.columns, name), index, self.zone, names)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
