"""The settings of all four processes, read once at start.

This is the only module that reads the environment. Order of precedence: the
process environment, then `.env`, then secrets that the first start generated
in `var/segredos.env` (mode 0600, never a value that ships with the code).
`.env.example` is written by `python -m bot.core.settings`.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values

from bot.core.errors import SettingsError
from bot.core.modes import MODES, Mode
from bot.core.speech import ENGINES

ROOT = Path(__file__).resolve().parents[2]
_GENERATED_BYTES = 32
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_TEMPLATE_SID = re.compile(r"HX[0-9a-fA-F]{32}")
_MAY_BE_EMPTY = frozenset({"OLLAMA_HOST"})
"""Settings whose empty value says something: no model at all."""


def _setting(
    name: str,
    parse: Callable[[str], Any],
    default: str,
    doc: str,
    *,
    secret: bool = False,
    generated: bool = False,
) -> Any:
    return field(
        metadata={
            "name": name,
            "parse": parse,
            "default": default,
            "doc": doc,
            "secret": secret,
            "generated": generated,
        },
        repr=not secret,
    )


def _text(value: str) -> str:
    return value.strip()


def _port(value: str) -> int:
    number = int(value)
    if not 1 <= number <= 65535:
        raise ValueError("deve estar entre 1 e 65535")
    return number


def _seconds(value: str) -> float:
    number = float(value)
    if not 0 < number <= 3600:
        raise ValueError("deve ser um número de segundos entre 0 e 3600")
    return number


def _count(value: str) -> int:
    number = int(value)
    if not 1 <= number <= 1_000_000:
        raise ValueError("deve ser um número inteiro entre 1 e 1000000")
    return number


def _share(value: str) -> float:
    number = float(value)
    if not 0 <= number <= 1:
        raise ValueError("deve ser um número entre 0 e 1")
    return number


def _days(value: str) -> int:
    number = int(value)
    if not 0 <= number <= 3650:
        raise ValueError("deve ser um número de dias entre 0 e 3650")
    return number


def _engine(value: str) -> str:
    if value.strip() not in ENGINES:
        raise ValueError(f"deve ser um destes: {', '.join(ENGINES)}")
    return value.strip()


def _device(value: str) -> str:
    if not re.fullmatch("cpu|cuda(:[0-9]{1,2})?", value.strip()):
        raise ValueError("deve ser cpu, cuda ou cuda:0, cuda:1, …")
    return value.strip()


def _url(value: str) -> str:
    value = value.strip().rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in value:
        raise ValueError("deve ser um endereço http:// ou https:// sem senha")
    if parts.query or parts.fragment:
        raise ValueError("deve ser só o endereço, sem '?' nem '#'")
    if parts.port == 0:  # reading a port that is no number raises ValueError
        raise ValueError("deve ter uma porta entre 1 e 65535")
    return value


def _url_or_empty(value: str) -> str:
    return _url(value) if value.strip() else ""


def _database_url(value: str) -> str:
    if value.startswith("sqlite:///"):
        path = Path(value[len("sqlite:///") :])
        return f"sqlite:///{path if path.is_absolute() else ROOT / path}"
    if value.startswith("postgresql://"):
        return value.replace("postgresql://", "postgresql+psycopg2://", 1)
    if value.startswith("postgresql+psycopg2://"):
        return value
    raise ValueError("deve começar com sqlite:/// ou postgresql://")


def _mode(value: str) -> Mode:
    try:
        return Mode(value.strip())
    except ValueError as error:
        known = ", ".join(each.value for each in MODES)
        raise ValueError(f"deve ser um destes: {known}") from error


def _names(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _templates(value: str) -> tuple[tuple[str, str], ...]:
    found = []
    for part in _names(value):
        name, _, sid = (piece.strip() for piece in part.partition("="))
        if not name or not _TEMPLATE_SID.fullmatch(sid):
            raise ValueError("deve ser nome=HX… (34 caracteres), separados por vírgula")
        found.append((name, sid))
    return tuple(found)


def _hosts(value: str) -> tuple[str, ...]:
    def complete(host: str) -> str:
        return _url(host if "://" in host else f"http://{host}")

    return tuple(complete(host) for host in _names(value))


def _level(value: str) -> str:
    if value.strip().upper() not in _LEVELS:
        raise ValueError(f"deve ser {', '.join(_LEVELS)}")
    return value.strip().upper()


def _switch(value: str) -> bool:
    answers = {"1": True, "sim": True, "true": True, "0": False, "nao": False}
    answers |= {"não": False, "false": False, "yes": True, "no": False, "": False}
    if value.strip().lower() not in answers:
        raise ValueError("deve ser 1 ou 0")
    return answers[value.strip().lower()]


@dataclass(frozen=True)
class Settings:
    """Every setting, parsed; immutable and passed down from the entry point."""

    edge_host: str = _setting(
        "EDGE_HOST", _text, "127.0.0.1",
        "Endereço em que a borda (webhook e API) escuta.",
    )  # fmt: skip
    edge_port: int = _setting(
        "EDGE_PORT", _port, "8000", "Porta da borda (webhook e API)."
    )
    rasa_port: int = _setting(
        "RASA_PORT", _port, "5005", "Porta do Rasa, só em 127.0.0.1."
    )
    actions_port: int = _setting(
        "ACTIONS_PORT", _port, "5055", "Porta do servidor de ações, só em 127.0.0.1."
    )
    panel_host: str = _setting(
        "PANEL_HOST", _text, "127.0.0.1", "Endereço em que o painel escuta."
    )
    panel_port: int = _setting("PANEL_PORT", _port, "8080", "Porta do painel.")
    public_base_url: str = _setting(
        "PUBLIC_BASE_URL", _url_or_empty, "",
        "Endereço público da API como o Twilio o chama, sem barra no fim; a "
        "assinatura é conferida com ele. Vazio: http://127.0.0.1 e EDGE_PORT.",
    )  # fmt: skip
    panel_base_url: str = _setting(
        "PANEL_BASE_URL", _url_or_empty, "",
        "Endereço público do painel, sem /painel no fim. "
        "Vazio: http://127.0.0.1 e PANEL_PORT.",
    )  # fmt: skip
    database_url: str = _setting(
        "DATABASE_URL", _database_url, "sqlite:///var/pocketmkt.db",
        "Banco de dados: sqlite:///arquivo (caminho relativo a esta pasta) ou "
        "postgresql://usuario:senha@servidor/banco.",
        secret=True,
    )  # fmt: skip
    api_token: str = _setting(
        "API_TOKEN", _text, "",
        "Token de /processar_atendimento (Authorization: Bearer …). "
        "Vazio: gerado no primeiro início, em var/segredos.env.",
        secret=True, generated=True,
    )  # fmt: skip
    actions_secret: str = _setting(
        "ACTIONS_SECRET", _text, "",
        "Segredo entre o Rasa e o servidor de ações. Vazio: gerado.",
        secret=True, generated=True,
    )  # fmt: skip
    reference_key: str = _setting(
        "REFERENCE_KEY", _text, "",
        "Chave com que pessoas são citadas nos registros sem aparecer o número. "
        "Vazio: gerada.",
        secret=True, generated=True,
    )  # fmt: skip
    twilio_auth_token: str = _setting(
        "TWILIO_AUTH_TOKEN", _text, "",
        "Auth token da conta Twilio; sem ele o webhook recusa tudo.",
        secret=True,
    )  # fmt: skip
    twilio_auth_token_secondary: str = _setting(
        "TWILIO_AUTH_TOKEN_SECONDARY", _text, "",
        "Segundo auth token, aceito durante a troca do primeiro.",
        secret=True,
    )  # fmt: skip
    twilio_account_sid: str = _setting(
        "TWILIO_ACCOUNT_SID", _text, "",
        "Conta Twilio (AC…). Vazio: vale a conta que assinou a mensagem.",
    )  # fmt: skip
    twilio_api_base_url: str = _setting(
        "TWILIO_API_BASE_URL", _url, "https://api.twilio.com",
        "Endereço da API do Twilio.",
    )  # fmt: skip
    twilio_timeout_s: float = _setting(
        "TWILIO_TIMEOUT_S", _seconds, "10", "Prazo de cada chamada ao Twilio, segundos."
    )
    twilio_api_key_sid: str = _setting(
        "TWILIO_API_KEY_SID", _text, "",
        "Chave de API (SK…) para chamar o Twilio no lugar do auth token. "
        "O auth token continua necessário: é com ele que o Twilio assina.",
    )  # fmt: skip
    twilio_api_key_secret: str = _setting(
        "TWILIO_API_KEY_SECRET", _text, "", "Segredo da chave de API.", secret=True
    )
    twilio_templates: tuple[tuple[str, str], ...] = _setting(
        "TWILIO_TEMPLATES", _templates, "",
        "Modelos do Twilio, como reabrir=HX…,botoes_2=HX…,lista_5=HX…: reabrir "
        "(aprovado; fora das 24 horas), botoes_1 a botoes_3 e lista_4 a lista_10 "
        "(opções para tocar). Vazio: opções em números e, fora das 24 h, uma pessoa.",
    )  # fmt: skip
    twilio_typing: bool = _setting(
        "TWILIO_TYPING", _switch, "0",
        "1: mostra “digitando…” quando a resposta demora mais de 1 segundo "
        "(recurso do Twilio em beta público; marca a mensagem como lida).",
    )  # fmt: skip
    send_grace_s: float = _setting(
        "SEND_GRACE_S", _seconds, "30",
        "Quanto esperar por notícia de um envio de que não se sabe o fim, antes de "
        "enviar de novo, segundos.",
    )  # fmt: skip
    send_pause_s: float = _setting(
        "SEND_PAUSE_S", _seconds, "0.5",
        "Pausa entre duas mensagens seguidas à mesma pessoa, segundos.",
    )  # fmt: skip
    backfill_every_s: float = _setting(
        "BACKFILL_EVERY_S", _seconds, "60",
        "De quanto em quanto tempo buscar no Twilio mensagens que não chegaram pelo "
        "webhook, segundos.",
    )  # fmt: skip
    late_after_s: float = _setting(
        "LATE_AFTER_S", _seconds, "600",
        "Depois de quanto tempo uma resposta começa com um pedido de desculpas pela "
        "demora, segundos.",
    )  # fmt: skip
    media_dir: str = _setting(
        "MEDIA_DIR", _text, "var/midia", "Pasta dos anexos recebidos."
    )
    media_max_mb: int = _setting(
        "MEDIA_MAX_MB", _count, "16",
        "Tamanho máximo de áudio, foto e vídeo recebidos, MiB.",
    )  # fmt: skip
    media_document_max_mb: int = _setting(
        "MEDIA_DOCUMENT_MAX_MB", _count, "100",
        "Tamanho máximo de documento recebido, MiB.",
    )  # fmt: skip
    media_deadline_s: float = _setting(
        "MEDIA_DEADLINE_S", _seconds, "30", "Prazo para baixar um anexo, segundos."
    )
    media_wait_s: float = _setting(
        "MEDIA_WAIT_S", _seconds, "8",
        "Quanto a resposta a um anexo espera até ele estar guardado, segundos.",
    )  # fmt: skip
    media_burst_s: float = _setting(
        "MEDIA_BURST_S", _seconds, "2.5",
        "Fotos e documentos que chegam com menos que isto entre um e outro são "
        "respondidos de uma vez, segundos.",
    )  # fmt: skip
    media_parallel: int = _setting(
        "MEDIA_PARALLEL", _count, "4", "Anexos baixados ao mesmo tempo."
    )
    media_delete_at_twilio: bool = _setting(
        "MEDIA_DELETE_AT_TWILIO", _switch, "0",
        "1: apaga o anexo no Twilio depois de guardado aqui.",
    )  # fmt: skip
    whisper_model: str = _setting(
        "WHISPER_MODEL", _text, "",
        "Modelo do Whisper que ouve os áudios nesta máquina: nome (base, small, turbo) "
        "ou caminho. Instale antes com 'make whisper'. Vazio e sem WHISPER_URL: quem "
        "manda áudio é convidado a escrever.",
    )  # fmt: skip
    whisper_engine: str = _setting(
        "WHISPER_ENGINE", _engine, "openai-whisper",
        "Quem ouve: openai-whisper ou faster-whisper.",
    )  # fmt: skip
    whisper_device: str = _setting(
        "WHISPER_DEVICE", _device, "cpu", "Onde o Whisper calcula: cpu ou cuda."
    )
    whisper_threads: int = _setting(
        "WHISPER_THREADS", _count, "2", "Núcleos que o Whisper usa."
    )
    whisper_url: str = _setting(
        "WHISPER_URL", _url_or_empty, "",
        "Endereço de um Whisper em outra máquina (como http://10.0.0.2:9000), no lugar "
        "do desta; WHISPER_MODEL é então o nome do modelo de lá.",
    )  # fmt: skip
    whisper_token: str = _setting(
        "WHISPER_TOKEN", _text, "",
        "Token que o Whisper da outra máquina pede; o mesmo valor nas duas.",
        secret=True,
    )  # fmt: skip
    whisper_host: str = _setting(
        "WHISPER_HOST", _text, "127.0.0.1",
        "Endereço em que 'make whisper-servidor' escuta, na máquina que ouve por "
        "outra. Fora de 127.0.0.1 exige WHISPER_TOKEN.",
    )  # fmt: skip
    whisper_port: int = _setting(
        "WHISPER_PORT", _port, "9000", "Porta de 'make whisper-servidor'."
    )
    whisper_deadline_s: float = _setting(
        "WHISPER_DEADLINE_S", _seconds, "120",
        "Prazo para ouvir um áudio, segundos; depois disso o processo é encerrado.",
    )  # fmt: skip
    whisper_max_s: float = _setting(
        "WHISPER_MAX_S", _seconds, "300",
        "Duração máxima de um áudio, segundos.",
    )  # fmt: skip
    whisper_workers: int = _setting(
        "WHISPER_WORKERS", _count, "1",
        "Áudios ouvidos ao mesmo tempo; cada um ocupa um modelo inteiro na memória.",
    )  # fmt: skip
    whisper_queue: int = _setting(
        "WHISPER_QUEUE", _count, "20",
        "Áudios que podem esperar a vez; quem manda outro é convidado a escrever.",
    )  # fmt: skip
    whisper_wait_s: float = _setting(
        "WHISPER_WAIT_S", _seconds, "180",
        "Quanto a resposta a um áudio espera até ele ser ouvido, segundos.",
    )  # fmt: skip
    whisper_sure: float = _setting(
        "WHISPER_SURE", _share, "0.7",
        "Confiança (0 a 1) abaixo da qual o assistente pergunta se entendeu o áudio.",
    )  # fmt: skip
    audio_keep_days: int = _setting(
        "AUDIO_KEEP_DAYS", _days, "7",
        "Dias em que o áudio fica guardado depois de recebido; o texto fica na "
        "conversa. 0: apaga assim que for ouvido.",
    )  # fmt: skip
    limit_per_minute: int = _setting(
        "LIMIT_PER_MINUTE", _count, "30",
        "Mensagens de uma pessoa respondidas por minuto; as demais esperam a vez.",
    )  # fmt: skip
    limit_per_day: int = _setting(
        "LIMIT_PER_DAY", _count, "300",
        "Mensagens de uma pessoa respondidas em 24 horas; as demais ficam guardadas "
        "para a equipe.",
    )  # fmt: skip
    limit_queue: int = _setting(
        "LIMIT_QUEUE", _count, "50",
        "Mensagens de uma pessoa à espera de resposta ao mesmo tempo; as demais "
        "ficam guardadas para a equipe.",
    )  # fmt: skip
    limit_model_per_day: int = _setting(
        "LIMIT_MODEL_PER_DAY", _count, "40",
        "Perguntas de uma pessoa ao modelo por dia; depois disso responde só o que "
        "tem regra.",
    )  # fmt: skip
    loop_exchanges: int = _setting(
        "LOOP_EXCHANGES", _count, "5",
        "Quantas vezes seguidas a mesma mensagem, em 2 minutos, é tomada por uma "
        "resposta automática.",
    )  # fmt: skip
    loop_pause_s: float = _setting(
        "LOOP_PAUSE_S", _seconds, "600",
        "Quanto o robô fica em silêncio diante de uma resposta automática, segundos.",
    )  # fmt: skip
    database_deadline_s: float = _setting(
        "DATABASE_DEADLINE_S", _seconds, "5",
        "Quanto o webhook espera pelo banco de dados antes de pedir ao Twilio que "
        "tente de novo, segundos (o Twilio espera 15).",
    )  # fmt: skip
    ollama_hosts: tuple[str, ...] = _setting(
        "OLLAMA_HOST", _hosts, "http://127.0.0.1:11434",
        "Servidores Ollama, separados por vírgula, tentados em ordem. "
        "Vazio: o assistente trabalha só com regras.",
    )  # fmt: skip
    llm_model: str = _setting(
        "LLM_MODEL", _text, "mistral-7b-instruct-v0.2-advocacia",
        "Nome do modelo no Ollama.",
    )  # fmt: skip
    llm_deadline_s: float = _setting(
        "LLM_DEADLINE_S", _seconds, "20",
        "Prazo para a resposta do modelo, segundos; depois dele a pessoa recebe "
        "uma frase honesta.",
    )  # fmt: skip
    llm_max_parallel: int = _setting(
        "LLM_MAX_PARALLEL", _count, "2", "Perguntas ao modelo ao mesmo tempo."
    )
    llm_max_waiting: int = _setting(
        "LLM_MAX_WAITING", _count, "16",
        "Perguntas à espera do modelo; acima disso a pessoa recebe a frase honesta.",
    )  # fmt: skip
    mode: Mode = _setting(  # noqa: RUF009 - a field, like the others
        "MODO", _mode, "regras_ia",
        "Quem responde, enquanto ninguém escolher outro modo: regras_ia, "
        "regras_ia_revisao (a IA só rascunha), somente_regras ou humano.",
    )  # fmt: skip
    api_wait_s: float = _setting(
        "API_WAIT_S", _seconds, "45",
        "Quanto /processar_atendimento espera pela resposta, segundos.",
    )  # fmt: skip
    turn_deadline_s: float = _setting(
        "TURN_DEADLINE_S", _seconds, "60",
        "Prazo de um turno no Rasa, segundos; depois dele é tentado de novo.",
    )  # fmt: skip
    turns_in_parallel: int = _setting(
        "TURNS_IN_PARALLEL", _count, "16",
        "Conversas atendidas lado a lado por processo do Rasa.",
    )  # fmt: skip
    office_file: str = _setting(
        "OFFICE_FILE", _text, "escritorio.yml",
        "Dados do escritório: horário, endereço, áreas, preços.",
    )  # fmt: skip
    cases_file: str = _setting(
        "CASES_FILE", _text, "var/planilhas/processos.csv",
        "Planilha de processos do escritório, em CSV (colunas numero, cliente, "
        "telefone, situacao, atualizado_em). Pode não existir.",
    )  # fmt: skip
    office_dir: str = _setting(
        "OFFICE_DIR", _text, "var/escritorio",
        "Pasta da agenda, dos documentos e das planilhas enquanto o Google não "
        "estiver conectado.",
    )  # fmt: skip
    google_client_id: str = _setting(
        "GOOGLE_CLIENT_ID", _text, "",
        "Cliente OAuth do Google (…apps.googleusercontent.com). Vazio: agenda, "
        "documentos e planilhas ficam nesta máquina.",
    )  # fmt: skip
    google_client_secret: str = _setting(
        "GOOGLE_CLIENT_SECRET", _text, "", "Segredo do cliente OAuth.", secret=True
    )
    google_service_account_file: str = _setting(
        "GOOGLE_SERVICE_ACCOUNT_FILE", _text, "",
        "Arquivo JSON de uma conta de serviço, no lugar do cliente OAuth.",
    )  # fmt: skip
    google_service_account_user: str = _setting(
        "GOOGLE_SERVICE_ACCOUNT_USER", _text, "",
        "E-mail da pessoa em nome de quem a conta de serviço age (delegação no "
        "Google Workspace). Vazio: em nome próprio.",
    )  # fmt: skip
    google_api_base_url: str = _setting(
        "GOOGLE_API_BASE_URL", _url_or_empty, "",
        "Endereço das APIs do Google. Vazio: os do próprio Google.",
    )  # fmt: skip
    google_oauth_auth_url: str = _setting(
        "GOOGLE_OAUTH_AUTH_URL", _url, "https://accounts.google.com/o/oauth2/v2/auth",
        "Página em que se autoriza o acesso ao Google.",
    )  # fmt: skip
    google_oauth_token_url: str = _setting(
        "GOOGLE_OAUTH_TOKEN_URL", _url, "https://oauth2.googleapis.com/token",
        "Endereço que troca o código por tokens do Google.",
    )  # fmt: skip
    google_oauth_revoke_url: str = _setting(
        "GOOGLE_OAUTH_REVOKE_URL", _url, "https://oauth2.googleapis.com/revoke",
        "Endereço que devolve ao Google a autorização.",
    )  # fmt: skip
    google_timeout_s: float = _setting(
        "GOOGLE_TIMEOUT_S", _seconds, "10", "Prazo de cada chamada ao Google, segundos."
    )
    token_keys: str = _setting(
        "TOKEN_KEYS", _text, "",
        "Chaves que cifram os tokens guardados no banco, separadas por vírgula; a "
        "primeira cifra, as outras só decifram. Vazio: gerada.",
        secret=True, generated=True,
    )  # fmt: skip
    rasa_standalone: bool = _setting(
        "RASA_STANDALONE", _switch, "1",
        "1: o Rasa também envia as respostas (rasa run sozinho). "
        "make run põe 0, porque a borda as envia.",
    )  # fmt: skip
    log_level: str = _setting(
        "LOG_LEVEL", _level, "INFO", "Nível dos registros: DEBUG, INFO, WARNING, ERROR."
    )

    def __post_init__(self) -> None:
        """Derives the public addresses that were left empty from the ports."""
        for name, own in (
            ("public_base_url", self.edge_url),
            ("panel_base_url", self.panel_url),
        ):
            if not getattr(self, name):
                object.__setattr__(self, name, own)

    @property
    def rasa_url(self) -> str:
        """Loopback address of the Rasa process."""
        return f"http://127.0.0.1:{self.rasa_port}"

    @property
    def edge_url(self) -> str:
        """Loopback address of the edge."""
        return f"http://127.0.0.1:{self.edge_port}"

    @property
    def actions_url(self) -> str:
        """Loopback address of the action server."""
        return f"http://127.0.0.1:{self.actions_port}"

    @property
    def panel_url(self) -> str:
        """Loopback address of the panel."""
        return f"http://127.0.0.1:{self.panel_port}"

    @property
    def twilio_auth_tokens(self) -> tuple[str, ...]:
        """The tokens that a webhook may be signed with, primary first."""
        both = (self.twilio_auth_token, self.twilio_auth_token_secondary)
        return tuple(token for token in both if token)

    @property
    def hears(self) -> bool:
        """Whether voice notes become text, here or on another host."""
        return bool(self.whisper_model or self.whisper_url)

    def template_sid(self, name: str) -> str:
        """Returns the content SID (HX…) of a template, or "" where there is none."""
        return dict(self.twilio_templates).get(name, "")


def load_settings(
    environ: Mapping[str, str] | None = None, *, folder: Path = ROOT
) -> Settings:
    """Reads and checks every setting; generates the secrets that are missing.

    Args:
        environ: the process environment; None for the real one.
        folder: where `.env` and `var/` are.

    Raises:
        SettingsError: with every wrong variable at once.
    """
    environ = os.environ if environ is None else environ
    sources: list[Mapping[str, str | None]] = [environ]
    if (folder / ".env").is_file():
        sources.append(dotenv_values(folder / ".env"))
    sources.append(_generated_secrets(folder / "var" / "segredos.env"))
    values: dict[str, Any] = {}
    problems = []
    for item in fields(Settings):
        meta = item.metadata
        raw = _first(sources, meta["name"], meta["default"])
        try:
            values[item.name] = meta["parse"](raw)
        except ValueError as error:
            shown = "" if meta["secret"] else f" ({raw!r})"
            problems.append(f"{meta['name']}{shown}: {_reason(error)}")
    if problems:
        raise SettingsError(problems)
    return Settings(**values)


def _first(sources: list[Mapping[str, str | None]], name: str, default: str) -> str:
    for source in sources:
        value = source.get(name)
        if value or (value is not None and name in _MAY_BE_EMPTY):
            return value
    return default


def _reason(error: ValueError) -> str:
    text = str(error)
    return text if text.startswith("deve") else "valor que não consigo ler"


def _generated_secrets(path: Path) -> Mapping[str, str | None]:
    names = [f.metadata["name"] for f in fields(Settings) if f.metadata["generated"]]
    if not all(map(dotenv_values(path).get, names)):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # four processes may start at once
            known = dotenv_values(path)
            missing = [name for name in names if not known.get(name)]
            file.writelines(
                f"\n{name}={secrets.token_urlsafe(_GENERATED_BYTES)}\n"
                for name in missing
            )
    return dotenv_values(path)


def render_example() -> str:
    """Returns the text of `.env.example`: every setting, documented."""
    parts = [
        "# Copie para .env e preencha o que for seu; tudo tem um valor padrão.",
        "# Escrito por: python -m bot.core.settings > .env.example",
    ]
    for item in fields(Settings):
        meta = item.metadata
        parts.append(f"\n# {meta['doc']}\n{meta['name']}={meta['default']}")
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    print(render_example(), end="")
