"""The tables, as SQLAlchemy Core that 1.4 and 2.x both run.

Times are UTC seconds since 1970 (float), in columns that end in `_at`.
`bot/store/migrations` brings a database to this shape; a test holds both equal.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

INBOX_OPEN = ("new", "leased")
OUTBOX_OPEN = ("new", "sending", "unknown")


def has_status(table: sa.FromClause, *words: str) -> sa.ColumnElement[bool]:
    """Returns a condition on `status` that has the words, not parameters, in it.

    SQLite uses a partial index only where a query repeats the index's own words.
    """
    return table.c.status.in_([sa.literal_column(f"'{word}'") for word in words])


def _foreign(target: str, *, nullable: bool = False) -> sa.Column[Any]:
    kind = sa.String(32) if target.startswith("conversation.") else _Id
    name = target.split(".")[0] + "_id"
    return sa.Column(name, kind, sa.ForeignKey(target), nullable=nullable)


person = sa.Table(
    "person",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("phone", sa.String(20), nullable=False, unique=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("profile", sa.String(20), nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)
"""The directory of people; decides `tipo_usuario`. `phone` is E.164."""

conversation = sa.Table(
    "conversation",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("address", sa.String(120), nullable=False, unique=True),
    sa.Column("display_name", sa.String(200), nullable=False, server_default=""),
    sa.Column("owner", sa.String(10), nullable=False, server_default="robo"),
    sa.Column("turn_token", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_inbound_at", sa.Float),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("external_id", sa.String(120)),
    sa.Column("opted_out_at", sa.Float),
    sa.Column("muted_until", sa.Float, nullable=False, server_default="0"),
    sa.Column("send_after", sa.Float, nullable=False, server_default="0"),
    sa.Column("window_closed_at", sa.Float),
    sa.Column("reopened_at", sa.Float),
)
"""One conversation a WhatsApp address. `id` is random and is Rasa's sender id,
so that no telephone number reaches Rasa. `owner` is `robo` or `pessoa`;
`turn_token` grows at each change of owner and revokes answers under way.
`external_id` is the same person's business-scoped id, as a signed message named
both. `opted_out_at`: asked for no messages that answer nothing. `muted_until`: an
automatic reply is talking, the robot is silent. `send_after`: Twilio asked for a
slower pace. `window_closed_at`: Twilio said so; `reopened_at`: a template asked
the person to write, so that the 24-hour window opens again."""

sa.Index("conversation_external_id", conversation.c.external_id)

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("account_sid", sa.String(40), nullable=False),
    sa.Column("message_sid", sa.String(40), nullable=False),
    _foreign("conversation.id"),
    sa.Column("source", sa.String(10), nullable=False),
    sa.Column("recipient", sa.String(120), nullable=False, server_default=""),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("status", sa.String(10), nullable=False, server_default="new"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_at", sa.Float, nullable=False, server_default="0"),
    sa.Column("lease_owner", sa.String(64)),
    sa.Column("lease_until", sa.Float, nullable=False, server_default="0"),
    sa.Column("finished_at", sa.Float),
    sa.Column("flow", sa.String(60)),
    sa.Column("confidence", sa.Float),
    sa.Column("answered_by", sa.String(10)),
    sa.Column("profile", sa.String(20)),
    sa.Column("error", sa.String(200)),
    sa.Column("sender", sa.String(120), nullable=False, server_default=""),
    sa.Column("sent_at", sa.Float),
    sa.Column("merged_into", _Id),
    sa.Column("typing_at", sa.Float),
    sa.UniqueConstraint("account_sid", "message_sid"),
)
"""Messages in. `source` is `whatsapp` or `api`; `recipient` our own number, the
answer's sender; `sender` the exact address that wrote, which the answer goes to;
`status` new → leased → done, or dead after too many attempts. `sent_at` is the
provider's time, where a message was fetched later. `merged_into` is the message
whose turn answered this one too (the photos of one album)."""

sa.Index("inbox_of_conversation", inbox.c.conversation_id, inbox.c.received_at)

sa.Index(
    "inbox_open",
    inbox.c.conversation_id,
    inbox.c.id,
    sqlite_where=has_status(inbox, *INBOX_OPEN),
    postgresql_where=has_status(inbox, *INBOX_OPEN),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    _foreign("inbox.id"),
    sa.Column("ordinal", sa.Integer, nullable=False),
    _foreign("conversation.id"),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("buttons", sa.JSON),
    sa.Column("answered_by", sa.String(10), nullable=False),
    sa.Column("turn_token", sa.Integer, nullable=False),
    sa.Column("token", sa.String(32), nullable=False, unique=True),
    sa.Column("status", sa.String(12), nullable=False, server_default="new"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_at", sa.Float, nullable=False, server_default="0"),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float),
    sa.Column("provider_sid", sa.String(40), unique=True),
    sa.Column("error_code", sa.String(20)),
    sa.Column("purpose", sa.String(12), nullable=False, server_default="resposta"),
    sa.Column("template", sa.String(40)),
    sa.Column("template_variables", sa.JSON),
    sa.Column("status_at", sa.Float),
    sa.Column("repeats", sa.Integer, nullable=False, server_default="0"),
    sa.Column("not_after", sa.Float),
    sa.Column("appointment_id", _Id),
    sa.UniqueConstraint("inbox_id", "ordinal"),
)
"""Messages out. `status`: returned (given in the API's response) | new → sending
→ sent → delivered → read, or failed, unknown (the provider's answer was lost; to
be reconciled), waiting (for the 24-hour window to open), revoked (a person took
over first). `token` names the row in status callbacks. `purpose` is `resposta`,
`aviso` (about a message already answered) or `lembrete` (answers nothing, and is
not sent to who opted out). `template` names an approved template of
`TWILIO_TEMPLATES`, filled from `template_variables`; or the one that showed the
options to tap (`botoes_2`); "" where only the numbered text may go. `repeats`: how
often it was sent anew although the provider may have had it. A reminder is about
`appointment_id`, and is not sent after `not_after`, when its words are no longer
true."""

sa.Index(
    "outbox_open",
    outbox.c.conversation_id,
    outbox.c.id,
    sqlite_where=has_status(outbox, *OUTBOX_OPEN),
    postgresql_where=has_status(outbox, *OUTBOX_OPEN),
)

sa.Index("outbox_of_conversation", outbox.c.conversation_id, outbox.c.inbox_id)

sa.Index(
    "outbox_waiting",
    outbox.c.conversation_id,
    sqlite_where=has_status(outbox, "waiting"),
    postgresql_where=has_status(outbox, "waiting"),
)

media = sa.Table(
    "media",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    _foreign("inbox.id"),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("account_sid", sa.String(40), nullable=False),
    sa.Column("message_sid", sa.String(40), nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("declared_type", sa.String(120), nullable=False, server_default=""),
    sa.Column("status", sa.String(12), nullable=False, server_default="pendente"),
    sa.Column("error", sa.String(40)),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_at", sa.Float, nullable=False, server_default="0"),
    sa.Column("stored_id", sa.String(32)),
    sa.Column("media_type", sa.String(120)),
    sa.Column("size_bytes", sa.BigInteger),
    sa.Column("sha256", sa.String(64)),
    sa.Column("original_name", sa.String(200), nullable=False, server_default=""),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("fetched_at", sa.Float),
    sa.Column("deleted_at_twilio_at", sa.Float),
    sa.UniqueConstraint("inbox_id", "ordinal"),
)
"""Attachments of messages. `status` pendente → guardado | recusado (not a type
that we take) | grande (too many bytes) | falhou (could not be had); a voice that is
old enough ends apagado. `stored_id` names the file under `MEDIA_DIR`; `media_type` was
read from its bytes. `url` is `api:` where the bytes came with the message."""

sa.Index(
    "media_open",
    media.c.next_at,
    sqlite_where=has_status(media, "pendente"),
    postgresql_where=has_status(media, "pendente"),
)

transcript = sa.Table(
    "transcript",
    metadata,
    sa.Column("media_id", sa.String(32), sa.ForeignKey("media.id"), primary_key=True),
    _foreign("inbox.id"),
    sa.Column("status", sa.String(12), nullable=False, server_default="pendente"),
    sa.Column("trouble", sa.String(20)),
    sa.Column("text", sa.Text, nullable=False, server_default=""),
    sa.Column("confidence", sa.Float),
    sa.Column("audio_s", sa.Float),
    sa.Column("speech_s", sa.Float),
    sa.Column("took_s", sa.Float),
    sa.Column("engine", sa.String(80), nullable=False, server_default=""),
    sa.Column("is_damaged", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("question", sa.String(12), nullable=False, server_default=""),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_at", sa.Float, nullable=False, server_default="0"),
    sa.Column("lease_owner", sa.String(64)),
    sa.Column("lease_until", sa.Float, nullable=False, server_default="0"),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("heard_at", sa.Float),
)
"""What voice notes say. `status` pendente → ouvido | nao_ouvido (`trouble` says why:
a value of `Trouble`, or "" where the attachment itself could not be had). The text
is also its message's. `question`: "" | perguntado (the person was asked whether the
text is right) → confirmado | negado."""

sa.Index("transcript_of_message", transcript.c.inbox_id)

sa.Index(
    "transcript_open",
    transcript.c.next_at,
    sqlite_where=has_status(transcript, "pendente"),
    postgresql_where=has_status(transcript, "pendente"),
)

channel_mark = sa.Table(
    "channel_mark",
    metadata,
    sa.Column("name", sa.String(80), primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
)
"""Points in time that loops go on from, as `recuperacao:AC…` (all messages of
that account before it are in the inbox)."""

channel_alert = sa.Table(
    "channel_alert",
    metadata,
    sa.Column("code", sa.String(40), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("first_at", sa.Float, nullable=False),
    sa.Column("last_at", sa.Float, nullable=False),
    sa.Column("detail", sa.String(200), nullable=False, server_default=""),
)
"""What whoever runs this should know, one row a cause: the account's daily
limit, refused credentials, a template that was paused."""

usage = sa.Table(
    "usage",
    metadata,
    _foreign("conversation.id"),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("conversation_id", "kind", "day"),
)
"""How often somebody used something that is limited a day, as `modelo`; `day` is
the office's date, `2026-11-22`."""

