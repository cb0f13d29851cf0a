"""Settings: where each comes from, what is refused, and what is never shown."""

from __future__ import annotations

import dataclasses
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.core.errors import SettingsError
from bot.core.settings import ROOT, Settings, load_settings, render_example

GENERATED = ("api_token", "actions_secret", "reference_key")


def secrets_file(folder: Path) -> Path:
    return folder / "var" / "segredos.env"


class TestWrongValues:
    def test_every_wrong_variable_is_listed_at_once(self, tmp_path):
        environ = {
            "EDGE_PORT": "70000",
            "TWILIO_TIMEOUT_S": "zero",
            "PUBLIC_BASE_URL": "ftp://escritorio.example",
            "DATABASE_URL": "mysql://escritorio:senha-secreta@servidor/banco",
            "RASA_STANDALONE": "talvez",
            "LOG_LEVEL": "FALANTE",
        }

        with pytest.raises(SettingsError) as caught:
            load_settings(environ, folder=tmp_path)

        named = {problem.split(" ")[0].rstrip(":") for problem in caught.value.problems}
        assert named == set(environ)
        assert str(caught.value) == "\n".join(caught.value.problems)

    def test_value_of_a_wrong_secret_is_not_shown(self, tmp_path):
        environ = {"DATABASE_URL": "mysql://escritorio:senha-secreta@servidor/banco"}

        with pytest.raises(SettingsError) as caught:
            load_settings(environ, folder=tmp_path)

        assert str(caught.value) == (
            "DATABASE_URL: deve começar com sqlite:/// ou postgresql://"
        )

    @pytest.mark.parametrize(
        ("name", "value", "reason"),
        [
            ("EDGE_PORT", "0", "deve estar entre 1 e 65535"),
            ("EDGE_PORT", "oito mil", "valor que não consigo ler"),
            ("API_WAIT_S", "0", "deve ser um número de segundos entre 0 e 3600"),
            ("API_WAIT_S", "nan", "deve ser um número de segundos entre 0 e 3600"),
            ("API_WAIT_S", "inf", "deve ser um número de segundos entre 0 e 3600"),
            ("TURNS_IN_PARALLEL", "0", "deve ser um número inteiro entre 1 e 1000000"),
            ("TURNS_IN_PARALLEL", "2.5", "valor que não consigo ler"),
            (
                "TWILIO_API_BASE_URL",
                "api.twilio.com",
                "deve ser um endereço http:// ou https:// sem senha",
            ),
            (
                "PUBLIC_BASE_URL",
                "https://eu:senha@bot.example",
                "deve ser um endereço http:// ou https:// sem senha",
            ),
            (
                "PUBLIC_BASE_URL",
                "https://bot.example/#rc=3",
                "deve ser só o endereço, sem '?' nem '#'",
            ),
            (
                "PUBLIC_BASE_URL",
                "https://bot.example:443x",
                "valor que não consigo ler",
            ),
            (
                "PUBLIC_BASE_URL",
                "https://bot.example:0",
                "deve ter uma porta entre 1 e 65535",
            ),
            (
                "OLLAMA_HOST",
                "gpu:11434, ftp://gpu2",
                "deve ser um endereço http:// ou https:// sem senha",
            ),
            ("RASA_STANDALONE", "2", "deve ser 1 ou 0"),
            ("LOG_LEVEL", "TUDO", "deve ser DEBUG, INFO, WARNING, ERROR"),
        ],
    )
    def test_wrong_value_is_named_with_its_reason(self, tmp_path, name, value, reason):
        with pytest.raises(SettingsError) as caught:
            load_settings({name: value}, folder=tmp_path)

        assert caught.value.problems == (f"{name} ({value!r}): {reason}",)


