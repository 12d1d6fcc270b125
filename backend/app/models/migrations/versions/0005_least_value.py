"""What an order of an instrument has to be worth at least."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; None where there is no such bound."""
    op.add_column("instruments", sa.Column("least_value", sa.String(32)))
