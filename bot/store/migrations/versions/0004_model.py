"""The model: modes, drafts, examples to teach, the state of services."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Goes forward."""
    op.create_table('answer_mode',
    sa.Column('scope', sa.String(length=40), nullable=False),
    sa.Column('mode', sa.String(length=20), nullable=False),
    sa.Column('until_at', sa.Float(), nullable=True),
    sa.Column('changed_at', sa.Float(), nullable=False),
    sa.Column('changed_by', sa.String(length=120), server_default='', nullable=False),
    sa.PrimaryKeyConstraint('scope')
    )
    op.create_table('draft',
    sa.Column('id', _Id, nullable=False),
    sa.Column('conversation_id', sa.String(length=32), nullable=False),
    sa.Column('inbox_id', _Id, nullable=True),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('sources', sa.JSON(), nullable=False),
    sa.Column('status', sa.String(length=12), server_default='aberto', nullable=False),
    sa.Column('created_at', sa.Float(), nullable=False),
    sa.Column('closed_at', sa.Float(), nullable=True),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], ),
    sa.ForeignKeyConstraint(['inbox_id'], ['inbox.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('inbox_id')
    )
    op.create_table('teaching_example',
    sa.Column('id', _Id, nullable=False),
    sa.Column('inbox_id', _Id, nullable=False),
    sa.Column('intent', sa.String(length=60), nullable=False),
    sa.Column('status', sa.String(length=12), server_default='aberto', nullable=False),
    sa.Column('created_at', sa.Float(), nullable=False),
    sa.ForeignKeyConstraint(['inbox_id'], ['inbox.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('inbox_id')
    )
    op.create_table('service_state',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('since_at', sa.Float(), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )


def downgrade() -> None:
    """Goes back."""
    for table in ("service_state", "teaching_example", "draft", "answer_mode"):
        op.drop_table(table)
