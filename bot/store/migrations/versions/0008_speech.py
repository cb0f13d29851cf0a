"""Voice notes: what each said, how sure that is, and what became of it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Goes forward."""
    op.create_table('transcript',
    sa.Column('media_id', sa.String(length=32), nullable=False),
    sa.Column('inbox_id', _Id, nullable=False),
    sa.Column('status', sa.String(length=12), server_default='pendente', nullable=False),
    sa.Column('trouble', sa.String(length=20), nullable=True),
    sa.Column('text', sa.Text(), server_default='', nullable=False),
    sa.Column('confidence', sa.Float(), nullable=True),
    sa.Column('audio_s', sa.Float(), nullable=True),
    sa.Column('speech_s', sa.Float(), nullable=True),
    sa.Column('took_s', sa.Float(), nullable=True),
    sa.Column('engine', sa.String(length=80), server_default='', nullable=False),
    sa.Column('is_damaged', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('question', sa.String(length=12), server_default='', nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('next_at', sa.Float(), server_default='0', nullable=False),
    sa.Column('lease_owner', sa.String(length=64), nullable=True),
    sa.Column('lease_until', sa.Float(), server_default='0', nullable=False),
    sa.Column('created_at', sa.Float(), nullable=False),
    sa.Column('heard_at', sa.Float(), nullable=True),
    sa.ForeignKeyConstraint(['inbox_id'], ['inbox.id'], ),
    sa.ForeignKeyConstraint(['media_id'], ['media.id'], ),
    sa.PrimaryKeyConstraint('media_id')
    )
    op.create_index('transcript_of_message', 'transcript', ['inbox_id'])
    op.create_index('transcript_open', 'transcript', ['next_at'],
        sqlite_where=sa.text("status IN ('pendente')"),
        postgresql_where=sa.text("status IN ('pendente')"))


def downgrade() -> None:
    """Goes back."""
    op.drop_table('transcript')