handoff = sa.Table(
    "handoff",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    _foreign("conversation.id"),
    _foreign("inbox.id", nullable=True),
    sa.Column("reason", sa.String(60), nullable=False),
    sa.Column("is_urgent", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("closed_at", sa.Float),
)
"""People who wait for a person; at most one open row a conversation."""

sa.Index(
    "handoff_open",
    handoff.c.conversation_id,
    unique=True,
    sqlite_where=handoff.c.closed_at.is_(None),
    postgresql_where=handoff.c.closed_at.is_(None),
)

request = sa.Table(
    "request",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    _foreign("conversation.id"),
    _foreign("inbox.id"),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("status", sa.String(12), nullable=False, server_default="aberto"),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.UniqueConstraint("inbox_id", "ordinal"),
)
"""What a flow collected for the office: an appointment wished for, a new case,
a document to file, a change. `kind` is the flow's name; a replayed turn finds
its own row by message and ordinal."""

appointment = sa.Table(
    "appointment",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    _foreign("conversation.id"),
    _foreign("inbox.id", nullable=True),
    sa.Column("kind", sa.String(12), nullable=False, server_default="consulta"),
    sa.Column("title", sa.String(200), nullable=False, server_default=""),
    sa.Column("lawyer", sa.String(120), nullable=False),
    sa.Column("starts_at", sa.Float, nullable=False),
    sa.Column("ends_at", sa.Float, nullable=False),
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("held_until", sa.Float),
    sa.Column("modality", sa.String(12)),
    sa.Column("area", sa.String(20)),
    sa.Column("subject", sa.Text, nullable=False, server_default=""),
    sa.Column("person_name", sa.String(200), nullable=False, server_default=""),
    sa.Column("cpf", sa.String(11)),
    sa.Column("email", sa.String(254)),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.Column("event_key", sa.String(32)),
    sa.Column("event_place", sa.String(200)),
    sa.Column("event_link", sa.Text, nullable=False, server_default=""),
    sa.Column("meeting_link", sa.Text, nullable=False, server_default=""),
    sa.Column("confirmed_at", sa.Float),
)
"""The lawyers' calendars. `kind` is consulta (a client's) or compromisso (a
lawyer's own, named by `title`); `lawyer` the name in the office's file. `status`
reservada (kept free until `held_until`) → marcada → cancelada or remarcada, or
reservada → liberada where another time was chosen. `event_key` is the id of its
event in an outside calendar, made when it is booked and handed on where it is moved;
`event_place` where that event stands: the keeper and the calendar, `google:ana@…`.
`confirmed_at`: the person said after a reminder that they will come."""

sa.Index("appointment_of_lawyer", appointment.c.lawyer, appointment.c.starts_at)
sa.Index("appointment_of_conversation", appointment.c.conversation_id)
sa.Index("appointment_of_event", appointment.c.event_key)

answer_mode = sa.Table(
    "answer_mode",
    metadata,
    sa.Column("scope", sa.String(40), primary_key=True),
    sa.Column("mode", sa.String(20), nullable=False),
    sa.Column("until_at", sa.Float),
    sa.Column("changed_at", sa.Float, nullable=False),
    sa.Column("changed_by", sa.String(120), nullable=False, server_default=""),
)
"""Who answers, as somebody chose it. `scope` is `geral` or a conversation's id;
`until_at`: from then on the choice no longer counts."""

draft = sa.Table(
    "draft",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    _foreign("conversation.id"),
    _foreign("inbox.id", nullable=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("sources", sa.JSON, nullable=False),
    sa.Column("status", sa.String(12), nullable=False, server_default="aberto"),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("closed_at", sa.Float),
    sa.UniqueConstraint("inbox_id"),
)
"""Answers of the model that wait for a person to send them. `status` aberto →
enviado | descartado; `sources` the ids of the office's texts it cites."""

teaching_example = sa.Table(
    "teaching_example",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    _foreign("inbox.id"),
    sa.Column("intent", sa.String(60), nullable=False),
    sa.Column("status", sa.String(12), nullable=False, server_default="aberto"),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.UniqueConstraint("inbox_id"),
)
"""Messages that nobody understood and the model led into a flow, for review as
training examples. The words stand in `inbox`."""

service_state = sa.Table(
    "service_state",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("since_at", sa.Float, nullable=False),
)
"""What one process knows of a service and others show, as `modelo`."""

job = sa.Table(
    "job",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("key", sa.String(120), nullable=False, unique=True),
    sa.Column("kind", sa.String(40), nullable=False),
    _foreign("conversation.id", nullable=True),
    _foreign("inbox.id", nullable=True),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("progress", sa.JSON, nullable=False),
    sa.Column("result", sa.JSON),
    sa.Column("status", sa.String(10), nullable=False, server_default="novo"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_at", sa.Float, nullable=False, server_default="0"),
    sa.Column("lease_owner", sa.String(64)),
    sa.Column("lease_until", sa.Float, nullable=False, server_default="0"),
    sa.Column("reason", sa.String(60)),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("finished_at", sa.Float),
)
"""Work in outside services. `key` names it by message, action and ordinal, so that
a turn tried again finds its own. `status` novo → alugado → feito | falhou, or parado
until what it needs is connected; `reason` why it was tried again, parked or failed;
`progress` what an attempt noted for the next one, `result` what was made."""

sa.Index(
    "job_open",
    job.c.next_at,
    sqlite_where=has_status(job, "novo", "alugado"),
    postgresql_where=has_status(job, "novo", "alugado"),
)

google_account = sa.Table(
    "google_account",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("tokens", sa.Text, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("since_at", sa.Float, nullable=False),
    sa.Column("connected_at", sa.Float, nullable=False),
    sa.Column("connected_by", sa.String(120), nullable=False, server_default=""),
)
"""The connection to Google; one row, `escritorio`. `tokens` is encrypted under a key
that is not in the database; `state` conectado or reconectar; `scopes` what was
granted, as Google names it."""

google_consent = sa.Table(
    "google_consent",
    metadata,
    sa.Column("state_hash", sa.String(64), primary_key=True),
    sa.Column("verifier", sa.Text, nullable=False),
    sa.Column("owner_hash", sa.String(64), nullable=False),
    sa.Column("redirect_uri", sa.Text, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("used_at", sa.Float),
)
"""Authorisations under way. Only the SHA-256 of `state` is kept; `verifier` is the
PKCE one, encrypted; `owner_hash` names who began, and alone may finish."""

kept_place = sa.Table(
    "kept_place",
    metadata,
    sa.Column("keeper", sa.String(10), primary_key=True),
    sa.Column("kind", sa.String(12), primary_key=True),
    sa.Column("name", sa.String(120), primary_key=True),
    sa.Column("ref", sa.String(200), nullable=False),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("link", sa.Text, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)
"""Where things of the office are kept. `keeper` google or local; `kind` pasta,
planilha or arquivo; `name` what it is for, as `contatos` or `conversa:…`; `ref` its
id there."""

panel_link = sa.Table(
    "panel_link",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("used_at", sa.Float),
)
"""One-time links into the panel; only the SHA-256 of the token is kept."""

panel_session = sa.Table(
    "panel_session",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("csrf_token", sa.String(64), nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("last_seen_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
)
"""Server-side sessions of the panel; only the SHA-256 of the cookie is kept."""

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("sender_id", sa.String(255), nullable=False, index=True),
    sa.Column("type_name", sa.String(255), nullable=False),
    sa.Column("timestamp", sa.Float),
    sa.Column("intent_name", sa.String(255)),
    sa.Column("action_name", sa.String(255)),
    sa.Column("data", sa.Text),
)
"""Rasa's own table of tracker events (the shape of SQLTrackerStore 3.6.21)."""
