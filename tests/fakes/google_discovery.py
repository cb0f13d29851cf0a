"""Google's own description of its APIs: paths, scopes, parameters, field masks.

The documents ship inside `googleapiclient`, so the fake knows no path or scope that
Google does not.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import googleapiclient

from tests.fakes.google_faults import Problem

VERSIONS = {"calendar": "v3", "drive": "v3", "sheets": "v4"}
_DOCUMENTS = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"


@dataclass(frozen=True)
class Method:
    """One method of an API."""

    id: str
    """`calendar.events.insert`"""
    api: str
    http: str
    pattern: re.Pattern[str]
    scopes: frozenset[str]
    parameters: Mapping[str, Any]
    response: str
    """Name of the answer's schema, or ""."""
    weight: int
    """Literal characters of its path; the heaviest match wins."""


@dataclass
class Call:
    """An authenticated call of one method."""

    method: Method
    path: dict[str, str]
    query: dict[str, list[str]]
    body: Any
    """Parsed JSON; {} without a body."""
    owner: str
    """E-mail of the account that the token acts for."""
    client_id: str
    scopes: frozenset[str]
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    """The raw body."""
    base_url: str = ""

    def get(self, name: str, default: str = "") -> str:
        """Returns a query parameter."""
        return self.query.get(name, [default])[-1]

    def flag(self, name: str, default: bool = False) -> bool:
        """Returns a query parameter that is `true` or `false`."""
        return self.get(name, "true" if default else "false").lower() == "true"

    def number(self, name: str, default: int) -> int:
        """Returns a query parameter that is a number."""
        return int(self.get(name, str(default)))

    def holds_only(self, *names: str) -> bool:
        """Returns whether of the method's scopes the token has none but these."""
        usable = self.scopes & self.method.scopes
        return all(scope.rsplit("/", 1)[1] in names for scope in usable)


@functools.cache
def document(api: str) -> dict[str, Any]:
    """Returns an API's discovery document."""
    path = _DOCUMENTS / f"{api}.{VERSIONS[api]}.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def served_document(api: str, url: str) -> dict[str, Any]:
    """Returns the document of an API that is served at another root."""
    return document(api) | {
        "rootUrl": f"{url}/",
        "baseUrl": f"{url}/{document(api)['servicePath']}",
    }


def find(http: str, path: str) -> tuple[Method, dict[str, str]] | None:
    """Returns the method that a raw path means, and the path's parameters.

    The service's own path (`/calendar/v3`) may be left out, as the client does when
    `api_endpoint` is a bare host.
    """
    for method in _methods():
        if method.http == http and (found := method.pattern.fullmatch(path)):
            named = found.groupdict()
            return method, {name: unquote(value) for name, value in named.items()}
    return None


@functools.cache
def _methods() -> tuple[Method, ...]:
    every = [method for api in VERSIONS for method in _methods_of(api)]
    return tuple(sorted(every, key=lambda method: -method.weight))


def _methods_of(api: str) -> Iterator[Method]:
    doc = document(api)
    service = re.escape(doc["servicePath"])
    for raw in _walk(doc["resources"]):
        path = raw.get("flatPath", raw["path"])
        pieces = re.split(r"\{(\w+)\}", path)
        literal = [re.escape(piece) for piece in pieces]
        literal[1::2] = [f"(?P<{name}>[^/]+)" for name in pieces[1::2]]
        roots = rf"/(?:(?:resumable/)?upload/{service}|{service})?"
        yield Method(
            id=raw["id"],
            api=api,
            http=raw["httpMethod"],
            pattern=re.compile(roots + "".join(literal)),
            scopes=frozenset(raw.get("scopes", ())),
            parameters=raw.get("parameters", {}),
            response=raw.get("response", {}).get("$ref", ""),
            weight=sum(map(len, pieces[::2])),
        )