class TestReading:
    def test_everything_has_a_default(self, tmp_path):
        settings = load_settings({}, folder=tmp_path)

        assert settings.edge_url == "http://127.0.0.1:8000"
        assert settings.database_url == f"sqlite:///{ROOT}/var/pocketmkt.db"
        assert settings.twilio_api_base_url == "https://api.twilio.com"
        assert settings.twilio_auth_tokens == ()
        assert settings.ollama_hosts == ("http://127.0.0.1:11434",)
        assert settings.rasa_standalone is True

    def test_public_addresses_left_empty_follow_the_ports(self, tmp_path):
        environ = {"EDGE_PORT": "18000", "PANEL_PORT": "18080"}

        settings = load_settings(environ, folder=tmp_path)

        assert settings.public_base_url == "http://127.0.0.1:18000"
        assert settings.panel_base_url == "http://127.0.0.1:18080"

    def test_address_loses_its_last_slash(self, tmp_path):
        environ = {"PUBLIC_BASE_URL": " https://bot.escritorio.example/ "}

        settings = load_settings(environ, folder=tmp_path)

        assert settings.public_base_url == "https://bot.escritorio.example"

    def test_hosts_may_leave_the_scheme_out(self, tmp_path):
        settings = load_settings(
            {"OLLAMA_HOST": "gpu:11434, https://gpu2.example/"}, folder=tmp_path
        )

        assert settings.ollama_hosts == ("http://gpu:11434", "https://gpu2.example")

    def test_both_auth_tokens_count_primary_first(self, tmp_path):
        environ = {"TWILIO_AUTH_TOKEN": "um", "TWILIO_AUTH_TOKEN_SECONDARY": "dois"}

        settings = load_settings(environ, folder=tmp_path)

        assert settings.twilio_auth_tokens == ("um", "dois")

    @pytest.mark.parametrize(
        ("given", "opened"),
        [
            ("sqlite:////srv/dados.db", "sqlite:////srv/dados.db"),
            ("sqlite:///var/outro.db", f"sqlite:///{ROOT}/var/outro.db"),
            ("postgresql://u:s@db/pocket", "postgresql+psycopg2://u:s@db/pocket"),
            (
                "postgresql+psycopg2://u:s@db/pocket",
                "postgresql+psycopg2://u:s@db/pocket",
            ),
        ],
    )
    def test_database_address_is_completed(self, tmp_path, given, opened):
        settings = load_settings({"DATABASE_URL": given}, folder=tmp_path)

        assert settings.database_url == opened

    @pytest.mark.parametrize("word", ["1", "sim", "TRUE", "yes"])
    def test_switch_reads_yes(self, tmp_path, word):
        assert load_settings({"RASA_STANDALONE": word}, folder=tmp_path).rasa_standalone

    @pytest.mark.parametrize("word", ["0", "não", "nao", "False", "no"])
    def test_switch_reads_no(self, tmp_path, word):
        settings = load_settings({"RASA_STANDALONE": word}, folder=tmp_path)

        assert not settings.rasa_standalone

    def test_settings_cannot_be_changed_afterwards(self, tmp_path):
        settings = load_settings({}, folder=tmp_path)

        with pytest.raises(dataclasses.FrozenInstanceError):
            settings.edge_port = 1  # type: ignore[misc]

    def test_no_secret_is_in_the_settings_repr(self, tmp_path):
        environ = {
            "API_TOKEN": "segredo-da-api",
            "ACTIONS_SECRET": "segredo-das-acoes",
            "REFERENCE_KEY": "segredo-da-chave",
            "TWILIO_AUTH_TOKEN": "segredo-do-twilio",
            "TWILIO_AUTH_TOKEN_SECONDARY": "segredo-dois",
            "DATABASE_URL": "postgresql://u:segredo-do-banco@db/pocket",
        }

        shown = repr(load_settings(environ, folder=tmp_path))

        assert "segredo" not in shown


