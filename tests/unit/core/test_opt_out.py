"""Who asks for no more messages: whole messages alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.opt_out import wish_of

LEAVE = """
PARAR | pare | Sair. | SAIR!!! | "stop" | STOP | stopall | Unsubscribe | descadastrar
me descadastra | quero me descadastrar | por favor, me descadastre 🙏 | *PARAR*
não quero mais receber mensagens | nao quero receber mais msg
me tira da lista | me tirem dessa lista por favor | quero sair da lista
remover meu número | remova o meu telefone da lista | tira meu numero da sua lista
pare de me mandar mensagem | parem de enviar essas mensagens | para de mandar msg
quero parar de receber mensagens de vocês | não me mandem mais mensagens
não mande mais nada | nao me envie mais propaganda
não quero que vocês me mandem lembretes | não me mandem mais nada
cancelar inscrição | cancelar os lembretes | bom dia, não quero mais receber avisos
ＳＡＩＲ | 𝗣𝗔𝗥𝗔𝗥 | 🛑 parar 🛑 | oi, sair
"""
RETURN = """
VOLTAR | voltar! | START | quero receber de novo | quero voltar a receber
quero voltar a receber mensagens | receber lembretes novamente | podem voltar a mandar
pode mandar mensagens de novo | por favor quero receber os avisos outra vez | unstop
"""
CANCEL = "CANCELAR | cancela | cancele, por favor | Cancel | cancelar 🙏"
NEITHER = """
quero parar de pagar pensão | como faço para sair da sociedade | sair do emprego
quero sair do meu emprego, o que recebo?
meu marido quer me tirar da lista de herdeiros | quero sair da lista de espera
não quero mais receber pensão | não quero mais receber mensagens do meu ex
recebi mensagens de cobrança e quero parar isso | o banco não para de mandar mensagem
pare o processo | parar o processo | cancelar consulta | quero cancelar minha consulta
cancelar contrato | voltar ao trabalho | quero voltar para casa | start up
quero receber meus direitos de novo | excluir meus dados | remover meu nome do Serasa
me tira uma dúvida | tirar meu nome da lista de devedores | para | não | sim | oi | ok
não recebi mensagem | a empresa mandou eu parar | posso sair do país?
como faço para cancelar as mensagens do banco? | tirei meu número de lá | 🙂 | por favor
"""


def lines(block: str) -> list[str]:
    found = [part.strip() for part in block.replace("\n", "|").split("|")]
    return [part for part in found if part]


@pytest.mark.parametrize("text", lines(LEAVE))
def test_asks_for_no_more_messages(text):
    assert wish_of(text) == "sair"


@pytest.mark.parametrize("text", lines(RETURN))
def test_asks_for_messages_again(text):
    assert wish_of(text) == "voltar"


@pytest.mark.parametrize("text", lines(CANCEL))
def test_bare_cancel_is_told_apart_by_the_caller(text):
    assert wish_of(text) == "cancelar"


@pytest.mark.parametrize("text", [*lines(NEITHER), "", "   ", "oi " * 60 + "parar"])
def test_sentence_that_merely_holds_the_word_asks_for_something_else(text):
    assert wish_of(text) is None


@given(st.text(max_size=400))
def test_any_text_is_read(text):
    assert wish_of(text) in {"sair", "voltar", "cancelar", None}


@pytest.mark.parametrize("word", ["não ", "mais ", "oi ", "tira ", "me ", "a "])
def test_long_repetition_is_read_without_backtracking(word):
    assert wish_of(word * 26) is None
