"""What is taken out of a transcript, and what must never be."""

from __future__ import annotations

import math

import pytest

from actions.speech.cleaning import Cleaned, Segment, clean, compression

PROMPT = (
    "Escritório Modelo de Advocacia. Dra. Helena Modelo, Dr. Rafael Exemplo. Consulta, "
    "audiência, processo, petição, honorários, procuração."
)


def said(text: str, logprob: float = -0.2, no_speech: float = 0.05) -> Segment:
    return Segment(text, logprob, no_speech)


def cleaned(*texts: str, prompt: str = "", **measures: float) -> str:
    return clean([said(each, **measures) for each in texts], prompt=prompt).text


ORDINARY = [
    "Oi, bom dia.",
    "Sim.",
    "Obrigada.",
    "Tchau, tchau!",
    "Não, não, não, não, não foi isso que eu disse.",
    "É urgente, é urgente, é urgente!",
    "Quero marcar uma consulta com a Dra. Helena Modelo.",
    "Obrigado por me atender tão rápido, doutora.",
    "A música do vizinho, posso processar?",
    "Consulta, audiência, qualquer coisa serve.",
    "Muito, muito, muito obrigado.",
    "Meu CPF é 529.982.247-25 e o telefone é 11 98765-4321.",
    "Eu trabalhei lá de dois mil e dez a dois mil e dezoito, de segunda a sábado, de "
    "oito às oito, e nunca recebi hora extra, nem férias, nem décimo terceiro.",
    "Me inscrevi no curso e não me devolvem o dinheiro.",
    "O canal deles no YouTube usou a minha foto.",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_what_people_say_stays(text):
    assert cleaned(text, prompt=PROMPT) == text


INVENTED = [
    "Legendas pela comunidade Amara.org",
    "Legenda por Adriana Zanotto",
    "Legendas por TIAGO ANDERSON",
    "Transcrição e legendas por Pedro",
    "Inscreva-se no canal!",
    "Inscreva-se no canal e ative o sininho para receber as notificações.",
    "Não se esqueça de se inscrever no canal.",
    "Obrigado por assistir!",
    "Muito obrigada por assistir, até a próxima.",
    "Até o próximo vídeo.",
    "E até a próxima, pessoal!",
    "Deixe o seu like.",
    "www.youtube.com",
    "[Música]",
    "♪ ♪",
    "(Aplausos)",
    "[SILÊNCIO]",
    "...",
    " ",
]


@pytest.mark.parametrize("text", INVENTED)
def test_what_whisper_invents_is_dropped_however_sure_it_is(text):
    assert cleaned(text, logprob=-0.05, no_speech=0.0) == ""


@pytest.mark.parametrize("text", ["Obrigado.", "Tchau.", "E aí?", "É isso aí."])
def test_what_people_say_too_is_dropped_only_where_whisper_doubts(text):
    assert cleaned(text) == text
    assert cleaned(text, logprob=-0.7) == ""
    assert cleaned(text, no_speech=0.7) == ""


@pytest.mark.parametrize(
    "text",
    [
        "E o que é o que é o que é o que é o que é o que é o que é o que é o que é",
        "e eu vou fazer " * 12,
        "ah " * 30,
        "Eu já liguei para vocês ontem. " + "não atendem lá " * 5,
        "Não posso. Não posso. Não posso. Não posso. Não posso. Não posso.",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ],
)
def test_circles_are_dropped(text):
    assert cleaned(text) == ""


def test_long_text_is_no_circle():
    text = " ".join(
        f"No dia {day} eu fui ao banco, e no dia {day} a taxa já era outra."
        for day in range(1, 60)
    )

    assert cleaned(text) == text


def test_guess_is_dropped_and_the_sure_part_stays():
    kept = clean([said("Quero marcar."), said("Blá blá o tanque", logprob=-1.2)])

    assert kept == Cleaned("Quero marcar.", pytest.approx(math.exp(-0.2)), 1)


def test_silence_that_became_words_is_dropped():
    assert cleaned("Quero falar com ele amanhã.", no_speech=0.9) == ""
    assert cleaned("Quero falar com ele amanhã.", no_speech=0.7) != ""


def test_vocabulary_is_not_given_back():
    assert cleaned("Consulta, audiência, processo, petição.", prompt=PROMPT) == ""
    assert cleaned("Escritório Modelo de Advocacia", prompt=PROMPT) == ""
    assert cleaned("Consulta, audiência, processo, petição.") != ""
    assert cleaned("Dra. Helena Modelo.", prompt=PROMPT) == "Dra. Helena Modelo."


def test_confidence_is_weighted_by_how_long_each_part_is():
    parts = [Segment("um", -0.1, 0.0, 9.0), Segment("dois", -0.9, 0.0, 1.0)]

    assert clean(parts).confidence == pytest.approx(math.exp(-0.18))


def test_nothing_is_no_text_without_confidence():
    assert clean([]) == Cleaned("", 0.0, 0)


def test_segments_are_joined_by_one_space():
    assert cleaned("  Oi,\n bom dia. ", " Tudo  bem?") == "Oi, bom dia. Tudo bem?"


def test_compression_is_whispers_own_measure():
    assert compression("ab" * 100) > 10
    assert compression("Quero marcar uma consulta.") < 1.5
