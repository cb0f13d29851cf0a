"""What a request offers to a model: its routes, ids, texts and the person's words.

Scripted models read it from the wire, as a real one would; they know nothing of
how the prompt is built beyond its fences and the JSON schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_FENCED = re.compile(r"<mensagem[^>]*>\s*(.*?)\s*</mensagem>", re.DOTALL)


@dataclass(frozen=True)
class Offered:
    """One request, taken apart."""

    question: str
    """The person's last message, without its fence."""
    rules: str
    """What the system messages say before the office's texts."""
    routes: tuple[str, ...]
    """What `rota` may be; empty without a schema."""
    texts: Mapping[str, str]
    """The office's texts of this prompt by id, likeliest first; "" if not found."""
    titles: Mapping[str, str]
    """What each text is about, by the same ids."""


def read_request(body: Mapping[str, Any]) -> Offered:
    """Takes the body of `/api/chat` apart; never fails."""
    messages: Sequence[Mapping[str, str]] = body.get("messages") or []
    said = [message["content"] for message in messages if message["role"] == "user"]
    rules = "\n".join(m["content"] for m in messages if m["role"] == "system")
    last = said[-1] if said else ""
    fenced = _FENCED.findall(last)
    properties = (body.get("format") or {}).get("properties", {})
    ids = properties.get("fontes", {}).get("items", {}).get("enum", [])
    told = _texts(f"{rules}\n{last}", ids)
    return Offered(
        question=fenced[-1] if fenced else last,
        rules=(rules or (said[0] if said else "")).split("<textos>\n")[0],
        routes=tuple(properties.get("rota", {}).get("enum", [])),
        texts={name: text for name, (_, text) in told.items()},
        titles={name: title for name, (title, _) in told.items()},
    )


def as_reply(route: str, sources: Sequence[str], text: str) -> str:
    """Returns the JSON that the schema asks for."""
    wire = {"rota": route, "fontes": list(sources), "resposta": text}
    return json.dumps(wire, ensure_ascii=False)


def _texts(prompt: str, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Each text stands in a tag that carries its id: `<texto id="x">Title: text</…`."""
    found = dict.fromkeys(ids, ("", ""))
    for name in ids:
        tagged = re.search(rf"id=\"{re.escape(name)}\">(.*?)</", prompt, re.DOTALL)
        if tagged:
            title, colon, text = tagged[1].partition(": ")
            found[name] = (title, text.strip()) if colon else ("", title.strip())
    return found
