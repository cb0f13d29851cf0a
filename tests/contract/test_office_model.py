"""`make modelo` against the fake, and against a real server where there is one."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import ollama
import pytest

from deploy.local.model_files import (
    MODELFILE,
    NotGguf,
    read_gguf,
    read_parameters,
    read_recipe,
    with_system,
)
from deploy.local.office_model import main
from llm_fallback.hosting.hosts import OPTIONS
from llm_fallback.prompt import SYSTEM_PROMPT
from tests.fakes.fake_ollama import FakeOllama, Reply, running

NAME = "modelo-de-teste"
BASE = "mistral:7b-instruct-v0.2"


def gguf(**entries: str | int) -> bytes:
    """Returns the header of a GGUF file and a few bytes of weights."""
    data = b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries))
    for name, value in entries.items():
        key = name.replace("__", ".").encode()
        data += struct.pack("<Q", len(key)) + key
        if isinstance(value, str):
            text = value.encode()
            data += struct.pack("<IQ", 8, len(text)) + text
        else:
            data += struct.pack("<II", 4, value)
    return data + bytes(100)


MODEL_FILE = gguf(general__architecture="llama", general__type="model")
LORA_FILE = gguf(general__architecture="llama", general__type="adapter")


@dataclass
class Ran:
    """How a run of the command ended."""

    code: int
    out: str
    err: str


@dataclass
class Command:
    """The command, in a folder with files, against a fake."""

    fake: FakeOllama
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def file(self, name: str, content: bytes) -> str:
        (self.folder / name).write_bytes(content)
        return str(self.folder / name)

    async def __call__(self, *arguments: str, host: str = "") -> Ran:
        where = ["--host", host or self.fake.url, "--nome", NAME]
        code = await asyncio.to_thread(main, [*where, *arguments])
        return Ran(code, *self.capsys.readouterr())


@pytest.fixture
async def run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Command]:
    async with running(FakeOllama(["Atendo o escritório."], models=[BASE])) as fake:
        yield Command(fake, tmp_path, capsys)


# --- what is built


async def test_file_is_uploaded_and_becomes_the_model(run: Command) -> None:
    path = run.file("pesos.gguf", MODEL_FILE)

    ran = await run("--gguf", path)

    assert (ran.code, ran.err) == (0, "")
    made = run.fake.created[NAME]
    assert run.fake.blobs[made["files"]["pesos.gguf"]] == MODEL_FILE
    assert "Resposta: Atendo o escritório." in ran.out
    assert "tokens/s" in ran.out


async def test_model_is_what_the_modelfile_says(run: Command) -> None:
    await run("--base", BASE)

    made, recipe = run.fake.created[NAME], read_recipe(MODELFILE.read_text("utf-8"))
    assert made["from"] == BASE
    assert made["template"] == recipe.template
    assert made["system"] == SYSTEM_PROMPT
    assert made["parameters"] == recipe.parameters
    assert made["license"] == recipe.license


async def test_adapter_is_put_on_the_base(run: Command) -> None:
    ran = await run("--base", BASE, "--lora", run.file("lora.gguf", LORA_FILE))

    assert ran.code == 0
    made = run.fake.created[NAME]
    assert made["from"] == BASE
    assert run.fake.blobs[made["adapters"]["lora.gguf"]] == LORA_FILE


async def test_file_that_the_server_has_is_not_sent_again(run: Command) -> None:
    path = run.file("pesos.gguf", MODEL_FILE)
    await run("--gguf", path)

    ran = await run("--gguf", path)

    assert ran.code == 0
    assert run.fake.uploads == 1
    assert "já tem" in ran.out


async def test_trial_loads_the_model_as_questions_will(run: Command) -> None:
    await run("--base", BASE)

    [body] = run.fake.requests
    assert body["model"] == NAME
    assert body["options"]["num_ctx"] == OPTIONS["num_ctx"]
    assert body["keep_alive"] == -1


# --- what may fail


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "de onde vem"),
        (["--gguf", "{model}", "--base", BASE], "um só"),
        (["--gguf", "/nao/existe.gguf"], "o arquivo existe?"),
        (["--gguf", "{text}"], "não é um GGUF"),
        (["--gguf", "{cut}"], "não é um GGUF"),
        (["--gguf", "{lora}"], "é só um LoRA"),
        (["--base", BASE, "--lora", "{model}"], "não um LoRA"),
        (["--base", "nao-existe:1b"], "Confira o nome"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value) or "nothing",
)
async def test_wrong_source_is_said_in_portuguese(
    run: Command, arguments: list[str], says: str
) -> None:
    files = {
        "{model}": run.file("modelo.gguf", MODEL_FILE),
        "{lora}": run.file("lora.gguf", LORA_FILE),
        "{text}": run.file("texto.gguf", b"isto e um texto"),
        "{cut}": run.file("cortado.gguf", MODEL_FILE[:40]),
    }

    ran = await run(*(files.get(argument, argument) for argument in arguments))

    assert ran.code == 1
    assert says in ran.err
    assert NAME not in run.fake.created


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        ("write /blobs: no space left on device", "Libere espaço"),
        ("pull model manifest: file does not exist", "Confira o nome"),
        ("Get https://registry: dial tcp: no such host", "não alcança a internet"),
        ("LoRA adapters are no longer supported", "Junte o LoRA à base"),
        ("supplied file was not in GGUF format", "não é um GGUF"),
        ("algo novo", "O servidor recusou: algo novo"),
        (Reply("invalid model name", status=400), "nome do modelo não serve"),
        (Reply("no space left on device", status=500), "Libere espaço"),
    ],
    ids=lambda value: str(getattr(value, "text", value)),
)
async def test_refusal_of_the_server_comes_with_what_to_do(
    run: Command, problem: str | Reply, says: str
) -> None:
    run.fake.create_problem = problem

    ran = await run("--base", BASE)

    assert ran.code == 1
    assert says in ran.err


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (["--lora"], "llama runner process has terminated", "sobre outra base"),
        ([], "llama runner process has terminated", "O servidor recusou"),
        ([], "model requires more system memory (5.6 GiB)", "Falta memória"),
        (["--lora"], "model requires more system memory (5.6 GiB)", "Falta memória"),
    ],
    ids=["lora", "crash", "memory", "lora-memory"],
)
async def test_model_that_does_not_run_is_noticed(
    run: Command, arguments: list[str], error: str, says: str
) -> None:
    run.fake.script = [Reply(error, status=500)]
    lora = [*arguments, run.file("l.gguf", LORA_FILE)] if arguments else []

    ran = await run("--base", BASE, *lora)

    assert ran.code == 1
    assert says in ran.err


@pytest.mark.parametrize("field", ["template", "system", "parameters"])
async def test_server_that_keeps_something_else_is_noticed(
    run: Command, field: str
) -> None:
    run.fake.forgets = (field,)

    ran = await run("--base", BASE)

    assert ran.code == 1
    assert field.upper().rstrip("S") in ran.err


async def test_model_that_says_nothing_is_noticed(run: Command) -> None:
    run.fake.script = [" "]

    ran = await run("--base", BASE)

    assert ran.code == 1
    assert "não escreveu nada" in ran.err


@pytest.mark.parametrize("host", ["http://127.0.0.1:9", "http://nao-existe.invalid:1"])
async def test_server_that_is_not_there_is_said(run: Command, host: str) -> None:
    ran = await run("--base", BASE, host=host)

    assert ran.code == 1
    assert f"Nenhum Ollama responde em {host}" in ran.err


async def test_something_else_than_ollama_is_said(run: Command) -> None:
    run.fake.version_body = b"<html>nginx</html>"

    ran = await run("--base", BASE)

    assert ran.code == 1
    assert "não é o Ollama" in ran.err


# --- the files


def test_modelfile_holds_the_prompt_and_the_options() -> None:
    recipe = read_recipe(MODELFILE.read_text("utf-8"))

    assert recipe.system == SYSTEM_PROMPT
    assert {**recipe.parameters, "stop": None} == {**OPTIONS, "stop": None}
    assert recipe.parameters["stop"] == ["[INST]", "[/INST]", "</s>"]
    assert recipe.weights.endswith(".gguf")
    assert ".Messages" in recipe.template


def test_rules_are_copied_into_the_modelfile() -> None:
    text = MODELFILE.read_text("utf-8")

    changed = with_system(text, r"Outras regras: \1 \n fim.")

    assert read_recipe(changed).system == r"Outras regras: \1 \n fim."
    assert with_system(changed, SYSTEM_PROMPT) == text


def test_parameters_are_read_as_the_server_shows_them() -> None:
    shown = 'num_ctx    4096\nstop    "[INST]"\nstop    "</s>"\ntemperature    0.2'

    assert read_parameters(shown) == {
        "num_ctx": 4096,
        "temperature": 0.2,
        "stop": ["[INST]", "</s>"],
    }


def test_header_is_read(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(gguf(general__type="model", llama__blocks=32))

    assert read_gguf(tmp_path / "m.gguf") == {
        "general.type": "model",
        "llama.blocks": 32,
    }


@pytest.mark.parametrize(
    "content",
    [b"", b"GGUF", b"GGUF" + b"\xff" * 200, MODEL_FILE[:30], b"PK\x03\x04" * 50],
    ids=["empty", "magic", "huge-counts", "cut", "zip"],
)
def test_what_is_no_gguf_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.gguf").write_bytes(content)

    with pytest.raises(NotGguf):
        read_gguf(tmp_path / "m.gguf")


# --- a real server


@pytest.fixture
def real_host() -> str:
    host = os.environ.get("OLLAMA_CONTRACT_HOST", "")
    if not host:
        pytest.skip("OLLAMA_CONTRACT_HOST names no Ollama server")
    return host if "://" in host else f"http://{host}"


@pytest.fixture
def real_model(
    real_host: str, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[], str]]:
    """Builds a model there from `OLLAMA_CONTRACT_GGUF`, and returns what was said."""
    default = Path.home() / ".cache/pocketmkt/real-ollama/smollm2-135m.gguf"
    weights = Path(os.environ.get("OLLAMA_CONTRACT_GGUF", default))
    if not weights.is_file():
        pytest.skip("OLLAMA_CONTRACT_GGUF names no file")

    def build() -> str:
        where = ["--host", real_host, "--nome", NAME]
        assert main([*where, "--gguf", str(weights)]) == 0
        return capsys.readouterr().out

    yield build
    ollama.Client(real_host).delete(NAME)


def test_real_server_builds_and_answers(real_model: Callable[[], str]) -> None:
    said = real_model()

    assert "conferem com o Modelfile" in said
    assert "Resposta: " in said


def test_real_server_renders_turns_as_mistral_was_trained(
    real_model: Callable[[], str], real_host: str
) -> None:
    real_model()
    client = ollama.Client(real_host, timeout=120)
    options = {**OPTIONS, "num_predict": 1}
    turns = [
        {"role": "system", "content": "Regra."},
        {"role": "user", "content": "Um?"},
        {"role": "assistant", "content": "Dois."},
        {"role": "user", "content": "Três?"},
    ]
    text = "[INST] Regra.\n\nUm? [/INST] Dois.</s>[INST] Três? [/INST]"

    rendered = client.chat(NAME, turns, options=options)
    by_hand = client.generate(NAME, text, raw=True, options=options)

    assert rendered.prompt_eval_count == by_hand.prompt_eval_count