class TestPrecedence:
    def test_environment_beats_the_env_file(self, tmp_path):
        (tmp_path / ".env").write_text("EDGE_PORT=8001\nPANEL_PORT=8002\n")

        settings = load_settings({"EDGE_PORT": "9001"}, folder=tmp_path)

        assert (settings.edge_port, settings.panel_port) == (9001, 8002)

    def test_env_file_beats_the_generated_secret(self, tmp_path):
        generated = load_settings({}, folder=tmp_path)
        (tmp_path / ".env").write_text("API_TOKEN=escolhido\n")

        settings = load_settings({}, folder=tmp_path)

        assert settings.api_token == "escolhido"
        assert settings.actions_secret == generated.actions_secret

    def test_empty_variable_means_that_it_is_not_set(self, tmp_path):
        (tmp_path / ".env").write_text("EDGE_PORT=8001\nRASA_PORT=\n")

        settings = load_settings({"EDGE_PORT": ""}, folder=tmp_path)

        assert (settings.edge_port, settings.rasa_port) == (8001, 5005)

    def test_empty_ollama_host_turns_the_model_off(self, tmp_path):
        (tmp_path / ".env").write_text("OLLAMA_HOST=\n")

        assert load_settings({}, folder=tmp_path).ollama_hosts == ()

    def test_empty_ollama_host_of_the_environment_beats_the_env_file(self, tmp_path):
        (tmp_path / ".env").write_text("OLLAMA_HOST=http://gpu:11434\n")

        assert load_settings({"OLLAMA_HOST": ""}, folder=tmp_path).ollama_hosts == ()


class TestGeneratedSecrets:
    def test_only_the_owner_can_read_them(self, tmp_path):
        load_settings({}, folder=tmp_path)

        mode = stat.S_IMODE(secrets_file(tmp_path).stat().st_mode)
        assert mode == 0o600

    def test_they_stay_the_same_at_every_start(self, tmp_path):
        first = load_settings({}, folder=tmp_path)
        second = load_settings({}, folder=tmp_path)

        assert second == first

    def test_each_is_long_and_none_is_used_twice(self, tmp_path):
        settings = load_settings({}, folder=tmp_path)

        made = [getattr(settings, name) for name in GENERATED]
        assert len(set(made)) == len(GENERATED)
        assert min(map(len, made)) >= 40

    def test_two_installations_have_different_ones(self, tmp_path):
        one = load_settings({}, folder=tmp_path / "um")
        two = load_settings({}, folder=tmp_path / "dois")

        assert one.api_token != two.api_token

    def test_starts_at_the_same_moment_agree(self, tmp_path):
        start = threading.Barrier(8)

        def load(number: int) -> Settings:
            start.wait(10)
            return load_settings({}, folder=tmp_path / str(number // 8))

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(load, range(8 * 25)))

        assert len(set(found)) == 25

    def test_deleted_line_is_generated_again_and_the_others_stay(self, tmp_path):
        before = load_settings({}, folder=tmp_path)
        kept = [
            line
            for line in secrets_file(tmp_path).read_text().splitlines()
            if not line.startswith("API_TOKEN=")
        ]
        secrets_file(tmp_path).write_text("\n".join(kept))

        after = load_settings({}, folder=tmp_path)

        assert len(after.api_token) >= 40
        assert after.api_token != before.api_token
        assert after.actions_secret == before.actions_secret
        assert load_settings({}, folder=tmp_path) == after


class TestExample:
    def test_example_file_is_what_the_code_reads(self):
        written = (ROOT / ".env.example").read_text(encoding="utf-8")

        assert written == render_example(), (
            "run: python -m bot.core.settings > .env.example"
        )

    def test_copying_the_example_changes_nothing(self, tmp_path):
        plain = load_settings({}, folder=tmp_path)
        (tmp_path / ".env").write_text(render_example(), encoding="utf-8")

        assert load_settings({}, folder=tmp_path) == plain

    def test_example_documents_every_setting_in_portuguese(self):
        for item in dataclasses.fields(Settings):
            assert f"\n{item.metadata['name']}=" in render_example()
            assert item.metadata["doc"].endswith(".")

    def test_example_holds_no_secret(self):
        for item in dataclasses.fields(Settings):
            if item.metadata["generated"]:
                assert item.metadata["default"] == ""
