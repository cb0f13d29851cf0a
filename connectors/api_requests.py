"""What a request to the office's API says: JSON, or a form with a file.

Reading it changes nothing and touches no disk.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sanic.headers import parse_content_header
from sanic.request import Request, parse_multipart_form

from bot.body import read_body
from bot.core.api_limits import MIB, UPLOAD_DEADLINE_S
from bot.core.errors import UserInputError
from bot.core.phones import parse_phone
from bot.core.texts import clean

MAX_BODY_BYTES = 64 * 1024
"""Of everything that is no sound."""
MAX_TEXT_CHARS = 4096
MAX_NAME_CHARS = 200
_LONGEST_PHONE = 40
_JSON, _FORM = "application/json", "multipart/form-data"
_LONGEST_BOUNDARY = 70
_MOST_PARTS = 20
_DATA_URL = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_EXAMPLE = '{"telefone": "+5511987654321", "mensagem": "oi"}'


class RefusedRequest(UserInputError):
    """A request that is answered with a 4xx; `status` is which."""

    def __init__(self, message: str, *, status: int, field: str = "") -> None:
        super().__init__(message, field=field)
        self.status = status


@dataclass(frozen=True)
class Asked:
    """Somebody writes, or speaks: either has words here or sound."""

    phone: str
    """E.164."""
    name: str
    text: str
    """"" where it is sound."""
    audio: bytes | None = None
    """None where it is words."""
    file_name: str = ""
    """As the caller named the sound."""


async def read_request(request: Request, *, max_audio_bytes: int) -> Asked:
    """Returns what a request says.

    Example:
        {"telefone": "+5511987654321", "mensagem": "vocês abrem sábado?"}
        {"telefone": "+5511987654321", "audio": "T2dnUwACAAAAAAAA…"}

    Args:
        request: its body still on its way.
        max_audio_bytes: how many bytes of sound it may bring.

    Raises:
        RefusedRequest: too large, too slow, or of another type.
        UserInputError: a field is missing or wrong; `field` names it.
    """
    content_type, parameters = parse_content_header(
        request.headers.get("content-type", "")
    )
    is_form = content_type.lower() == _FORM
    if not is_form and content_type.lower() != _JSON:
        raise RefusedRequest(
            "Envie JSON, com Content-Type: application/json, ou um arquivo de áudio, "
            "com multipart/form-data.",
            status=415,
            field="Content-Type",
        )
    # as base64 a third more, and line ends
    longest = max_audio_bytes if is_form else max_audio_bytes * 3 // 2
    body = await _body(request, longest=longest + MAX_BODY_BYTES)
    if body is None:
        raise too_large(max_audio_bytes)

    def read() -> Asked:
        if is_form:
            boundary = str(parameters.get("boundary", ""))
            return _from_form(body, boundary, max_audio_bytes)
        return _from_json(body, max_audio_bytes)

    return read() if len(body) <= MAX_BODY_BYTES else await asyncio.to_thread(read)


def too_large(max_audio_bytes: int) -> RefusedRequest:
    """Returns the refusal of a sound that has too many bytes."""
    return RefusedRequest(
        f"O áudio é grande demais: o máximo é {max_audio_bytes // MIB} MB. Envie um "
        "mais curto, ou divida em partes.",
        status=413,
        field="audio",
    )


async def _body(request: Request, *, longest: int) -> bytes | None:
    chunks: Any = request.stream  # its protocol does not say that it is iterable
    reading = read_body(chunks, longest=longest)
    try:
        return await asyncio.wait_for(reading, UPLOAD_DEADLINE_S)
    except asyncio.TimeoutError as error:
        raise RefusedRequest(
            "O pedido demorou demais para chegar inteiro. Tente de novo.", status=408
        ) from error


def _from_json(body: bytes, max_audio_bytes: int) -> Asked:
    try:
        said = json.loads(body.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise RefusedRequest(
            f"JSON inválido. Exemplo: {_EXAMPLE}.", status=400
        ) from error
    if not isinstance(said, dict):
        raise RefusedRequest("O JSON deve ser um objeto.", status=400)
    audio = said.get("audio")
    if audio is None:
        return _written(said, len(body))
    if not isinstance(audio, str):
        raise UserInputError(
            "O campo audio deve ser um texto em base64.", field="audio"
        )
    return _spoken(said, _decoded(audio), "", max_audio_bytes)


def _from_form(body: bytes, boundary: str, max_audio_bytes: int) -> Asked:
    mark = boundary.encode("utf-8", "ignore")
    parts = body.count(mark) if mark else 0
    if not 0 < len(mark) <= _LONGEST_BOUNDARY or not 0 < parts <= _MOST_PARTS:
        raise RefusedRequest(
            "O corpo não é o formulário que o Content-Type diz. Deixe o seu programa "
            "escrever o Content-Type: multipart/form-data com o boundary.",
            status=415,
            field="Content-Type",
        )
    try:
        fields, files = parse_multipart_form(body, mark)  # type: ignore[no-untyped-call]
    except (ValueError, LookupError) as error:
        raise RefusedRequest(
            "Não consegui ler o formulário. Envie telefone e, como arquivo, audio.",
            status=400,
        ) from error
    said = {name: fields.get(name) for name in ("telefone", "mensagem", "nome")}
    if fields.get("audio") is not None:
        raise UserInputError(
            "No formulário, envie audio como arquivo (com curl: -F audio=@nota.ogg).",
            field="audio",
        )
    file = files.get("audio")
    if file is None or not (file.name or file.body):  # no file was chosen
        return _written(said, len(body))
    return _spoken(said, file.body, file.name, max_audio_bytes)


def _written(said: Mapping[str, Any], size_bytes: int) -> Asked:
    if size_bytes > MAX_BODY_BYTES:
        raise RefusedRequest(
            "Pedido grande demais: a mensagem tem no máximo 4096 caracteres.",
            status=413,
            field="mensagem",
        )
    phone = _phone(said)
    if said.get("mensagem") is None:
        raise UserInputError(
            "Falta o campo mensagem, ou audio no lugar dele.", field="mensagem"
        )
    text = _text(said, "mensagem", longest=MAX_TEXT_CHARS)
    return Asked(phone, _name(said), text)


def _spoken(
    said: Mapping[str, Any], audio: bytes, file_name: str, max_audio_bytes: int
) -> Asked:
    phone = _phone(said)
    if said.get("mensagem") not in {None, ""}:
        raise UserInputError(
            "Envie mensagem ou audio, um de cada vez: são duas mensagens.",
            field="audio",
        )
    if not audio:
        raise UserInputError("O áudio está vazio. Grave de novo.", field="audio")
    if len(audio) > max_audio_bytes:
        raise too_large(max_audio_bytes)
    return Asked(phone, _name(said), "", audio, file_name)


def _decoded(audio: str) -> bytes:
    """Returns what base64 says; line ends and the beginning of a data: URL are fine."""
    begun = _DATA_URL.match(audio)
    plain = "".join(audio[begun.end() if begun else 0 :].split())
    try:
        return base64.b64decode(plain, validate=True)
    except ValueError as error:
        raise UserInputError(
            "O campo audio não está em base64. Use o alfabeto padrão (com + e /), "
            "com o = do fim.",
            field="audio",
        ) from error


def _phone(said: Mapping[str, Any]) -> str:
    return parse_phone(_text(said, "telefone", longest=_LONGEST_PHONE))


def _name(said: Mapping[str, Any]) -> str:
    return _text(said, "nome", longest=MAX_NAME_CHARS, is_required=False)


def _text(
    said: Mapping[str, Any], field: str, *, longest: int, is_required: bool = True
) -> str:
    value = said.get(field)
    if value is None and not is_required:
        return ""
    if value is None:
        raise UserInputError(f"Falta o campo {field}.", field=field)
    if not isinstance(value, str):
        raise UserInputError(f"O campo {field} deve ser um texto.", field=field)
    if len(value) > longest:
        raise UserInputError(
            f"O campo {field} tem no máximo {longest} caracteres.", field=field
        )
    cleaned = clean(value).strip()
    if not cleaned and is_required:
        raise UserInputError(f"O campo {field} está vazio.", field=field)
    return cleaned
