"""Who trades an account: at most one run, held by a lock with a rising token."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("account", sa.String(64), primary_key=True),
    sa.Column("token", sa.BigInteger(), nullable=False),
    sa.Column("run_id", sa.String(64)),
    sa.Column("since", sa.String(40)),
    sa.Column("host", sa.String(255)),
    sa.Column("machine", sa.String(120)),
    sa.Column("pid", sa.Integer()),
    sa.Column("process_start", sa.String(40)),
    sa.Column("heartbeat_ns", sa.BigInteger()),
)


def upgrade() -> None:
    """Add the table."""
    op.create_table("account_locks", *COLUMNS)
