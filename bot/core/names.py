"""Every name that data, code, panel and API share; each stands here once.

`domain.yml`, `data/rules.yml` and the registered actions are held equal to
these by `tests/contract/test_names.py`.
"""

from __future__ import annotations

from enum import Enum


class Profile(str, Enum):
    """Who writes (`tipo_usuario`); decided by the directory of people alone."""

    CLIENT = "cliente"
    LAWYER = "advogado"
    UNKNOWN = "desconhecido"


class AnsweredBy(str, Enum):
    """Who produced the answer of a turn (`quem_respondeu`)."""

    RULE = "regra"
    FLOW = "fluxo"
    MODEL = "ia"
    PERSON = "pessoa"


CLIENT_INTENTS = (
    "saudar",
    "despedir",
    "agradecer",
    "afirmar",
    "negar",
    "interromper",
    "pedir_ajuda",
    "perguntar_identidade",
    "agendar_consulta",
    "remarcar_consulta",
    "cancelar_consulta",
    "consultar_agendamento",
    "relatar_caso",
    "consultar_processo",
    "consultar_honorarios",
    "consultar_horario",
    "consultar_endereco",
    "consultar_areas",
    "consultar_documentos",
    "enviar_documento",
    "falar_com_advogado",
    "relatar_urgencia",
    "reclamar",
    "informar_dados",
    "consultar_privacidade",
    "excluir_dados",
)
LAWYER_INTENTS = (
    "ver_agenda",
    "criar_compromisso",
    "criar_planilha",
    "ver_contatos_novos",
    "salvar_no_drive",
    "resumir_atendimento",
    "assumir_atendimento",
    "devolver_atendimento",
)
INTENTS = CLIENT_INTENTS + LAWYER_INTENTS
"""The 34 intents of the contract, in its order."""

ENTITIES = (
    "data_hora",
    "nome",
    "cpf",
    "cnpj",
    "numero_processo",
    "email",
    "telefone",
    "area_direito",
    "modalidade",
    "valor",
)
"""What is read inside a message, in the order of `domain.yml`."""
AREAS = (
    "trabalhista",
    "familia",
    "consumidor",
    "previdenciario",
    "criminal",
    "civel",
    "imobiliario",
    "tributario",
    "empresarial",
)
"""Values of `area_direito`."""
MODALITIES = ("online", "presencial")
"""Values of `modalidade`."""

NLU_FALLBACK = "nlu_fallback"
"""Rasa's own name for a message that no intent is sure of."""

FLOW_MODEL = "fallback_llm"
"""`fluxo` of a turn that the model answered."""
FLOW_KNOWLEDGE = "conhecimento"
"""`fluxo` of a turn that the office's own written answer served."""
FLOW_OUT_OF_SCOPE = "fora_de_escopo"
"""`fluxo` of a turn that nothing could answer."""

FORM_PREFIX = "form_"
"""A form is named after its flow: `form_agendar_consulta`."""

BREAKOUT_INTENTS = frozenset(
    {"interromper", "falar_com_advogado", "relatar_urgencia", "excluir_dados"}
)
"""Intents that leave a form at once and then govern the turn themselves."""


def flow_of_form(form: str) -> str:
    """Returns the flow that owns a form (`form_relatar_caso` → `relatar_caso`)."""
    return form[len(FORM_PREFIX) :] if form.startswith(FORM_PREFIX) else form
