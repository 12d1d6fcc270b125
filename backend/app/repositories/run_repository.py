"""Runs, orders, what was done to those, and fills in SQL: the readable projection of a run."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Engine,
    RowMapping,
    String,
    Table,
    cast,
    delete,
    func,
    insert,
    select,
    update,
)

from app.core.errors import NotFoundError, did_you_mean
from app.core.money import from_units
from app.core.orders import CANCELED, REJECTED, RUN_ENDED, Order, OrderChange, RecordedFill
from app.core.run_ids import runs_back
from app.core.run_states import RUNNING
from app.models import tables
from app.models.tables import Base, OrderRow, RunRow
from app.repositories.database import copy_rows, database_errors

Row = Mapping[str, Any]


def _table(row: type[Base]) -> Table:
    """The table of a mapped class, as what it is: bulk work needs no objects."""
    assert isinstance(row.__table__, Table)
    return row.__table__


_RUNS = _table(RunRow)
_ORDERS = _table(OrderRow)
_CHANGES = _table(tables.OrderChangeRow)
_FILLS = _table(tables.FillRow)
_ID_TIME = 15  # characters of an id: the second it began in, in UTC; `started_at` has a market's
_NEWEST = (
    func.substr(_RUNS.c.run_id, 1, _ID_TIME).desc(),
    func.coalesce(_RUNS.c.begun_ns, 0).desc(),
    _RUNS.c.run_id.desc(),
)
_SHOWN = [column for column in _RUNS.c if column is not _RUNS.c.begun_ns]
_ENOUGH_FOR_A_SUGGESTION = 1_000
_BATCH_ROWS = 5_000
_REASON_LENGTH = 200  # of an order; PostgreSQL refuses a longer one


@lru_cache(maxsize=4_096)
def _of(table: Table, run_id: str, order_id: int | None) -> ColumnElement[bool]:
    """Which rows are of a run, or of one order of it."""
    of_run = table.c.run_id == run_id
    return of_run if order_id is None else of_run & (table.c.order_id == order_id)


def _text(units: int) -> str:
    """Units as exact decimal text; a run has few quantities, each many times."""
    return f"{from_units(units):f}"


def _shown(text: str | None) -> str | None:
    """A text of others without the one character that PostgreSQL refuses; None for none."""
    return text.replace("\0", "\\x00") if text else None


def _reason(given: str) -> str | None:
    """An order's reason as its column holds it."""
    text = _shown(given) or ""
    whole = len(text) <= _REASON_LENGTH
    return (text if whole else text[: _REASON_LENGTH - 3] + "...") or None


