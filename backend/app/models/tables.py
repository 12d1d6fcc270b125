"""The tables. Bars are not here: they are Parquet files, and SQL holds what is looked up by key."""

import datetime as dt

from sqlalchemy import JSON, BigInteger, Boolean, Date, Float, ForeignKey, Integer, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# On SQLite a bulk table has no row id, so that a row is written once, not twice.
BULK = {"sqlite_with_rowid": False}


class Base(DeclarativeBase):
    """The declarative base; alembic reads its metadata."""


class CalendarSession(Base):
    """One trading session of one market, as the calendar library gave it."""

    __tablename__ = "calendar_sessions"

    market: Mapped[str] = mapped_column(String(40), primary_key=True)
    date: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    open_ns: Mapped[int] = mapped_column(BigInteger)
    close_ns: Mapped[int] = mapped_column(BigInteger)
    breaks: Mapped[list[list[int]]] = mapped_column(JSON, default=list)
    pre_open_ns: Mapped[int | None] = mapped_column(BigInteger)
    post_close_ns: Mapped[int | None] = mapped_column(BigInteger)
    early_close: Mapped[bool] = mapped_column(Boolean, default=False)


class InstrumentRow(Base):
    """Sizes of one instrument; Decimals as text, so that no driver rounds them."""

    __tablename__ = "instruments"

    market: Mapped[str] = mapped_column(String(40), primary_key=True)
    symbol: Mapped[str] = mapped_column(String(32), primary_key=True)
    tick: Mapped[str] = mapped_column(String(32))
    lot: Mapped[str] = mapped_column(String(32))
    multiplier: Mapped[str] = mapped_column(String(32))
    currency: Mapped[str] = mapped_column(String(8))
    least_value: Mapped[str | None] = mapped_column(String(32))


class CorporateActionRow(Base):
    """One split or dividend."""

    __tablename__ = "corporate_actions"

    market: Mapped[str] = mapped_column(String(40), primary_key=True)
    symbol: Mapped[str] = mapped_column(String(32), primary_key=True)
    ex_date: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    value: Mapped[str] = mapped_column(String(32))


class RunRow(Base):
    """One run: what it was given, what it came to."""

    __tablename__ = "runs"

    run_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    mode: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(12))  # running, finished, stopped, failed
    pid: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[str] = mapped_column(String(40))
    ended_at: Mapped[str | None] = mapped_column(String(40))
    config: Mapped[dict[str, object]] = mapped_column(JSON)
    summary: Mapped[dict[str, object] | None] = mapped_column(JSON)
    error: Mapped[str | None] = mapped_column(Text)
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    begun_ns: Mapped[int | None] = mapped_column(BigInteger)


class OrderRow(Base):
    """One order of a run; money and quantities as text."""

    __tablename__ = "orders"
    __table_args__ = BULK

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.run_id"), primary_key=True)
    order_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    strategy: Mapped[str] = mapped_column(String(64))
    symbol: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(16))
    side: Mapped[str] = mapped_column(String(4))
    quantity: Mapped[str] = mapped_column(String(32))
    filled: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(200))
    created_ns: Mapped[int] = mapped_column(BigInteger)
    ended_ns: Mapped[int | None] = mapped_column(BigInteger)
    # Prices after the splits it has seen. None in a run recorded before these were kept, the
    # prices also where the order has none.
    tif: Mapped[str | None] = mapped_column(String(8))
    limit_price: Mapped[float | None] = mapped_column(Float)
    stop_price: Mapped[float | None] = mapped_column(Float)
    fee: Mapped[str | None] = mapped_column(String(32))
    # What it depends on. None in a run recorded before these were kept; all but the flag also
    # where the order has none.
    trail: Mapped[float | None] = mapped_column(Float)
    trail_percent: Mapped[float | None] = mapped_column(Float)
    reduce_only: Mapped[bool | None] = mapped_column(Boolean)
    parent_id: Mapped[int | None] = mapped_column(Integer)  # the order it waits for
    oco_group: Mapped[int | None] = mapped_column(Integer)  # of orders that end each other


class OrderChangeRow(Base):
    """What was done to an order after it was given, and what it has from then on."""

    __tablename__ = "order_changes"
    __table_args__ = BULK

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.run_id"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)  # among the changes of the run
    order_id: Mapped[int] = mapped_column(Integer)
    at_ns: Mapped[int] = mapped_column(BigInteger)
    what: Mapped[str] = mapped_column(String(16))  # cancel, amend, amend refused, reduce
    quantity: Mapped[str] = mapped_column(String(32))
    limit_price: Mapped[float | None] = mapped_column(Float)
    stop_price: Mapped[float | None] = mapped_column(Float)
    reason: Mapped[str | None] = mapped_column(Text)


class FillRow(Base):
    """One fill of a run."""

    __tablename__ = "fills"
    __table_args__ = BULK

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.run_id"), primary_key=True)
    fill_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    order_id: Mapped[int] = mapped_column(Integer)
    symbol: Mapped[str] = mapped_column(String(32))
    quantity: Mapped[str] = mapped_column(String(32))  # signed: negative sells
    price: Mapped[float] = mapped_column(Float)
    fee: Mapped[str] = mapped_column(String(32))
    bar_start_ns: Mapped[int] = mapped_column(BigInteger)
    instant_ns: Mapped[int] = mapped_column(BigInteger)


class AccountLockRow(Base):
    """Who trades an account. The row stays when nobody does, so that its token only ever rises."""

    __tablename__ = "account_locks"

    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    token: Mapped[int] = mapped_column(BigInteger)  # of the last holder
    run_id: Mapped[str | None] = mapped_column(String(64))  # None: nobody holds it
    since: Mapped[str | None] = mapped_column(String(40))
    host: Mapped[str | None] = mapped_column(String(255))
    machine: Mapped[str | None] = mapped_column(String(120))  # where its pid means something
    pid: Mapped[int | None] = mapped_column(Integer)
    process_start: Mapped[str | None] = mapped_column(String(40))  # tells a reused pid
    heartbeat_ns: Mapped[int | None] = mapped_column(BigInteger)  # by the database's clock
