"""The office's own spreadsheets, of which it has one each: that they are made."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from bot.store import jobs

CONTACTS, LAWSUITS = "contatos", "processos"
MAKE = "registro"
"""Kind of the job that makes one."""


def ensure(connection: Connection, keeper: str, name: str, *, now: float) -> None:
    """Sees to it that a register is made; asking again adds nothing.

    Args:
        connection: inside a writing transaction.
        keeper: `google` or `local`.
        name: `contatos` or `processos`.
        now: UTC seconds.
    """
    prefix = f"{MAKE}:{keeper}:{name}:"
    jobs.add(
        connection,
        key=f"{prefix}{jobs.count_ended(connection, prefix=prefix)}",
        kind=MAKE,
        facts={"nome": name, "onde": keeper},
        now=now,
    )
