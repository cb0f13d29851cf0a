"""Turns what the edge reports into cards: state in words, since when, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import Enum

from panel.edge_client import (
    DependencyReport,
    EdgeTimeout,
    EdgeUnavailable,
    HealthReport,
)
from panel.wording import OFFICE_ZONE, duration, moment

EDGE, PANEL = "borda", "painel"
PROCESSES = (EDGE, "rasa", "acoes", PANEL)
_SERVICES = ("banco", "ollama", "twilio")


class State(str, Enum):
    """How a part is doing; the value names its icon and colour."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    UNCONFIGURED = "unconfigured"
    UNKNOWN = "unknown"


_STATES = {
    "ok": State.OK,
    "degradado": State.DEGRADED,
    "fora": State.DOWN,
    "nao_configurado": State.UNCONFIGURED,
}
WORDS = {
    State.OK: "Funcionando",
    State.DEGRADED: "Com dificuldade",
    State.DOWN: "Fora do ar",
    State.UNCONFIGURED: "Não configurado",
    State.UNKNOWN: "Sem informação",
}
_DESCRIPTIONS = {
    EDGE: ("Borda", "recebe e envia as mensagens"),
    "rasa": ("Rasa", "entende e conduz a conversa"),
    "acoes": ("Ações", "executa o que a conversa pede"),
    PANEL: ("Painel", "esta página"),
    "banco": ("Banco de dados", "guarda conversas e pedidos"),
    "ollama": ("IA (Ollama)", "responde o que as regras não sabem"),
    "twilio": ("WhatsApp (Twilio)", "leva e traz as mensagens"),
    "google": ("Google", "agenda, planilhas e pastas"),
    "whisper": ("Whisper", "transforma áudio em texto"),
}
_RESTART = (
    "Veja a última linha deste processo no terminal do make run. "
    "Para reiniciar tudo: Ctrl-C e make run."
)
_ADVICE = {
    (EDGE, State.DOWN): _RESTART,
    ("rasa", State.DOWN): (
        "Ele leva alguns segundos para começar; enquanto isso as mensagens ficam "
        f"guardadas. Se passou disso: {_RESTART[0].lower()}{_RESTART[1:]}"
    ),
    ("acoes", State.DOWN): _RESTART,
    (PANEL, State.DEGRADED): (
        "Esta página abriu, então o painel funciona: confira PANEL_PORT no .env."
    ),
    ("banco", State.DOWN): (
        "Sem ele nenhuma mensagem é aceita. Confira DATABASE_URL no .env, o espaço "
        "em disco e se o servidor do banco está ligado."
    ),
    ("ollama", State.DOWN): (
        "O robô segue só com regras e oferece uma pessoa. Confira se o servidor de "
        "OLLAMA_HOST está ligado e se o modelo de LLM_MODEL está instalado nele."
    ),
    ("ollama", State.UNCONFIGURED): (
        "O robô responde só com regras. Para ligar a IA, preencha OLLAMA_HOST no .env."
    ),
    ("twilio", State.DOWN): (
        "As respostas ficam na fila e saem quando ele voltar. Confira a internet "
        "desta máquina e status.twilio.com."
    ),
    ("twilio", State.UNCONFIGURED): (
        "Nada entra nem sai pelo WhatsApp; o simulador funciona sem ele. Para ligar, "
        "preencha TWILIO_AUTH_TOKEN no .env."
    ),
    ("google", State.DOWN): (
        "Nada se perde: o que vai para o Google está guardado e espera. Reconecte na "
        "página Google deste painel."
    ),
    ("google", State.DEGRADED): (
        "Parte das permissões falta ou o Google responde mal; veja a página Google "
        "deste painel."
    ),
    ("google", State.UNCONFIGURED): (
        "Agenda, documentos e planilhas ficam nesta máquina. Para usar o Google, veja "
        "a página Google deste painel."
    ),
    ("whisper", State.DOWN): (
        "Se ele roda nesta máquina, instale com make whisper e confira WHISPER_MODEL "
        "no .env; se em outra, confira se ela está ligada, WHISPER_URL e "
        "WHISPER_TOKEN. O motivo está no terminal do make run."
    ),
    ("whisper", State.UNCONFIGURED): (
        "Quem manda áudio é convidado a escrever. Para ouvir áudios, rode make "
        "whisper e preencha WHISPER_MODEL no .env."
    ),
}
_GENERAL_ADVICE = {
    State.DOWN: "Confira se o serviço está ligado e se o endereço no .env está certo.",
    State.DEGRADED: "Está respondendo mal; acompanhe por alguns minutos.",
}
_VITAL = frozenset({EDGE, "rasa", "acoes", "banco"})
"""Without one of these the robot answers nobody."""
_STORES_MESSAGES = frozenset({EDGE, "banco"})


