"""The channel: attachments, window, limits, reconciliation, recovery."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
def _added() -> dict[str, list[sa.Column]]:
    """Returns new columns by table: a column belongs to one table object only."""
    return {"conversation": [
    sa.Column('external_id', sa.String(length=120), nullable=True),
    sa.Column('opted_out_at', sa.Float(), nullable=True),
    sa.Column('muted_until', sa.Float(), server_default='0', nullable=False),
    sa.Column('send_after', sa.Float(), server_default='0', nullable=False),
    sa.Column('window_closed_at', sa.Float(), nullable=True),
    sa.Column('reopened_at', sa.Float(), nullable=True),
    ], "inbox": [
    sa.Column('sender', sa.String(length=120), server_default='', nullable=False),
    sa.Column('sent_at', sa.Float(), nullable=True),
    sa.Column('merged_into', _Id, nullable=True),
    sa.Column('typing_at', sa.Float(), nullable=True),
    ], "outbox": [
    sa.Column('purpose', sa.String(length=12), server_default='resposta', nullable=False),
    sa.Column('template', sa.String(length=40), nullable=True),
    sa.Column('template_variables', sa.JSON(), nullable=True),
    sa.Column('status_at', sa.Float(), nullable=True),
    sa.Column('repeats', sa.Integer(), server_default='0', nullable=False),
    ]}


def upgrade() -> None:
    """Goes forward."""
    for table, columns in _added().items():
        for column in columns:
            op.add_column(table, column)
    op.execute(
        "UPDATE inbox SET sender = (SELECT address FROM conversation"
        " WHERE conversation.id = inbox.conversation_id)"
    )
    op.create_index('conversation_external_id', 'conversation', ['external_id'])
    op.create_index('inbox_of_conversation', 'inbox', ['conversation_id', 'received_at'])
    _index_open_answers("'new', 'sending', 'unknown'")
    op.create_index('outbox_of_conversation', 'outbox', ['conversation_id', 'inbox_id'])
    is_waiting = sa.text("status IN ('waiting')")
    op.create_index('outbox_waiting', 'outbox', ['conversation_id'],
        sqlite_where=is_waiting, postgresql_where=is_waiting)
    op.create_table('media',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('inbox_id', _Id, nullable=False),
    sa.Column('ordinal', sa.Integer(), nullable=False),
    sa.Column('account_sid', sa.String(length=40), nullable=False),
    sa.Column('message_sid', sa.String(length=40), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('declared_type', sa.String(length=120), server_default='', nullable=False),
    sa.Column('status', sa.String(length=12), server_default='pendente', nullable=False),
    sa.Column('error', sa.String(length=40), nullable=True),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('next_at', sa.Float(), server_default='0', nullable=False),
    sa.Column('stored_id', sa.String(length=32), nullable=True),
    sa.Column('media_type', sa.String(length=120), nullable=True),
    sa.Column('size_bytes', sa.BigInteger(), nullable=True),
    sa.Column('sha256', sa.String(length=64), nullable=True),
    sa.Column('original_name', sa.String(length=200), server_default='', nullable=False),
    sa.Column('created_at', sa.Float(), nullable=False),
    sa.Column('fetched_at', sa.Float(), nullable=True),
    sa.Column('deleted_at_twilio_at', sa.Float(), nullable=True),
    sa.ForeignKeyConstraint(['inbox_id'], ['inbox.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('inbox_id', 'ordinal')
    )
    op.create_index('media_open', 'media', ['next_at'],
        sqlite_where=sa.text("status IN ('pendente')"), postgresql_where=sa.text("status IN ('pendente')"))
    op.create_table('channel_mark',
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('at', sa.Float(), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.create_table('channel_alert',
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('first_at', sa.Float(), nullable=False),
    sa.Column('last_at', sa.Float(), nullable=False),
    sa.Column('detail', sa.String(length=200), server_default='', nullable=False),
    sa.PrimaryKeyConstraint('code')
    )
    op.create_table('usage',
    sa.Column('conversation_id', sa.String(length=32), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('day', sa.String(length=10), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], ),
    sa.PrimaryKeyConstraint('conversation_id', 'kind', 'day')
    )


def downgrade() -> None:
    """Goes back."""
    for table in ("usage", "channel_alert", "channel_mark", "media"):
        op.drop_table(table)
    _index_open_answers("'new', 'sending'")
    op.drop_index('outbox_waiting', 'outbox')
    op.drop_index('outbox_of_conversation', 'outbox')
    op.drop_index('inbox_of_conversation', 'inbox')
    op.drop_index('conversation_external_id', 'conversation')
    for table, columns in _added().items():
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.drop_column(column.name)


def _index_open_answers(words: str) -> None:
    op.drop_index('outbox_open', 'outbox')
    where = sa.text(f"status IN ({words})")
    op.create_index('outbox_open', 'outbox', ['conversation_id', 'id'],
        sqlite_where=where, postgresql_where=where)
