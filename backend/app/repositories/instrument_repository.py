"""Instruments in SQL, one row per market and symbol."""

from collections.abc import Iterable
from decimal import Decimal

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app.core.instruments import Instrument
from app.models.tables import InstrumentRow
from app.repositories.database import database_errors, writing


class InstrumentRepository:
    """Reads and writes the sizes of what is traded."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, market: str, symbol: str) -> Instrument | None:
        """The instrument as it was set, or None."""
        with database_errors(self._engine), Session(self._engine) as session:
            row = session.get(InstrumentRow, (market, symbol))
            return None if row is None else _instrument(row)

    def all(self, market: str | None = None) -> tuple[Instrument, ...]:
        """Every instrument that was set, by market and symbol."""
        query = select(InstrumentRow).order_by(InstrumentRow.market, InstrumentRow.symbol)
        if market is not None:
            query = query.where(InstrumentRow.market == market)
        with database_errors(self._engine), Session(self._engine) as session:
            return tuple(_instrument(row) for row in session.scalars(query))

    def put(self, instruments: Iterable[Instrument]) -> None:
        """Set instruments, in place of what was set before; all of them or none."""
        with database_errors(self._engine), writing(self._engine) as session:
            for one in instruments:
                session.merge(
                    InstrumentRow(
                        market=one.market,
                        symbol=one.symbol,
                        tick=str(one.tick),
                        lot=str(one.lot),
                        multiplier=str(one.multiplier),
                        currency=one.currency,
                        least_value=None if one.least_value is None else str(one.least_value),
                    )
                )


def _instrument(row: InstrumentRow) -> Instrument:
    return Instrument(
        market=row.market,
        symbol=row.symbol,
        tick=Decimal(row.tick),
        lot=Decimal(row.lot),
        multiplier=Decimal(row.multiplier),
        currency=row.currency,
        least_value=None if row.least_value is None else Decimal(row.least_value),
    )
