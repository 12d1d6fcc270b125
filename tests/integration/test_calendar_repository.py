"""Trading sessions in a real database."""

import datetime as dt

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app.core.calendar import TradingSession
from app.core.errors import DataError
from app.models.tables import CalendarSession
from app.repositories.calendar_repository import CalendarRepository


def session_on(date: str, market: str = "XTKS", close_ns: int = 9) -> TradingSession:
    return TradingSession(
        market=market,
        date=dt.date.fromisoformat(date),
        open_ns=1,
        close_ns=close_ns,
        breaks=((3, 4),),
        post_close_ns=11,
        early_close=True,
    )


def stored(engine: Engine) -> list[tuple[str, str, int]]:
    with Session(engine) as session:
        rows = session.scalars(select(CalendarSession).order_by(CalendarSession.date))
        return [(row.market, str(row.date), row.close_ns) for row in rows]


def test_every_field_of_a_session_is_kept(engine: Engine) -> None:
    CalendarRepository(engine).replace("XTKS", 2024, 2024, [session_on("2024-11-05")])
    with Session(engine) as session:
        row = session.scalars(select(CalendarSession)).one()
    assert (row.open_ns, row.close_ns, row.breaks) == (1, 9, [[3, 4]])
    assert (row.pre_open_ns, row.post_close_ns, row.early_close) == (None, 11, True)


def test_an_import_replaces_its_years_and_nothing_else(engine: Engine) -> None:
    repository = CalendarRepository(engine)
    days = ("2023-12-29", "2024-01-04", "2024-12-30", "2025-01-06")
    repository.replace("XTKS", 2023, 2025, [session_on(day) for day in days])
    repository.replace("XLON", 2024, 2024, [session_on("2024-06-03", "XLON")])
    repository.replace("XTKS", 2024, 2024, [session_on("2024-01-05", close_ns=10)])
    assert stored(engine) == [
        ("XTKS", "2023-12-29", 9),
        ("XTKS", "2024-01-05", 10),
        ("XLON", "2024-06-03", 9),
        ("XTKS", "2025-01-06", 9),
    ]


def test_years_without_a_session_are_emptied(engine: Engine) -> None:
    repository = CalendarRepository(engine)
    repository.replace("XTKS", 2024, 2024, [session_on("2024-01-04")])
    repository.replace("XTKS", 2024, 2024, [])
    assert stored(engine) == []


def test_a_failed_import_leaves_what_was_there(engine: Engine) -> None:
    repository = CalendarRepository(engine)
    repository.replace("XTKS", 2024, 2024, [session_on("2024-01-04")])
    twice = [session_on("2024-01-05"), session_on("2024-01-05")]
    with pytest.raises(DataError):
        repository.replace("XTKS", 2024, 2024, twice)
    assert stored(engine) == [("XTKS", "2024-01-04", 9)]