@dataclass(frozen=True)
class Card:
    """One process or service on the page."""

    key: str
    name: str
    role: str
    state: State
    word: str
    detail: str
    since: str
    """As `desde 14:05`, or empty."""
    latency: str
    """As `340 ms`, or empty."""
    advice: str
    """What to do, or empty where nothing is to be done."""


@dataclass(frozen=True)
class Situation:
    """Everything that the section "Situação" shows."""

    headline: str
    state: State
    """The state that gives the headline its icon and colour."""
    processes: tuple[Card, ...]
    services: tuple[Card, ...]
    version: str
    checked_at: float
    """Seconds since 1970."""


class StateHistory:
    """Remembers since when each part is as it is, seen from this process."""

    def __init__(self, zone: tzinfo = OFFICE_ZONE) -> None:
        """Knows nothing yet; `zone` is the office's, whose clock tells the time."""
        self.zone = zone
        self._seen: dict[str, tuple[State, float]] = {}

    def since(self, key: str, state: State, *, now: float) -> float:
        """Returns when this state was first seen in a row."""
        known, began = self._seen.get(key, (None, now))
        if known is not state:
            began = now
            self._seen[key] = (state, now)
        return began


@dataclass(frozen=True)
class _Part:
    """A part of the system before it is put into words."""

    key: str
    state: State
    report: DependencyReport


def describe(
    found: HealthReport | EdgeUnavailable, *, history: StateHistory, now: float
) -> Situation:
    """Returns the cards for a report of the edge, or for its absence."""
    parts = _parts(found)
    cards = {part.key: _card(part, history=history, now=now) for part in parts}
    headline, state = _headline(found, cards=list(cards.values()))
    return Situation(
        headline=headline,
        state=state,
        processes=tuple(cards[key] for key in PROCESSES),
        services=tuple(card for key, card in cards.items() if key not in PROCESSES),
        version=found.version if isinstance(found, HealthReport) else "",
        checked_at=now,
    )


def _parts(found: HealthReport | EdgeUnavailable) -> list[_Part]:
    reports = dict(found.dependencies) if isinstance(found, HealthReport) else {}
    reports.pop(EDGE, None)
    is_edge_there = isinstance(found, HealthReport)
    missing = "" if is_edge_there else "Só a borda sabe, e ela não respondeu."
    for key in (*PROCESSES[1:], *_SERVICES):
        reports.setdefault(key, DependencyReport(state="desconhecido", detail=missing))
    panel = reports.pop(PANEL)
    parts = [_edge_part(found), _panel_part(panel)]
    order = {key: place for place, key in enumerate((*PROCESSES, *_SERVICES))}
    for key in sorted(reports, key=lambda name: (order.get(name, len(order)), name)):
        state = _STATES.get(reports[key].state, State.UNKNOWN)
        parts.append(_Part(key, state, reports[key]))
    return parts


def _edge_part(found: HealthReport | EdgeUnavailable) -> _Part:
    """The edge answered, so it runs; its `estado` sums up everything else too."""
    if isinstance(found, HealthReport):
        detail = "" if found.accepts_messages else "Não está aceitando mensagens."
        report = DependencyReport("", detail, latency_ms=found.latency_ms)
        return _Part(EDGE, State.DOWN if detail else State.OK, report)
    is_slow = isinstance(found, EdgeTimeout)
    detail = "Demorou demais para responder." if is_slow else str(found)
    return _Part(EDGE, State.DOWN, DependencyReport("", detail))


