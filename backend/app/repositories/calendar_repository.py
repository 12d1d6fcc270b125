"""Trading sessions in SQL, for those who query them; commands and runs read the calendar files."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine, delete, insert

from app.core.calendar import TradingSession
from app.models.tables import CalendarSession
from app.repositories.database import database_errors


class CalendarRepository:
    """Writes the sessions of a market, whole years at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def replace(
        self, market: str, first_year: int, last_year: int, sessions: Iterable[TradingSession]
    ) -> None:
        """Store the sessions of some years in place of those stored; all of them or none."""
        rows = [_row(session) for session in sessions]
        before = delete(CalendarSession).where(
            CalendarSession.market == market,
            CalendarSession.date.between(dt.date(first_year, 1, 1), dt.date(last_year, 12, 31)),
        )
        with database_errors(self._engine), self._engine.begin() as connection:
            connection.execute(before)
            if rows:
                connection.execute(insert(CalendarSession), rows)


def _row(session: TradingSession) -> dict[str, Any]:
    return {
        "market": session.market,
        "date": session.date,
        "open_ns": session.open_ns,
        "close_ns": session.close_ns,
        "breaks": session.breaks,
        "pre_open_ns": session.pre_open_ns,
        "post_close_ns": session.post_close_ns,
        "early_close": session.early_close,
    }
