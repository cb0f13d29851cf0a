"""What the model chooses before it writes: one of the ways that a message may go.

The model answers in JSON of a fixed shape; the route comes first, so that what is
written after it is bound to it:

    {"rota": "conhecimento", "fontes": ["duracao-da-consulta"],
     "resposta": "A consulta dura uma hora."}
    {"rota": "agendar_consulta", "fontes": [], "resposta": ""}

Only `conhecimento` has an answer of the model's own; every other route is answered
by sentences that stand in `domain.yml`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import pydantic

from llm_fallback.errors import LlmAnswerRejected, Rejection

KNOWLEDGE = "conhecimento"
LEGAL = "pergunta_juridica"
SMALL_TALK = "conversa"
PERSON = "pessoa"
OWN_ROUTES = (KNOWLEDGE, LEGAL, SMALL_TALK, PERSON)
"""The routes beside the flows."""

ROUTED_FLOWS: dict[str, str] = {
    "agendar_consulta": "quer marcar um horário com um advogado",
    "remarcar_consulta": "quer mudar o dia ou a hora de uma consulta já marcada",
    "cancelar_consulta": "quer desmarcar uma consulta já marcada",
    "consultar_agendamento": "pergunta quando é a própria consulta",
    "relatar_caso": "conta um problema que viveu e quer que o escritório cuide dele",
    "consultar_processo": "quer saber do andamento do próprio processo",
    "consultar_honorarios": "pergunta preço ou forma de pagamento",
    "consultar_horario": "pergunta quando o escritório atende",
    "consultar_endereco": "pergunta onde fica ou como chegar",
    "consultar_areas": "pergunta se o escritório atende uma área do direito",
    "consultar_documentos": "pergunta que documentos trazer",
    "enviar_documento": "quer mandar um documento",
    "relatar_urgencia": "prisão, violência, despejo, audiência ou prazo de hoje",
    "reclamar": "reclama do atendimento",
    "consultar_privacidade": "pergunta o que é feito com os dados dela",
    "excluir_dados": "quer que apaguem os dados dela",
    "pedir_ajuda": "pergunta o que o assistente faz",
    "perguntar_identidade": "pergunta se fala com um robô",
}
"""The flows that the model may choose, with what it is told of each. All of them ask
before they change anything."""
LAWYERS_FLOWS: dict[str, str] = {
    "ver_agenda": "advogado quer ver a própria agenda",
    "criar_compromisso": "advogado quer pôr um compromisso na agenda",
    "criar_planilha": "advogado quer uma planilha nova",
    "ver_contatos_novos": "advogado pergunta quem escreveu ou espera",
    "salvar_no_drive": "advogado quer guardar um arquivo numa pasta",
    "resumir_atendimento": "advogado quer o resumo de uma conversa",
    "assumir_atendimento": "advogado quer falar no lugar do robô",
    "devolver_atendimento": "advogado devolve uma conversa ao robô",
}
"""Beside those, for lawyers alone."""

MAX_SOURCES = 3


class _Wire(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="ignore", strict=True)

    rota: str
    fontes: Annotated[list[str], pydantic.Field(max_length=20)] = []
    resposta: str = ""


@dataclass(frozen=True)
class Routed:
    """The model's choice, held to what it was offered; its text is unchecked."""

    route: str
    """A flow's intent or one of `OWN_ROUTES`."""
    sources: tuple[str, ...] = ()
    """Ids of the office's texts that it cites, each offered; at most three."""
    text: str = ""
    """What it wrote; "" on every route but `conhecimento`."""


def schema(flows: Sequence[str], sources: Sequence[str]) -> dict[str, Any]:
    """Returns the JSON schema that binds the model's answer.

    Args:
        flows: intents that may be entered.
        sources: ids of the office's texts in the prompt; without any, there is
            nothing to answer from and no route `conhecimento`.
    """
    own = OWN_ROUTES if sources else tuple(each for each in OWN_ROUTES[1:])
    ids: dict[str, Any] = {"type": "string"}
    if sources:
        ids["enum"] = list(sources)
    return {
        "type": "object",
        "properties": {
            "rota": {"type": "string", "enum": [*flows, *own]},
            "fontes": {
                "type": "array",
                "items": ids,
                "maxItems": MAX_SOURCES if sources else 0,
            },
            "resposta": {"type": "string"},
        },
        "required": ["rota", "fontes", "resposta"],
    }


def read(reply: str, *, flows: Sequence[str], sources: Sequence[str]) -> Routed:
    """Returns the model's choice.

    A server may ignore the schema (Ollama #8063, #15260), so nothing is trusted.

    Raises:
        LlmAnswerRejected: no JSON of this shape (`MALFORMED`), a route or a source
            that was not offered, or an answer without any source (`NO_SOURCE`).
    """
    try:
        wire = _Wire.model_validate_json(reply.strip())
    except (pydantic.ValidationError, RecursionError) as error:
        raise LlmAnswerRejected(Rejection.MALFORMED) from error
    if wire.rota not in {*flows, *OWN_ROUTES}:
        raise LlmAnswerRejected(Rejection.MALFORMED)
    if wire.rota != KNOWLEDGE:
        return Routed(wire.rota)
    cited = tuple(dict.fromkeys(wire.fontes))[:MAX_SOURCES]
    if not cited or not set(cited) <= set(sources):
        raise LlmAnswerRejected(Rejection.NO_SOURCE)
    return Routed(KNOWLEDGE, cited, wire.resposta)
