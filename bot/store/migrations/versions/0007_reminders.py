"""Reminders: which appointment one is about, and until when it may be sent."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Goes forward."""
    with op.batch_alter_table('outbox') as table:
        table.add_column(sa.Column('not_after', sa.Float(), nullable=True))
        table.add_column(sa.Column('appointment_id', _Id, nullable=True))


def downgrade() -> None:
    """Goes back."""
    with op.batch_alter_table('outbox') as table:
        table.drop_column('appointment_id')
        table.drop_column('not_after')