class RunRepository:
    """Reads and writes runs in one database whose schema is up to date."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def start_run(
        self, run_id: str, *, name: str, mode: str, config: Row, started_at: str, pid: int,
        begun_ns: int | None = None,
    ) -> None:  # fmt: skip
        """Record that a run began; it is `running` until `finish_run`. `begun_ns` says which of two
        is the newer that began in one second.
        """
        values = {
            "run_id": run_id,
            "name": name,
            "mode": mode,
            "state": RUNNING,
            "pid": pid,
            "started_at": started_at,
            "begun_ns": begun_ns,
            "config": dict(config),
        }
        with database_errors(self.engine), self.engine.begin() as connection:
            connection.execute(insert(_RUNS).values(values))

    def resume_run(self, run_id: str, *, pid: int) -> None:
        """Record that an unfinished run goes on in another process."""
        change = update(_RUNS).where(_RUNS.c.run_id == run_id).values(pid=pid, summary=None)
        with database_errors(self.engine), self.engine.begin() as connection:
            connection.execute(change)

    def finish_run(
        self,
        run_id: str,
        *,
        state: str,
        ended_at: str | None,
        summary: Row | None = None,
        error: str | None = None,
        fingerprint: str | None = None,
    ) -> None:
        """Record how a run ended: `finished`, `stopped` or `failed`; or how far one has come."""
        change = (
            update(_RUNS)
            .where(_RUNS.c.run_id == run_id)
            .values(
                state=state,
                ended_at=ended_at,
                summary=None if summary is None else dict(summary),
                error=_shown(error),
                fingerprint=fingerprint,
            )
        )
        with database_errors(self.engine), self.engine.begin() as connection:
            if connection.execute(change).rowcount == 0:
                raise NotFoundError(f"There is no run '{run_id}' to finish.")

    def clear_rows(self, run_id: str) -> None:
        """Forget a run's orders, their changes and its fills: they are about to come again."""
        with database_errors(self.engine), self.engine.begin() as connection:
            for table in (_FILLS, _CHANGES, _ORDERS):
                connection.execute(delete(table).where(table.c.run_id == run_id))

    def add_orders(self, run_id: str, orders: Iterable[Order], strategies: Sequence[str]) -> None:
        """Insert a run's orders, all or none; `strategies` names the index each order carries."""
        self._insert_many(
            _ORDERS,
            (
                (
                    run_id,
                    order.order_id,
                    strategies[order.strategy],
                    order.symbol,
                    order.kind,
                    order.side,
                    _text(abs(order.units)),
                    _text(abs(order.filled_units)),
                    order.state,
                    _reason(order.reason),
                    order.created_ns,
                    order.ended_ns or None,
                    order.tif,
                    order.limit,
                    order.stop,
                    _text(order.fee_units),
                    order.trail,
                    order.trail_percent,
                    order.reduce_only,
                    order.parent or None,
                    order.group or None,
                )
                for order in orders
            ),
        )

    def add_order_changes(self, run_id: str, changes: Iterable[OrderChange]) -> None:
        """Insert what was done to a run's orders, in that order, all or none."""
        self._insert_many(
            _CHANGES,
            (
                (
                    run_id,
                    place,
                    order_id,
                    at_ns,
                    what,
                    _text(abs(units)),
                    limit,
                    stop,
                    _shown(reason),
                )
                for place, (order_id, at_ns, what, units, limit, stop, reason) in enumerate(
                    changes, 1
                )
            ),
        )

    def add_fills(self, run_id: str, fills: Iterable[RecordedFill], symbols: Sequence[str]) -> None:
        """Insert a run's fills, all or none; `symbols` names the index each fill carries."""
        self._insert_many(
            _FILLS,
            (
                (
                    run_id,
                    fill_id,
                    order_id,
                    symbols[symbol],
                    _text(units),
                    price,
                    _text(fee),
                    bar_start_ns,
                    instant_ns,
                )
                for fill_id, order_id, symbol, units, price, fee, bar_start_ns, instant_ns in fills
            ),
        )

    def list_runs(self, limit: int = 20) -> list[RowMapping]:
        """The newest runs first, without their configs."""
        columns = [column for column in _SHOWN if column.name != "config"]
        return self._rows(select(*columns).order_by(*_NEWEST).limit(limit))

    def has_run(self, run_id: str) -> bool:
        """Whether there is a run of exactly this id."""
        return bool(self._rows(select(_RUNS.c.run_id).where(_RUNS.c.run_id == run_id)))

    def get_run(self, words: str) -> RowMapping:
        """The run of this id, the only one whose id begins so, or the newest: `last`, `last-1`."""
        back = runs_back(words)
        if back is not None:
            return self._newest(back)
        if not words:
            raise NotFoundError(
                "The run is missing: give its id, or 'last'. 'runs list' shows them."
            )
        starts_so = _RUNS.c.run_id.startswith(words, autoescape=True)
        found = self._rows(select(*_SHOWN).where(starts_so).order_by(_RUNS.c.run_id))
        for run in found:
            if run["run_id"] == words or len(found) == 1:
                return run
        if found:
            names = ", ".join(run["run_id"] for run in found[:5])
            raise NotFoundError(
                f"{len(found)} runs begin with '{words}': {names}"
                f"{', ...' if len(found) > 5 else '.'} Give more of the id."
            )
        known = [*(run["run_id"] for run in self.list_runs(_ENOUGH_FOR_A_SUGGESTION)), "last"]
        raise NotFoundError(
            f"There is no run '{words}'.{did_you_mean(words, known)} 'runs list' shows them."
        )

    def _newest(self, back: int) -> RowMapping:
        for run in self._rows(select(*_SHOWN).order_by(*_NEWEST).offset(back).limit(1)):
            return run
        if back:
            raise NotFoundError(f"There are no {back + 1} runs yet. 'runs list' shows them.")
        raise NotFoundError("There is no run yet. 'system start CONFIG' makes one.")

    def get_orders(self, run_id: str, order_id: int | None = None) -> list[RowMapping]:
        """A run's orders, in the order they were given; or the one of this number, if there is."""
        wanted = _of(_ORDERS, run_id, order_id)
        return self._rows(select(_ORDERS).where(wanted).order_by(_ORDERS.c.order_id))

    def order_columns(self, run_id: str) -> dict[str, Sequence[Any]]:
        """The same as columns by name: half the time, where there are many."""
        return self._columns(_ORDERS, run_id, _ORDERS.c.order_id)

    def fill_columns(self, run_id: str) -> dict[str, Sequence[Any]]:
        """A run's fills as columns by name, in the order they happened; first, with ids below 0,
        what it was given to hold.
        """
        return self._columns(_FILLS, run_id, _FILLS.c.fill_id)

    def newest_orders(self, run_id: str, digits: str, limit: int) -> list[RowMapping]:
        """The newest first of those whose number begins so."""
        wanted = _ORDERS.c.run_id == run_id
        begins_so = cast(_ORDERS.c.order_id, String).startswith(digits, autoescape=True)
        newest = _ORDERS.c.order_id.desc()
        return self._rows(select(_ORDERS).where(wanted, begins_so).order_by(newest).limit(limit))

    def get_order_changes(self, run_id: str) -> list[RowMapping]:
        """What was done to a run's orders, in the order it happened."""
        wanted = _CHANGES.c.run_id == run_id
        return self._rows(select(_CHANGES).where(wanted).order_by(_CHANGES.c.place))

    def get_fills(self, run_id: str, order_id: int | None = None) -> list[RowMapping]:
        """A run's fills, in the order they happened; or those of one order."""
        wanted = _of(_FILLS, run_id, order_id)
        return self._rows(select(_FILLS).where(wanted).order_by(_FILLS.c.fill_id))

    def counts(self, run_id: str) -> tuple[int, int]:
        """How many orders and fills a run has; what it was given to hold is no fill."""
        made = (_FILLS.c.run_id == run_id) & (_FILLS.c.fill_id > 0)
        return self._count(_ORDERS.c.run_id == run_id), self._count(made)

    def refused_count(self, run_id: str) -> int:
        """How many of its orders limits or the venue refused."""
        return self._count((_ORDERS.c.run_id == run_id) & (_ORDERS.c.state == REJECTED))

    def outlived_count(self, run_id: str) -> int:
        """How many of its orders worked until its end took them with it."""
        ended = _ORDERS.c.reason.startswith(RUN_ENDED) & (_ORDERS.c.state == CANCELED)
        return self._count((_ORDERS.c.run_id == run_id) & ended)

    def _count(self, which: ColumnElement[bool]) -> int:
        with database_errors(self.engine), self.engine.connect() as connection:
            return connection.scalar(select(func.count()).where(which)) or 0

    def run_ids(self) -> set[str]:
        """The ids of all runs."""
        return {str(row["run_id"]) for row in self._rows(select(_RUNS.c.run_id))}

    def unfinished_runs(self) -> list[RowMapping]:
        """Runs that began and have no end: under way, or their process died."""
        return self._rows(select(*_SHOWN).where(_RUNS.c.state == RUNNING).order_by(_RUNS.c.run_id))

    def _columns(
        self, table: Table, run_id: str, order: ColumnElement[Any]
    ) -> dict[str, Sequence[Any]]:
        query = select(table).where(table.c.run_id == run_id).order_by(order)
        with database_errors(self.engine), self.engine.connect() as connection:
            rows = connection.execute(query).all()
        columns: list[Sequence[Any]] = [*zip(*rows, strict=True)] or [()] * len(table.c)
        return dict(zip(table.c.keys(), columns, strict=True))

    def _rows(self, query: Any) -> list[RowMapping]:
        with database_errors(self.engine), self.engine.connect() as connection:
            return list(connection.execute(query).mappings())

    def _insert_many(self, table: Table, rows: Iterator[tuple[object, ...]]) -> None:
        """Plain tuples, a batch at a time: half the time of SQLAlchemy's dicts, and few held."""
        names = ", ".join(table.c.keys())
        if self.engine.dialect.name != "sqlite":
            copy_rows(self.engine, f"COPY {table.name} ({names}) FROM STDIN", rows)
            return
        marks = ", ".join("?" * len(table.c))
        command = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"
        with database_errors(self.engine), self.engine.begin() as connection:
            while batch := list(islice(rows, _BATCH_ROWS)):
                connection.exec_driver_sql(command, batch)
