"""What an order depends on, and what was done to it after it was given."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# None in the orders of runs that were recorded before.
ORDER_COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("trail", sa.Float()),
    sa.Column("trail_percent", sa.Float()),
    sa.Column("reduce_only", sa.Boolean()),
    sa.Column("parent_id", sa.Integer()),
    sa.Column("oco_group", sa.Integer()),
)
CHANGE_COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("run_id", sa.String(64), sa.ForeignKey("runs.run_id"), primary_key=True),
    sa.Column("place", sa.Integer(), primary_key=True),
    sa.Column("order_id", sa.Integer(), nullable=False),
    sa.Column("at_ns", sa.BigInteger(), nullable=False),
    sa.Column("what", sa.String(16), nullable=False),
    sa.Column("quantity", sa.String(32), nullable=False),
    sa.Column("limit_price", sa.Float()),
    sa.Column("stop_price", sa.Float()),
    sa.Column("reason", sa.Text()),
)


def upgrade() -> None:
    """Add the columns and the table, a bulk table as the others are."""
    for column in ORDER_COLUMNS:
        op.add_column("orders", column)
    op.create_table("order_changes", *CHANGE_COLUMNS, sqlite_with_rowid=False)
