"""The lawyers' calendars: appointments and their own commitments."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Goes forward."""
    op.create_table('appointment',
    sa.Column('id', _Id, nullable=False),
    sa.Column('conversation_id', sa.String(length=32), nullable=False),
    sa.Column('inbox_id', _Id, nullable=True),
    sa.Column('kind', sa.String(length=12), server_default='consulta', nullable=False),
    sa.Column('title', sa.String(length=200), server_default='', nullable=False),
    sa.Column('lawyer', sa.String(length=120), nullable=False),
    sa.Column('starts_at', sa.Float(), nullable=False),
    sa.Column('ends_at', sa.Float(), nullable=False),
    sa.Column('status', sa.String(length=12), nullable=False),
    sa.Column('held_until', sa.Float(), nullable=True),
    sa.Column('modality', sa.String(length=12), nullable=True),
    sa.Column('area', sa.String(length=20), nullable=True),
    sa.Column('subject', sa.Text(), server_default='', nullable=False),
    sa.Column('person_name', sa.String(length=200), server_default='', nullable=False),
    sa.Column('cpf', sa.String(length=11), nullable=True),
    sa.Column('email', sa.String(length=254), nullable=True),
    sa.Column('created_at', sa.Float(), nullable=False),
    sa.Column('updated_at', sa.Float(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], ),
    sa.ForeignKeyConstraint(['inbox_id'], ['inbox.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('appointment_of_lawyer', 'appointment', ['lawyer', 'starts_at'], unique=False)
    op.create_index('appointment_of_conversation', 'appointment', ['conversation_id'], unique=False)


def downgrade() -> None:
    """Goes back."""
    op.drop_table("appointment")