def _walk(resources: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for resource in resources.values():
        yield from resource.get("methods", {}).values()
        yield from _walk(resource.get("resources", {}))


def check_query(method: Method, query: Mapping[str, list[str]]) -> None:
    """Refuses values that the document does not allow, and what is left out."""
    for name, described in method.parameters.items():
        if described.get("location") != "query":
            continue
        if described.get("required") and name not in query:
            raise Problem(400, "required", f"Required parameter: {name}", location=name)
        for value in query.get(name, []):
            if not _is_allowed(described, value):
                message = f"Invalid value for: {value}"
                raise Problem(400, "invalidParameter", message, location=name)


def _is_allowed(described: Mapping[str, Any], value: str) -> bool:
    if described.get("type") == "integer":
        lowest = int(described.get("minimum", -(2**31)))
        highest = int(described.get("maximum", 2**31))
        is_number = re.fullmatch(r"-?\d+", value) is not None
        return is_number and lowest <= int(value) <= highest
    if described.get("type") == "boolean":
        return value.lower() in {"true", "false"}
    return value in described.get("enum", [value])


def check_body(api: str, ref: str, body: Any, where: str = "") -> None:
    """Refuses fields that a schema of Sheets does not have."""
    properties = document(api)["schemas"][ref].get("properties")
    if properties is None or not isinstance(body, dict):
        return
    for name, value in body.items():
        if name not in properties:
            at = f" at '{where}'" if where else ""
            message = f'Unknown name "{name}"{at}: Cannot find field.'
            summary = f"Invalid JSON payload received. {message}"
            raise Problem(400, "badRequest", message, summary=summary)
        inner = properties[name]
        nested = inner.get("$ref") or inner.get("items", {}).get("$ref")
        below = f"{where}.{name}".lstrip(".")
        for index, each in enumerate(value if isinstance(value, list) else [value]):
            if nested:
                at = f"{below}[{index}]" if isinstance(value, list) else below
                check_body(api, nested, each, at)


def request_schema(method: Method) -> str:
    """Returns the name of the schema of a method's body, or ""."""
    for raw in _walk(document(method.api)["resources"]):
        if raw["id"] == method.id:
            return str(raw.get("request", {}).get("$ref", ""))
    return ""


Mask = dict[str, "Mask"]


def masked(method: Method, answer: Any, fields: str) -> Any:
    """Returns the part of an answer that `fields` asks for."""
    mask = _parse_mask(fields)
    _check_mask(document(method.api)["schemas"], method.response, mask, fields)
    return _pick(answer, mask)


def _parse_mask(fields: str) -> Mask:
    tokens = re.findall(r"[\w*-]+|[(),/]", fields)
    mask, rest = _mask_of(tokens)
    if rest or "".join(tokens) != re.sub(r"\s", "", fields):
        raise _bad_mask(fields)
    return mask


def _mask_of(tokens: list[str]) -> tuple[Mask, list[str]]:
    mask: Mask = {}
    while tokens and tokens[0] != ")":
        name, tokens = tokens[0], tokens[1:]
        spot = mask.setdefault(name, {})
        while tokens[:1] == ["/"] and len(tokens) > 1:
            spot, tokens = spot.setdefault(tokens[1], {}), tokens[2:]
        if tokens[:1] == ["("]:
            inner, tokens = _mask_of(tokens[1:])
            spot.update(inner)
            tokens = tokens[1:]
        tokens = tokens[1:] if tokens[:1] == [","] else tokens
    return mask, tokens


def _check_mask(schemas: Mapping[str, Any], ref: str, mask: Mask, fields: str) -> None:
    properties = schemas.get(ref, {}).get("properties")
    for name, inner in mask.items():
        if properties is None or name == "*":
            continue
        if name not in properties:
            raise _bad_mask(name)
        described = properties[name]
        nested = described.get("$ref") or described.get("items", {}).get("$ref", "")
        _check_mask(schemas, nested, inner, fields)


def _bad_mask(selection: str) -> Problem:
    message = f"Invalid field selection {selection}"
    return Problem(400, "invalidParameter", message, location="fields")


def _pick(value: Any, mask: Mask) -> Any:
    if not mask:
        return value
    if isinstance(value, list):
        return [_pick(each, mask) for each in value]
    if not isinstance(value, dict):
        return value
    if "*" in mask:
        return {name: _pick(each, mask["*"]) for name, each in value.items()}
    return {
        name: _pick(value[name], inner) for name, inner in mask.items() if name in value
    }
