"""`make modelo`: builds the office's model on an Ollama server and tries it.

    make modelo GGUF=arquivo.gguf                      the tuned model, one file
    make modelo BASE=mistral:7b-instruct-v0.2          the base alone
    make modelo BASE=… LORA=adaptador.gguf             the base with an adapter

Files are uploaded, so that the server may be another machine (OLLAMA_HOST).
Template, parameters and stops come from `llm_fallback/Modelfile`, the rules from
`llm_fallback/prompt.py`. `--modelfile` only copies the rules into the Modelfile.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import ollama

from bot.core.errors import SettingsError
from bot.core.settings import load_settings
from deploy.local.model_files import (
    MODELFILE,
    NotGguf,
    Recipe,
    read_gguf,
    read_parameters,
    read_recipe,
    with_system,
)
from llm_fallback.hosting.hosts import KEEP_ALIVE_S, OPTIONS
from llm_fallback.prompt import SYSTEM_PROMPT

QUESTION = "Olá! Em uma frase, o que você faz?"
TRIAL_TOKENS = 60
CONNECT_TIMEOUT_S = 5.0
SILENCE_S = 900.0
"""Between two signs of life: a server reads 4 GB from a slow disk in minutes."""
CHUNK_BYTES = 1 << 20

USAGE = (
    "Uso: make modelo GGUF=arquivo.gguf\n"
    "     make modelo BASE=mistral:7b-instruct-v0.2 [LORA=adaptador.gguf]\n"
    "     (OLLAMA_HOST=http://outra-maquina:11434 constrói no servidor de lá)"
)

_ADVICE: tuple[tuple[str, str], ...] = (
    ("no space left", "O disco do servidor encheu. Libere espaço lá (ollama rm "
     "apaga modelos) e repita."),
    ("adapters are no longer supported", "Este servidor Ollama não aceita mais LoRA à "
     "parte. Junte o LoRA à base (llama.cpp, llama-export-lora) e use GGUF=arquivo."),
    ("system memory", "Falta memória no servidor para este modelo. Use uma versão "
     "mais comprimida (Q4_K_M) ou uma máquina maior."),
    ("file does not exist", "O registro do Ollama não tem o modelo base. Confira o "
     "nome em BASE, por exemplo mistral:7b-instruct-v0.2."),
    ("dial tcp", "O servidor não alcança a internet para baixar a base. Baixe-a em "
     "outra máquina e use GGUF=arquivo."),
    ("not in gguf format", "O servidor diz que o arquivo não é um GGUF. Converta-o com "
     "o convert_hf_to_gguf.py do llama.cpp."),
    ("invalid file magic", "O servidor diz que o arquivo não é um GGUF. Converta-o com "
     "o convert_hf_to_gguf.py do llama.cpp."),
    ("unknown type", "O servidor diz que o arquivo não é um GGUF. Converta-o com "
     "o convert_hf_to_gguf.py do llama.cpp."),
    ("unsupported architecture", "Este servidor não conhece a arquitetura do modelo. "
     "Atualize o Ollama."),
    ("invalid model name", "O nome do modelo não serve. Confira BASE e LLM_MODEL."),
)  # fmt: skip
"""What servers say, in small letters, and what to do about it."""
_STEPS = {
    "parsing gguf": "lendo o GGUF",
    "pulling manifest": "procurando a base no registro",
    "verifying sha256 digest": "conferindo o que baixou",
    "using existing layer": "aproveitando o que já tinha",
    "creating new layer": "gravando uma camada",
    "writing manifest": "registrando o modelo",
    "success": "pronto",
}


class BuildFailed(Exception):
    """The model was not built; the message says in Portuguese what to do."""


@dataclass(frozen=True)
class Source:
    """Where the weights come from."""

    gguf: Path | None = None
    """The whole model in one file."""
    base: str = ""
    """Or a model that the server has or fetches."""
    lora: Path | None = None
    """An adapter for either."""


def main(arguments: list[str] | None = None) -> int:
    """Builds, compares and tries the model on every host; 0 if all went well."""
    options = _options(arguments)
    if options.modelfile:
        _copy_rules()
        return 0
    try:
        source = _source(options)
        hosts, name = _where(options)
        for host in hosts:
            build(host, name, source)
    except (BuildFailed, SettingsError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrompido. O que já subiu fica no servidor.", file=sys.stderr)
        return 130
    return 0


def build(host: str, name: str, source: Source) -> None:
    """Builds the model on one server, compares it with the Modelfile and tries it.

    Raises:
        BuildFailed: with what went wrong and what to do, in Portuguese.
    """
    recipe = read_recipe(MODELFILE.read_text(encoding="utf-8"))
    timeout = httpx.Timeout(SILENCE_S, connect=CONNECT_TIMEOUT_S)
    with (
        httpx.Client(base_url=host, timeout=timeout, trust_env=False) as http,
        ollama.Client(host=host, timeout=timeout, trust_env=False) as client,
    ):
        try:
            _greet(http, host)
            _create(http, client, name, source, recipe)
            _compare(http, name, recipe)
            _try(client, name, source)
        except (ConnectionError, httpx.TransportError) as error:
            raise BuildFailed(_unreachable(host, error)) from error
        except ollama.ResponseError as error:
            raise BuildFailed(_explained(error.error)) from error


def _greet(http: httpx.Client, host: str) -> None:
    answer = http.get("/api/version")
    try:
        version = answer.json()["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise BuildFailed(f"Em {host} responde algo que não é o Ollama.") from error
    print(f"Servidor: {host} (Ollama {version})")


def _create(
    http: httpx.Client,
    client: ollama.Client,
    name: str,
    source: Source,
    recipe: Recipe,
) -> None:
    files = {source.gguf.name: _upload(http, source.gguf)} if source.gguf else None
    adapters = {source.lora.name: _upload(http, source.lora)} if source.lora else None
    parts = client.create(
        name,
        from_=source.base or None,
        files=files,
        adapters=adapters,
        template=recipe.template,
        license=recipe.license,
        system=SYSTEM_PROMPT,
        parameters=recipe.parameters,
        stream=True,
    )
    screen = Screen()
    for part in parts:
        step = part.status or ""
        known = (pt for en, pt in _STEPS.items() if step.lower().startswith(en))
        text = next(known, step)
        screen.show(text, part.completed, part.total)
    screen.end()
    if step != "success":
        raise BuildFailed("O servidor parou no meio da construção. Repita.")


def _upload(http: httpx.Client, path: Path) -> str:
    """Returns the file's digest, once the server has the file."""
    screen, total = Screen(), path.stat().st_size
    with path.open("rb") as file:
        digest = hashlib.sha256()
        for done, chunk in _chunks(file):
            digest.update(chunk)
            screen.show(f"conferindo {path.name}", done, total)
        blob = f"/api/blobs/sha256:{digest.hexdigest()}"
        if http.head(blob).is_success:
            screen.end(f"{path.name}: o servidor já tem")
            return blob.rsplit("/", 1)[1]
        file.seek(0)

        def body() -> Iterator[bytes]:
            for done, chunk in _chunks(file):
                screen.show(f"enviando {path.name}", done, total)
                yield chunk

        answer = http.post(blob, content=body())
    screen.end()
    if not answer.is_success:
        raise BuildFailed(_explained(answer.text))
    return blob.rsplit("/", 1)[1]


