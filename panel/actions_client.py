"""The action server as the panel sees it: the connection to Google.

This is the one place where its HTTP and JSON failures become our errors. The secret
is used here and goes nowhere else.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp

from bot.core.errors import DependencyError, UserInputError
from bot.core.settings import Settings

_SECRET_HEADER = "X-PocketMKT-Secret"  # noqa: S105 - the header's name
_CONNECT_S = 2.0
_LOOK_S = 3.0
_MARGIN_S = 5.0
"""Beside what Google may take for two calls."""
_OUT = (
    "O servidor de ações não respondeu: ele está fora do ar ou ainda está começando. "
    "Espere um pouco e recarregue a página."
)
_UNREADABLE = "O servidor de ações respondeu algo que o painel não sabe ler."
_NOT_AUTHORIZED = (
    "O servidor de ações não aceitou o segredo do painel. Reinicie os dois: eles "
    "precisam ler o mesmo ACTIONS_SECRET."
)


class ActionsUnavailable(DependencyError):
    """The action server or Google cannot be reached; the text says what to do."""


class ActionsRefused(UserInputError):
    """The action server refused; the text is its own."""


@dataclass(frozen=True)
class Permission:
    """One thing that may be permitted at Google."""

    name: str
    """`agenda`, `disponibilidade` or `arquivos`."""
    title: str
    purpose: str
    without: str
    """What happens instead while it is off."""
    is_granted: bool


@dataclass(frozen=True)
class Connection:
    """How the office is connected."""

    link: str
    """`desligado`, `conectado` or `reconectar`."""
    is_configured: bool
    is_robot: bool
    """Whether a service account acts, which nobody connects."""
    since: float | None
    """UTC seconds."""
    by: str
    permissions: tuple[Permission, ...]


@dataclass(frozen=True)
class Waiting:
    """What could be brought to Google."""

    events: int = 0
    files: int = 0
    sheets: int = 0

    @property
    def total(self) -> int:
        """How many things that is."""
        return self.events + self.files + self.sheets


@dataclass(frozen=True)
class ActionsClient:
    """Talks to the action server; `open_actions` closes its HTTP session."""

    http: aiohttp.ClientSession = field(repr=False)
    base_url: str
    secret: str = field(repr=False)
    act_timeout_s: float

    async def connection(self) -> Connection:
        """Asks how the office is connected.

        Raises:
            ActionsUnavailable: no answer, or none that can be read.
        """
        return _connection(await self._call("GET", "/google", timeout_s=_LOOK_S))

    async def begin(self, names: Sequence[str], *, back: str, owner: str) -> str:
        """Returns the address of Google's page that asks for a permission.

        Args:
            names: what should be permitted.
            back: where Google sends the browser afterwards.
            owner: names the session that begins, and alone may finish.

        Raises:
            ActionsRefused: there is nothing to ask for, or nobody to ask as.
            ActionsUnavailable: no answer.
        """
        wanted = {"recursos": list(names), "retorno": back, "dono": owner}
        body = await self._call("POST", "/google/iniciar", json=wanted)
        url = _text(body.get("url"))
        if not url.startswith(("https://", "http://")):
            raise ActionsUnavailable(_UNREADABLE, retryable=True)
        return url

    async def finish(self, brought: Mapping[str, str], *, owner: str) -> None:
        """Hands over what the browser brought back from Google.

        Args:
            brought: `state`, and `code` or `error`.
            owner: names the session that brings it.

        Raises:
            ActionsRefused: it cannot be finished.
            ActionsUnavailable: no answer, or none of Google's.
        """
        await self._call("POST", "/google/concluir", json={**brought, "dono": owner})

    async def disconnect(self) -> bool:
        """Disconnects; returns whether Google confirmed.

        Raises:
            ActionsRefused: it is not ours to disconnect.
            ActionsUnavailable: no answer.
        """
        body = await self._call("POST", "/google/desconectar")
        return body.get("confirmado") is True

    async def waiting(self) -> Waiting:
        """Asks how much could be brought to Google.

        Raises:
            ActionsUnavailable: no answer, or none that can be read.
        """
        body = await self._call("GET", "/google/transferencia", timeout_s=_LOOK_S)
        return _waiting(body)

    async def transfer(self) -> Waiting:
        """Begins to bring it; returns how much was begun.

        Raises:
            ActionsUnavailable: no answer, or none that can be read.
        """
        return _waiting(await self._call("POST", "/google/transferir"))

    async def _call(
        self, method: str, path: str, *, timeout_s: float | None = None, **options: Any
    ) -> Mapping[str, Any]:
        total = timeout_s or self.act_timeout_s
        timeout = aiohttp.ClientTimeout(total=total, sock_connect=_CONNECT_S)
        try:
            async with self.http.request(
                method,
                self.base_url + path,
                timeout=timeout,
                allow_redirects=False,
                headers={_SECRET_HEADER: self.secret},
                **options,
            ) as answer:
                body = json.loads(await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ActionsUnavailable(_OUT, retryable=True) from error
        except ValueError as error:
            raise ActionsUnavailable(_UNREADABLE, retryable=True) from error
        if not isinstance(body, dict):
            raise ActionsUnavailable(_UNREADABLE, retryable=True)
        if answer.status != HTTPStatus.OK:
            raise _refusal(answer.status, body)
        return body


@contextlib.asynccontextmanager
async def open_actions(settings: Settings) -> AsyncIterator[ActionsClient]:
    """Opens the client of this process and closes it at the end."""
    async with aiohttp.ClientSession() as http:
        yield ActionsClient(
            http=http,
            base_url=settings.actions_url,
            secret=settings.actions_secret,
            act_timeout_s=2 * settings.google_timeout_s + _MARGIN_S,
        )


def _refusal(
    status: int, body: Mapping[str, Any]
) -> ActionsRefused | ActionsUnavailable:
    if status == HTTPStatus.UNAUTHORIZED:
        return ActionsUnavailable(_NOT_AUTHORIZED, retryable=False)
    error = body.get("erro")
    message = _text(error.get("mensagem")) if isinstance(error, dict) else ""
    if status == HTTPStatus.BAD_REQUEST and message:
        return ActionsRefused(message)
    return ActionsUnavailable(message or _UNREADABLE, retryable=True)


def _connection(body: Mapping[str, Any]) -> Connection:
    found, since = body.get("recursos"), body.get("desde")
    listed = found if isinstance(found, list) else []
    is_number = isinstance(since, int | float) and not isinstance(since, bool)
    link = _text(body.get("ligacao"))
    if link not in {"desligado", "conectado", "reconectar"}:
        raise ActionsUnavailable(_UNREADABLE, retryable=True)
    return Connection(
        link=link,
        is_configured=body.get("configurado") is True,
        is_robot=body.get("tipo") == "conta_de_servico",
        since=float(since) if is_number and since is not None else None,
        by=_text(body.get("por")),
        permissions=tuple(_permission(each) for each in listed),
    )


def _permission(said: Any) -> Permission:
    if not isinstance(said, dict):
        raise ActionsUnavailable(_UNREADABLE, retryable=True)
    return Permission(
        name=_text(said.get("nome")),
        title=_text(said.get("titulo")),
        purpose=_text(said.get("serve_para")),
        without=_text(said.get("sem_ele")),
        is_granted=said.get("concedido") is True,
    )


def _waiting(body: Mapping[str, Any]) -> Waiting:
    counts = {name: body.get(name, 0) for name in ("events", "files", "sheets")}
    if not all(isinstance(count, int) and count >= 0 for count in counts.values()):
        raise ActionsUnavailable(_UNREADABLE, retryable=True)
    return Waiting(**counts)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
