"""What an order was given beyond its quantity: time in force, prices; and what it was charged."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# None in the orders of runs that were recorded before.
ORDER_COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("tif", sa.String(8)),
    sa.Column("limit_price", sa.Float()),
    sa.Column("stop_price", sa.Float()),
    sa.Column("fee", sa.String(32)),
)


def upgrade() -> None:
    """Add the columns; SQLite adds one in place, without a row id too."""
    for column in ORDER_COLUMNS:
        op.add_column("orders", column)
