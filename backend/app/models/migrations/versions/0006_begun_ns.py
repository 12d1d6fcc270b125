"""When a run began, to the nanosecond: which of two is the newer."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column; None of runs that were recorded before."""
    op.add_column("runs", sa.Column("begun_ns", sa.BigInteger()))