def _panel_part(said: DependencyReport) -> _Part:
    """The panel drew this page, so it works; the edge may see it otherwise."""
    if _STATES.get(said.state) is State.DOWN:
        detail = "A borda não consegue alcançar o painel."
        return _Part(PANEL, State.DEGRADED, DependencyReport("", detail))
    return _Part(PANEL, State.OK, DependencyReport("", latency_ms=said.latency_ms))


def _card(part: _Part, *, history: StateHistory, now: float) -> Card:
    name, role = _DESCRIPTIONS.get(part.key, (_readable(part.key), ""))
    seen = history.since(part.key, part.state, now=now)
    began = _seconds(part.report.since) or seen
    latency, state = part.report.latency_ms, part.state
    is_calm = state in {State.OK, State.UNCONFIGURED, State.UNKNOWN}
    is_timed = not is_calm or part.report.since is not None
    advice = _ADVICE.get((part.key, state)) or _GENERAL_ADVICE.get(state, "")
    return Card(
        key=part.key,
        name=name,
        role=role,
        state=state,
        word=WORDS[state],
        detail=_detail(part, has_advice=bool(advice)),
        since=f"desde {moment(began, now=now, zone=history.zone)}" if is_timed else "",
        latency=duration(latency) if latency is not None else "",
        advice=advice,
    )


def _detail(part: _Part, *, has_advice: bool) -> str:
    """Returns the edge's sentence where it says more than the card does."""
    is_plain = part.state is State.OK and part.key in PROCESSES
    is_repeated = part.state is State.UNCONFIGURED and has_advice
    detail = "" if is_plain or is_repeated else part.report.detail
    return detail[:1].upper() + detail[1:]


def _headline(
    found: HealthReport | EdgeUnavailable, *, cards: Sequence[Card]
) -> tuple[str, State]:
    if isinstance(found, EdgeUnavailable):
        return "A borda não responde: nenhuma mensagem entra agora.", State.DOWN
    down = [card for card in cards if card.state is State.DOWN]
    if _STORES_MESSAGES & {card.key for card in down}:
        return "As mensagens não estão sendo aceitas.", State.DOWN
    if any(card.key in _VITAL for card in down):
        names = _names(down)
        return f"Fora do ar: {names}. As mensagens ficam guardadas.", State.DOWN
    if down:
        return f"O robô atende, com falta de: {_names(down)}.", State.DEGRADED
    if found.state == "degradado" or any(_is_doubtful(card) for card in cards):
        return "O robô atende, mas há um ponto de atenção.", State.DEGRADED
    return _headline_of_working(cards)


def _is_doubtful(card: Card) -> bool:
    """Not knowing of a service is usual: some are checked only when used."""
    is_unseen = card.state is State.UNKNOWN and card.key in _VITAL
    return is_unseen or card.state is State.DEGRADED


def _headline_of_working(cards: Sequence[Card]) -> tuple[str, State]:
    unconfigured = [card for card in cards if card.state is State.UNCONFIGURED]
    if unconfigured:
        return f"O robô atende. Falta configurar: {_names(unconfigured)}.", State.OK
    return "Tudo funcionando.", State.OK


def _names(cards: Sequence[Card]) -> str:
    names = [card.name for card in cards]
    return " e ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _readable(key: str) -> str:
    words = key.replace("_", " ").strip()
    return words[:1].upper() + words[1:40]


def _seconds(since: str | float | None) -> float | None:
    if not isinstance(since, str):
        return since
    try:
        moment_read = datetime.fromisoformat(since)
    except ValueError:
        return None
    if moment_read.tzinfo is None:
        moment_read = moment_read.replace(tzinfo=UTC)
    return moment_read.timestamp()