def _chunks(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    done = 0
    while chunk := file.read(CHUNK_BYTES):
        done += len(chunk)
        yield done, chunk


def _compare(http: httpx.Client, name: str, recipe: Recipe) -> None:
    answer = http.post("/api/show", json={"model": name})
    if not answer.is_success:
        raise BuildFailed(_explained(answer.text))
    made: Mapping[str, Any] = answer.json()
    shown = read_parameters(made.get("parameters") or "")
    wrong = [
        what
        for what, wanted, found in (
            ("TEMPLATE", recipe.template, made.get("template")),
            ("SYSTEM", SYSTEM_PROMPT, made.get("system")),
            *(
                (f"PARAMETER {each}", value, shown.get(each))
                for each, value in recipe.parameters.items()
            ),
        )
        if wanted != found
    ]
    if wrong:
        raise BuildFailed(
            f"O modelo foi criado, mas o servidor guardou outra coisa em "
            f"{', '.join(wrong)}. Atualize o Ollama e repita."
        )
    print("Modelo, regras e parâmetros conferem com o Modelfile.")


def _try(client: ollama.Client, name: str, source: Source) -> None:
    print(f"Pergunta de teste: {QUESTION}")
    started = time.monotonic()
    try:
        reply = client.chat(
            name,
            [{"role": "user", "content": QUESTION}],
            options={**OPTIONS, "num_predict": TRIAL_TOKENS},
            keep_alive=KEEP_ALIVE_S,
        )
    except ollama.ResponseError as error:
        raise BuildFailed(_not_running(error.error, source)) from error
    total_s = time.monotonic() - started
    print(f"Resposta: {(reply.message.content or '').strip() or '(vazia)'}")
    load_s = (reply.load_duration or 0) / 1e9
    rate = (reply.eval_count or 0) / max((reply.eval_duration or 0) / 1e9, 1e-3)
    print(f"{total_s:.1f} s ao todo, {load_s:.1f} s carregando, {rate:.1f} tokens/s")
    if not (reply.message.content or "").strip():
        raise BuildFailed("O modelo não escreveu nada: confira os pesos.")
    print(f"Pronto: {name}. O assistente o usa sem mais nada (LLM_MODEL).")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, usage=USAGE)
    for name in ("gguf", "base", "lora", "host", "nome"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--modelfile", action="store_true")
    return parser.parse_args(arguments)


def _where(options: argparse.Namespace) -> tuple[tuple[str, ...], str]:
    if options.host and options.nome:
        return (options.host,), options.nome
    settings = load_settings()
    hosts = (options.host,) if options.host else settings.ollama_hosts
    if not hosts:
        raise BuildFailed("OLLAMA_HOST está vazio: diga em que servidor construir.")
    return hosts, options.nome or settings.llm_model


def _source(options: argparse.Namespace) -> Source:
    gguf = _file(options.gguf, adapter=False) if options.gguf else None
    if gguf and options.base:
        raise BuildFailed(f"GGUF e BASE dizem a mesma coisa: dê um só.\n{USAGE}")
    if not gguf and not options.base:
        tuned = MODELFILE.parent / read_recipe(MODELFILE.read_text("utf-8")).weights
        if not tuned.is_file():
            raise BuildFailed(f"Falta dizer de onde vem o modelo.\n{USAGE}")
        gguf = _file(str(tuned), adapter=False)
    lora = _file(options.lora, adapter=True) if options.lora else None
    return Source(gguf, options.base, lora)


def _file(given: str, *, adapter: bool) -> Path:
    path = Path(given).expanduser()
    try:
        header = read_gguf(path)
    except NotGguf as error:
        raise BuildFailed(
            f"{path.name} não é um GGUF. Converta o modelo com o convert_hf_to_gguf.py "
            "(ou convert_lora_to_gguf.py) do llama.cpp."
        ) from error
    except OSError as error:
        raise BuildFailed(f"Não consigo ler {given}: o arquivo existe?") from error
    is_adapter = header.get("general.type") == "adapter"
    if is_adapter and not adapter:
        raise BuildFailed(f"{path.name} é só um LoRA: use BASE=modelo LORA={given}.")
    if adapter and not is_adapter:
        raise BuildFailed(f"{path.name} é um modelo inteiro, não um LoRA: use GGUF=.")
    return path


def _copy_rules() -> None:
    text = MODELFILE.read_text(encoding="utf-8")
    MODELFILE.write_text(with_system(text, SYSTEM_PROMPT), encoding="utf-8")
    print(f"Regras copiadas para {MODELFILE.name}.")


def _unreachable(host: str, error: Exception) -> str:
    if isinstance(error, (httpx.ReadTimeout, httpx.WriteTimeout)):
        return f"O servidor em {host} ficou {SILENCE_S:.0f} s sem responder. Repita."
    if isinstance(
        error, (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
    ):
        return (
            f"O servidor em {host} desligou no meio. Se o disco de lá encheu, libere "
            "espaço; se ele reiniciou, repita: o que já subiu não sobe de novo."
        )
    return (
        f"Nenhum Ollama responde em {host}. Ligue-o (ollama serve) ou diga onde está: "
        "OLLAMA_HOST=http://maquina:11434. De outra máquina, ele precisa escutar na "
        "rede (OLLAMA_HOST=0.0.0.0 no servidor)."
    )


def _not_running(said: str, source: Source) -> str:
    is_load = any(each in said.lower() for each in ("runner", "load", "lora"))
    if source.lora and is_load and "memory" not in said.lower():
        return (
            "O modelo foi criado, mas não carrega. O mais provável: o LoRA foi "
            f"treinado sobre outra base. Confira com quem o treinou. (servidor: {said})"
        )
    return f"O modelo foi criado, mas não responde. {_explained(said)}"


def _explained(said: str) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        said = str(json.loads(said)["error"])
    for sign, advice in _ADVICE:
        if sign in said.lower():
            return f"{advice} (servidor: {said})"
    return f"O servidor recusou: {said.strip() or 'sem dizer por quê'}"


class Screen:
    """One line that changes on a terminal; a line every tenth elsewhere."""

    def __init__(self) -> None:
        self._last: tuple[str, int] = ("", -1)

    def show(
        self, text: str, done: int | None = None, total: int | None = None
    ) -> None:
        """Shows how far a step is; says nothing twice."""
        percent = 100 * (done or 0) // total if total else -1
        step = percent if sys.stdout.isatty() else percent // 10
        if (text, step) == self._last:
            return
        self._last = (text, step)
        shown = f"  {text}" + (f" {percent}%" if percent >= 0 else "")
        is_live = sys.stdout.isatty()
        print(f"\r{shown:<70}" if is_live else shown, end="" if is_live else "\n")
        sys.stdout.flush()

    def end(self, text: str = "") -> None:
        """Leaves the line."""
        if sys.stdout.isatty():
            print()
        if text:
            print(f"  {text}")


if __name__ == "__main__":
    sys.exit(main())
