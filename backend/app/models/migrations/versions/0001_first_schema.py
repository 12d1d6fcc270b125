"""First schema: calendars, instruments, corporate actions, runs, orders, fills."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

REFERENCE_TABLES: dict[str, tuple[sa.Column[Any], ...]] = {
    "calendar_sessions": (
        sa.Column("market", sa.String(40), primary_key=True),
        sa.Column("date", sa.Date(), primary_key=True),
        sa.Column("open_ns", sa.BigInteger(), nullable=False),
        sa.Column("close_ns", sa.BigInteger(), nullable=False),
        sa.Column("breaks", sa.JSON(), nullable=False),
        sa.Column("pre_open_ns", sa.BigInteger()),
        sa.Column("post_close_ns", sa.BigInteger()),
        sa.Column("early_close", sa.Boolean(), nullable=False),
    ),
    "instruments": (
        sa.Column("market", sa.String(40), primary_key=True),
        sa.Column("symbol", sa.String(32), primary_key=True),
        sa.Column("tick", sa.String(32), nullable=False),
        sa.Column("lot", sa.String(32), nullable=False),
        sa.Column("multiplier", sa.String(32), nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
    ),
    "corporate_actions": (
        sa.Column("market", sa.String(40), primary_key=True),
        sa.Column("symbol", sa.String(32), primary_key=True),
        sa.Column("ex_date", sa.Date(), primary_key=True),
        sa.Column("kind", sa.String(8), primary_key=True),
        sa.Column("value", sa.String(32), nullable=False),
    ),
    "runs": (
        sa.Column("run_id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("mode", sa.String(8), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.String(40), nullable=False),
        sa.Column("ended_at", sa.String(40)),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("summary", sa.JSON()),
        sa.Column("error", sa.Text()),
        sa.Column("fingerprint", sa.String(64)),
    ),
}

# Bulk tables: on SQLite without a row id, so that a row is written once, not twice.
BULK_TABLES: dict[str, tuple[sa.Column[Any], ...]] = {
    "orders": (
        sa.Column("run_id", sa.String(64), sa.ForeignKey("runs.run_id"), primary_key=True),
        sa.Column("order_id", sa.Integer(), primary_key=True),
        sa.Column("strategy", sa.String(64), nullable=False),
        sa.Column("symbol", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("side", sa.String(4), nullable=False),
        sa.Column("quantity", sa.String(32), nullable=False),
        sa.Column("filled", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(200)),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("ended_ns", sa.BigInteger()),
    ),
    "fills": (
        sa.Column("run_id", sa.String(64), sa.ForeignKey("runs.run_id"), primary_key=True),
        sa.Column("fill_id", sa.Integer(), primary_key=True),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("symbol", sa.String(32), nullable=False),
        sa.Column("quantity", sa.String(32), nullable=False),
        sa.Column("price", sa.Float(), nullable=False),
        sa.Column("fee", sa.String(32), nullable=False),
        sa.Column("bar_start_ns", sa.BigInteger(), nullable=False),
        sa.Column("instant_ns", sa.BigInteger(), nullable=False),
    ),
}


def upgrade() -> None:
    """Make every table."""
    for name, columns in REFERENCE_TABLES.items():
        op.create_table(name, *columns)
    for name, columns in BULK_TABLES.items():
        op.create_table(name, *columns, sqlite_with_rowid=False)
