"""What may go wrong between a question and a checked answer.

    LlmError                    a DependencyError; `response` is the utterance
    ├─ LlmUnavailable           no host could be used
    │  ├─ LlmModelMissing       the host runs, but has not this model
    │  ├─ LlmModelLoading       the host is still reading the model
    │  ├─ LlmRequestRefused     the host refused this very request
    │  ├─ LlmProtocolBroken     the host answered something that is no answer
    │  └─ LlmSuspended          every host failed lately; none was asked
    ├─ LlmTimeout               the deadline passed
    ├─ LlmBusy                  our queue or the host's is full
    └─ LlmAnswerRejected        an answer came and must not be shown

The client library raises its own errors, httpx's, pydantic's and Python's;
`translated` is the one place that turns them into these. No message holds a
word of the question or of the answer, so that all of them may be logged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import Enum
from http import HTTPStatus

import httpx
import ollama
import pydantic

from bot.core.errors import DependencyError


class LlmError(DependencyError):
    """The model gave no answer that may be shown."""

    response = "utter_ia_indisponivel"


class LlmUnavailable(LlmError):
    """No host could be used."""


class LlmModelMissing(LlmUnavailable):
    """The host runs, but has not the model that the settings name."""


class LlmModelLoading(LlmUnavailable):
    """The host is still reading the model; a moment later it may answer."""


class LlmRequestRefused(LlmUnavailable):
    """The host refused this very request; another may pass."""


class LlmSuspended(LlmUnavailable):
    """Every host failed lately, so none was asked; they are being watched."""


class LlmProtocolBroken(LlmUnavailable):
    """The host answered something that is no answer of Ollama."""


class LlmTimeout(LlmError):
    """The deadline passed before the answer was there."""


class LlmBusy(LlmError):
    """As many questions as may wait are waiting already."""


class Rejection(str, Enum):
    """Why an answer is not shown; the first check that fails names it."""

    MALFORMED = "malformed"
    """Not the JSON that was asked for."""
    NO_SOURCE = "no_source"
    """It cites nothing, or what it was not given."""
    EMPTY = "empty"
    TOO_LONG = "too_long"
    CUT_SHORT = "cut_short"
    PROMPT_TRUNCATED = "prompt_truncated"
    CHARACTERS = "characters"
    TEMPLATE_REMAINS = "template_remains"
    CODE = "code"
    LANGUAGE = "language"
    REPETITION = "repetition"
    PROMPT_ECHO = "prompt_echo"
    IDENTITY = "identity"
    PROMISE = "promise"
    OPINION = "opinion"
    LEGAL_CITATION = "legal_citation"
    FEES = "fees"
    PAYMENT = "payment"
    COMMITMENT = "commitment"
    CONFIDENTIALITY = "confidentiality"
    OFFENCE = "offence"
    UNGROUNDED = "ungrounded"
    UNSUPPORTED = "unsupported"
    """It says what the texts that it cites do not say."""
    PERSONAL_DATA = "personal_data"
    CANARY = "canary"


class LlmAnswerRejected(LlmError):
    """An answer came and must not be shown; a person should answer instead.

    Attributes:
        reason: the check that refused it.
    """

    response = "utter_ia_sem_resposta"

    def __init__(self, reason: Rejection) -> None:
        super().__init__(f"answer rejected: {reason.value}", retryable=False)
        self.reason = reason


def translated(error: Exception) -> LlmError:
    """Returns our error for one of `LIBRARY_ERRORS`, the nearest class first.

    Raises:
        TypeError: the error is none that the client library is known to raise.
    """
    for cls in type(error).__mro__:
        if cls in _TRANSLATIONS:
            return _TRANSLATIONS[cls](error)
    raise TypeError(f"unmapped library error: {type(error).__name__}") from error


def _unreachable(error: Exception) -> LlmError:
    return LlmUnavailable(f"host failed: {type(error).__name__}", retryable=True)


def _too_slow(error: Exception) -> LlmError:
    return LlmTimeout(f"host too slow: {type(error).__name__}", retryable=True)


def _broken(error: Exception) -> LlmError:
    return LlmProtocolBroken(f"no answer: {type(error).__name__}", retryable=True)


def _refused_by_client(error: Exception) -> LlmError:
    return LlmUnavailable(
        f"request impossible: {type(error).__name__}", retryable=False
    )


def _by_status(error: Exception) -> LlmError:
    status = getattr(error, "status_code", -1)
    if status == HTTPStatus.NOT_FOUND:
        return LlmModelMissing("model not found on the host", retryable=False)
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        return LlmBusy("the host's queue is full", retryable=True)
    if status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT}:
        return LlmTimeout(f"host answered {status}", retryable=True)
    if "loading model" in str(
        getattr(error, "error", "")
    ):  # after a load whose client went away
        return LlmModelLoading(f"host answered {status}: loading", retryable=True)
    return _refused(status)


def _refused(status: int) -> LlmError:
    is_about_us = status in {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
    }
    is_ours = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    if is_ours and not is_about_us:
        return LlmRequestRefused(f"host answered {status}", retryable=False)
    return LlmUnavailable(f"host answered {status}", retryable=not is_ours)


_TRANSLATIONS: Mapping[type[BaseException], Callable[[Exception], LlmError]] = {
    # Nobody there, or gone in the middle of the answer.
    OSError: _unreachable,  # ConnectionError of a call that is not streamed
    httpx.TransportError: _unreachable,
    httpx.ConnectTimeout: _unreachable,  # black-holed, not slow: try the next host
    # There, but slow.
    TimeoutError: _too_slow,
    httpx.TimeoutException: _too_slow,
    # There, and answered with an error or with something else than an answer.
    ollama.ResponseError: _by_status,
    httpx.HTTPStatusError: _broken,
    httpx.TooManyRedirects: _broken,
    httpx.RemoteProtocolError: _broken,
    httpx.DecodingError: _broken,
    httpx.StreamError: _broken,
    pydantic.ValidationError: _broken,
    json.JSONDecodeError: _broken,
    UnicodeDecodeError: _broken,
    RecursionError: _broken,  # JSON nested past Python's limit
    # JSON that is a list, a number or null: the client unpacks it unseen
    # (`ChatResponse(**body)`, `json.loads(body).get("error")`).
    TypeError: _broken,
    AttributeError: _broken,
    ValueError: _broken,  # a number of more digits than Python reads
    # The request cannot be made at all.
    ollama.RequestError: _refused_by_client,
    httpx.InvalidURL: _refused_by_client,
    httpx.UnsupportedProtocol: _refused_by_client,
    httpx.LocalProtocolError: _refused_by_client,
    httpx.CookieConflict: _refused_by_client,
}

LIBRARY_ERRORS: tuple[type[Exception], ...] = tuple(
    cls for cls in _TRANSLATIONS if issubclass(cls, Exception)
)
"""Everything that a call of the client may raise; catch exactly these."""
