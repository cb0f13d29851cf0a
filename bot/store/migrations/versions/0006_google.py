"""The connection to Google, where things are kept, and events of appointments."""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Goes forward."""
    with op.batch_alter_table('appointment') as table:
        table.add_column(sa.Column('event_key', sa.String(length=32), nullable=True))
        table.add_column(sa.Column('event_place', sa.String(length=200), nullable=True))
        table.add_column(sa.Column('event_link', sa.Text(), server_default='', nullable=False))
        table.add_column(sa.Column('meeting_link', sa.Text(), server_default='', nullable=False))
        table.add_column(sa.Column('confirmed_at', sa.Float(), nullable=True))
    op.create_index('appointment_of_event', 'appointment', ['event_key'])
    _name_events()
    op.create_table('google_account',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.Column('tokens', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('since_at', sa.Float(), nullable=False),
    sa.Column('connected_at', sa.Float(), nullable=False),
    sa.Column('connected_by', sa.String(length=120), server_default='', nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.create_table('google_consent',
    sa.Column('state_hash', sa.String(length=64), nullable=False),
    sa.Column('verifier', sa.Text(), nullable=False),
    sa.Column('owner_hash', sa.String(length=64), nullable=False),
    sa.Column('redirect_uri', sa.Text(), nullable=False),
    sa.Column('created_at', sa.Float(), nullable=False),
    sa.Column('expires_at', sa.Float(), nullable=False),
    sa.Column('used_at', sa.Float(), nullable=True),
    sa.PrimaryKeyConstraint('state_hash')
    )
    op.create_table('kept_place',
    sa.Column('keeper', sa.String(length=10), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('ref', sa.String(length=200), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('link', sa.Text(), nullable=False),
    sa.Column('created_at', sa.Float(), nullable=False),
    sa.PrimaryKeyConstraint('keeper', 'kind', 'name')
    )


def _name_events() -> None:
    """Gives what is booked already the id of an event to come."""
    table = sa.table(
        'appointment', sa.column('id'), sa.column('status'), sa.column('event_key')
    )
    connection = op.get_bind()
    booked = connection.execute(sa.select(table.c.id).where(table.c.status == 'marcada'))
    for appointment_id in booked.scalars().all():
        connection.execute(
            sa.update(table)
            .where(table.c.id == appointment_id)
            .values(event_key=uuid.uuid4().hex)
        )


def downgrade() -> None:
    """Goes back."""
    op.drop_table('kept_place')
    op.drop_table('google_consent')
    op.drop_table('google_account')
    op.drop_index('appointment_of_event', 'appointment')
    with op.batch_alter_table('appointment') as table:
        for name in ('event_key', 'event_place', 'event_link', 'meeting_link', 'confirmed_at'):
            table.drop_column(name)
