"""What `make test-conversas` makes of Rasa's report on the test conversations."""

from __future__ import annotations

from deploy.local.conversations import Failure, described, failures_in, summary

FILE = "tests/conversas/05_perguntas_no_meio.yml"
DUMP = f"""\
version: "3.1"
stories:
- story: marca a consulta (e pergunta no meio) ({FILE})
  steps:
  - intent: agendar_consulta
  - action: form_agendar_consulta
  - active_loop: form_agendar_consulta
  - intent: consultar_horario
  - action: utter_consultar_endereco  # predicted: utter_consultar_horario
  - action: form_agendar_consulta  # predicted: action_default_fallback
- story: outra conversa ({FILE})
  steps:
  - intent: saudar
  - action: utter_saudar
  - action: action_listen  # predicted: circuit breaker tripped
"""


def test_first_wrong_step_of_each_story_is_told():
    assert failures_in(DUMP) == [
        Failure(
            story="marca a consulta (e pergunta no meio)",
            file=FILE,
            intent="consultar_horario",
            expected="utter_consultar_endereco",
            predicted="utter_consultar_horario",
        ),
        Failure(
            story="outra conversa",
            file=FILE,
            intent="saudar",
            expected="action_listen",
            predicted="circuit breaker tripped",
        ),
    ]


def test_report_without_failures_tells_none():
    assert failures_in("# None of the test stories failed - all good!") == []


def test_failure_names_the_story_and_both_steps():
    (line, _) = described(failures_in(DUMP))

    assert line == (
        f"{FILE}: marca a consulta (e pergunta no meio)\n"
        "  depois de consultar_horario: esperava utter_consultar_endereco, "
        "o assistente faria utter_consultar_horario"
    )


def test_summary_counts_the_conversations():
    assert summary(38, 38) == "38 conversas, nenhum erro."


def test_summary_says_that_a_conversation_was_left_out():
    assert summary(38, 37).startswith("38 conversas em tests/conversas, mas só 37")
