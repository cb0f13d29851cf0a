"""`make whisper`: what is installed, in which order, and what is remembered of it."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local import environments, installing, whisper
from deploy.local.installing import GIGABYTE, SetupError, check_space
from deploy.local.packages import wanted
from deploy.local.whisper import CPU, CUDA, FASTER_WHISPER, OPENAI_WHISPER, TORCH, Wish

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "http://127.0.0.1:9/whl/cpu"
PYTHON = """#!/bin/sh
echo "$@" >> {log}
case "$*" in
  *torch.version.cuda*) cat {folder}/built ;;
  *"import faster_whisper"*) exit $(cat {folder}/opens) ;;
  *"pip install"*) exit $(cat {folder}/installs) ;;
esac
"""


class Machine:
    """A repository with an environment whose Python only notes what it is told."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / "log"
        self.locks = root / "requirements"
        self.locks.mkdir()
        for name in ("whisper.txt", "speech.txt", "app.txt"):
            (self.locks / name).write_text("numpy==2.4.6 \\\n    --hash=sha256:0\n")
        self.tell(installs="0", opens="0", built=CPU)
        self.create()

    def create(self) -> None:
        """Makes the environment anew."""
        python = self.root / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(PYTHON.format(log=self.log, folder=self.root))
        python.chmod(0o755)

    def tell(self, **answers: str) -> None:
        """Says what the Python answers."""
        for name, answer in answers.items():
            (self.root / name).write_text(answer)

    def bring(self, engine: str, device: str = CPU, *, index: str = NOWHERE) -> None:
        whisper.bring(self.root, Wish(engine, device), cpu_index=index)

    def done(self) -> list[str]:
        """Returns what pip was told since the last time."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        quiet = (" --no-input", " --disable-pip-version-check", "-m pip ")
        for word in quiet:
            lines = [line.replace(word, "") for line in lines]
        return lines


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@contextmanager
def answering() -> Iterator[str]:
    class Index(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/whl/cpu/torch/" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/whl/cpu"
    server.shutdown()
    server.server_close()


class TestWhatIsInstalled:
    def test_faster_whisper_needs_no_torch(self, machine):
        machine.bring(FASTER_WHISPER)

        lock = machine.locks / "speech.txt"
        assert machine.done() == [
            f"install --require-hashes --no-deps -r {lock}",
            "-c import faster_whisper",
        ]

    def test_openai_whisper_gets_the_torch_for_processors(self, machine):
        with answering() as index:
            machine.bring(OPENAI_WHISPER, index=index)

        lock = machine.locks / "whisper.txt"
        assert machine.done() == [
            f"install --require-hashes --no-deps -r {lock}",
            "uninstall -y -q torch",
            f"install --extra-index-url {index} torch=={TORCH}",
            "-c import faster_whisper, whisper",
        ]

    def test_an_index_that_does_not_answer_is_done_without(self, machine, capsys):
        machine.bring(OPENAI_WHISPER)

        assert f"install torch=={TORCH}" in machine.done()
        assert "não responde" in capsys.readouterr().out

    def test_a_graphics_card_gets_the_torch_of_the_usual_index(self, machine):
        machine.tell(built=CUDA)
        with answering() as index:
            machine.bring(OPENAI_WHISPER, CUDA, index=index)

        assert f"install torch=={TORCH}" in machine.done()

    def test_a_torch_without_cuda_is_not_taken_for_one(self, machine):
        for _ in range(2):
            with pytest.raises(SetupError, match="não tem CUDA"):
                machine.bring(OPENAI_WHISPER, CUDA)
            assert f"install torch=={TORCH}" in machine.done()


class TestAgain:
    @pytest.mark.parametrize("engine", [OPENAI_WHISPER, FASTER_WHISPER])
    def test_what_is_there_is_left_alone(self, machine, engine):
        machine.bring(engine)
        machine.done()

        machine.bring(engine)

        assert machine.done() == []

    def test_a_new_lock_is_installed(self, machine):
        machine.bring(OPENAI_WHISPER)
        machine.done()
        (machine.locks / "whisper.txt").write_text("numpy==2.4.7\n")

        machine.bring(OPENAI_WHISPER)

        assert machine.done()[0].endswith("whisper.txt")

    def test_another_device_changes_only_torch(self, machine):
        machine.bring(OPENAI_WHISPER)
        machine.tell(built=CUDA)
        machine.done()

        machine.bring(OPENAI_WHISPER, CUDA)

        assert machine.done()[:2] == [
            "uninstall -y -q torch",
            f"install torch=={TORCH}",
        ]

    def test_a_new_environment_gets_it_again(self, machine):
        machine.bring(FASTER_WHISPER)
        (machine.root / ".venv").rename(machine.root / "old")
        machine.create()
        machine.done()

        whisper.keep(machine.root)

        assert machine.done()[0].endswith("speech.txt")

    def test_nobody_who_did_not_ask_gets_it(self, machine):
        whisper.keep(machine.root)

        assert machine.done() == []

    @pytest.mark.parametrize("wish", ["", "nada cpu", "openai-whisper", "a b c"])
    def test_a_wish_that_cannot_be_read_is_none(self, machine, wish):
        (machine.root / "var").mkdir()
        (machine.root / "var" / "whisper").write_text(wish)

        whisper.keep(machine.root)

        assert machine.done() == []


class TestTrouble:
    def test_an_installation_that_stops_is_repeated(self, machine):
        machine.tell(installs="1")
        with pytest.raises(SetupError, match="repita o comando"):
            machine.bring(FASTER_WHISPER)
        assert not (machine.root / "var").exists()
        machine.done()
        machine.tell(installs="0")

        machine.bring(FASTER_WHISPER)

        assert machine.done()[0].endswith("speech.txt")

    def test_what_does_not_open_is_not_taken_for_installed(self, machine):
        machine.tell(opens="1")
        with pytest.raises(SetupError, match="não abre"):
            machine.bring(OPENAI_WHISPER)
        machine.done()
        machine.tell(opens="0")

        machine.bring(OPENAI_WHISPER)

        assert machine.done()[0].endswith("whisper.txt")

    def test_a_torch_that_did_not_come_is_not_taken_for_the_old_one(self, machine):
        machine.bring(OPENAI_WHISPER)
        with pytest.raises(SetupError):
            machine.bring(OPENAI_WHISPER, CUDA)
        machine.done()

        machine.bring(OPENAI_WHISPER)

        assert f"install torch=={TORCH}" in machine.done()

    def test_nothing_is_begun_on_a_full_disk(self, machine, monkeypatch):
        monkeypatch.setitem(whisper._NEED_BYTES, (OPENAI_WHISPER, CPU), 1 << 60)

        with pytest.raises(SetupError, match="Falta espaço em disco"):
            machine.bring(OPENAI_WHISPER)
        assert machine.done() == []

    def test_an_environment_that_is_not_there_is_named(self, tmp_path):
        with pytest.raises(SetupError, match="make setup"):
            whisper.bring(tmp_path, Wish(FASTER_WHISPER, CPU))

    def test_a_full_disk_is_told_before_anything_is_fetched(self, tmp_path):
        with pytest.raises(SetupError, match=r"são precisos 1000000 GB .* há \d"):
            check_space(tmp_path, 1_000_000 * GIGABYTE)

        check_space(tmp_path, 1)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--engine", "nada"], "use openai-whisper ou faster-whisper"),
            (["--device", "gpu"], "use cpu ou cuda"),
        ],
    )
    def test_what_does_not_exist_is_answered_with_what_does(
        self, arguments, words, capsys
    ):
        assert whisper.main(arguments) == 1
        assert words in capsys.readouterr().err

    def test_setup_goes_on_without_it(self, machine, monkeypatch, capsys):
        monkeypatch.setattr(environments, "ROOT", machine.root)
        machine.bring(FASTER_WHISPER)
        for environment in (environments.APP, environments.RASA):
            folder = machine.root / environment.name
            folder.mkdir(exist_ok=True)
            lock = machine.locks / environment.requirements
            lock.write_text("")
            stamp = installing.stamp_of(folder, lock.name)
            stamp.write_text(installing.digest(lock))
        (machine.locks / "speech.txt").write_text("")
        machine.tell(installs="1")

        assert environments.main([]) == 0
        assert "make whisper" in capsys.readouterr().err


class TestTheLocks:
    def pinned(self, name: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        text = (ROOT / "requirements" / name).read_text()
        for package, version in re.findall(
            r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE
        ):
            found.setdefault(package, set()).add(version)
        return found

    @pytest.mark.parametrize("name", ["whisper.txt", "speech.txt"])
    @pytest.mark.parametrize("other", ["app.txt", "app-dev.txt", "speech.txt"])
    def test_no_lock_undoes_what_another_installed(self, name, other):
        ours, theirs = self.pinned(name), self.pinned(other)

        shared = set(ours) & set(theirs)
        assert "numpy" in self.pinned(name)
        assert {p: ours[p] for p in shared} == {p: theirs[p] for p in shared}

    def test_torch_and_its_cuda_are_no_part_of_them(self):
        for package in (*self.pinned("whisper.txt"), *self.pinned("speech.txt")):
            assert not re.match("torch|triton|nvidia|cuda", package)

    def test_both_hold_what_they_are_for(self):
        assert {"openai-whisper", "faster-whisper"} <= set(self.pinned("whisper.txt"))
        assert "faster-whisper" in self.pinned("speech.txt")


def test_the_decoder_is_one_of_the_system_packages() -> None:
    assert wanted()["ffmpeg"] == "ffmpeg"
