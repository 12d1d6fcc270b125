"""Corporate actions in SQL, one row per market, symbol, ex-date and kind."""

from collections.abc import Iterable
from decimal import Decimal

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app.core.instruments import CorporateAction
from app.models.tables import CorporateActionRow
from app.repositories.database import database_errors, writing


class ActionRepository:
    """Reads and writes splits and dividends."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, market: str, symbol: str | None = None) -> tuple[CorporateAction, ...]:
        """A market's actions, or one symbol's, by ex-date, splits after dividends of a day."""
        rows = CorporateActionRow
        query = select(rows).where(rows.market == market)
        if symbol is not None:
            query = query.where(rows.symbol == symbol)
        query = query.order_by(rows.symbol, rows.ex_date, rows.kind)
        with database_errors(self._engine), Session(self._engine) as session:
            return tuple(
                CorporateAction(row.symbol, row.ex_date, row.kind, Decimal(row.value))
                for row in session.scalars(query)
            )

    def put(self, market: str, actions: Iterable[CorporateAction]) -> tuple[int, int, int]:
        """Set actions in place of equal ones, all or none; how many are new, same, changed."""
        added = same = changed = 0
        with database_errors(self._engine), writing(self._engine) as session:
            for one in actions:
                key = (market, one.symbol, one.ex_date, one.kind)
                row = session.get(CorporateActionRow, key)
                if row is None:
                    added += 1
                    session.add(
                        CorporateActionRow(
                            market=market,
                            symbol=one.symbol,
                            ex_date=one.ex_date,
                            kind=one.kind,
                            value=str(one.value),
                        )
                    )
                elif Decimal(row.value) == one.value:
                    same += 1
                else:
                    changed += 1
                    row.value = str(one.value)
        return added, same, changed
