"""The sentences of a front desk that need no source, since they claim nothing.

A greeting, thanks, an offer of a person or of a consultation, "um advogado da equipe
avalia isso", "isso eu não sei": whole sentences only, word for word, so that nothing
can be smuggled in between. Patterns are over words alone: folded, "é" as "eh",
without punctuation.
"""

from __future__ import annotations

import re

_SOMEBODY = (
    r"(?:alguem|uma pessoa|um advogado|uma advogada|a equipe|a nossa equipe)"
    r"(?: da (?:nossa )?equipe| do (?:nosso )?escritorio| com um advogado)*"
)
_LAWYER = (
    r"(?:um advogado|uma advogada|um dos advogados|um dos nossos advogados|o advogado)"
    r"(?: da (?:nossa )?equipe| do (?:nosso )?escritorio)?"
)
_MATTER = (
    r"(?:isso|ele|o caso|o seu caso|seu caso|cada caso|a situacao|a sua situacao"
    r"|sua situacao|essa duvida|essa questao|essa pergunta|sua duvida|sua pergunta"
    r"|a sua duvida|a sua pergunta|esse assunto|sobre isso|esse ponto)"
)
_APPOINTMENT = (
    r"(?:uma consulta|um horario|uma conversa)"
    r"(?: com (?:um advogado|uma advogada|a equipe))?(?: da (?:nossa )?equipe"
    r"| do (?:nosso )?escritorio)?"
)
_WOULD = (
    r"(?:quer|gostaria|deseja|prefere|voce quer|voce gostaria|voce prefere)(?: de)?"
)
_HERE = r"(?: por aqui| aqui| neste canal| nesta conversa| por este canal| ainda)?"
_IF_YOU = (
    r"(?:se (?:voce )?(?:quiser|preferir|precisar|desejar)"
    r"(?: (?:de )?(?:algo|mais alguma coisa|alguma coisa|ajuda))?|caso queira"
    r"|caso (?:voce )?prefira)"
)
_NAME = r"(?:pessoa|voce)"
"""What stands for a masked name, see `masking`."""
_PATTERNS = rf"""
(?:ola|oi|bom dia|boa tarde|boa noite)(?: (?:{_NAME}|tudo bem|bom dia|boa tarde
    |boa noite))*
tudo (?:bem|bom)(?: com voce)?
{_NAME}
(?:muito )?obrigad[oa](?: (?:{_NAME}|pel[oa] (?:sua )?(?:mensagem|pergunta|contato)
    |pelo seu contato|por (?:perguntar|avisar|escrever|entrar em contato)))?
agradecemos (?:o|o seu|pelo|seu) contato
(?:por|de) nada
disponha
ate (?:logo|mais|breve)
tchau
um abraco
(?:fico|ficamos|estou|estamos) a (?:sua )?disposicao(?: (?:para ajudar|{_NAME}))?
sinto muito(?: (?:pelo que (?:voce )?estah passando|pelo ocorrido|por isso|{_NAME}))?
(?:lamento|sentimos muito|que pena)
(?:entendi|entendo|compreendo)(?: {_NAME}| (?:a )?sua (?:duvida|pergunta|preocupacao))?
(?:me )?desculpe?a?(?: {_NAME}| a demora| por isso)?
{_IF_YOU}
{_IF_YOU} (?:eh so (?:chamar|escrever|avisar|perguntar)|estou aqui|estamos aqui)
(?:eh so|basta) (?:chamar|escrever|perguntar)
(?:em )?(?:que|como|no que) (?:eu )?posso (?:te )?ajudar(?: voce)?(?: hoje)?
(?:eu )?posso (?:te )?ajudar(?: voce)?(?: (?:em|com) (?:algo mais|mais alguma coisa
    |mais algo|outra coisa|alguma outra coisa|outra duvida|algo))?
(?:ficou|tem|restou|voce tem) (?:mais )?alguma (?:outra )?(?:duvida|pergunta)
(?:{_IF_YOU} )?posso (?:te )?(?:chamar|encaminhar voce (?:para|a)|passar voce para
    |encaminhar (?:a )?sua (?:duvida|pergunta|mensagem) (?:para|a)
    |pedir (?:a|para)|pedir que) {_SOMEBODY}(?: (?:fale|para falar
    |falar|converse|conversar) com voce| para (?:te |lhe )?(?:ajudar|atender
    |responder)(?: voce)?(?: melhor)?)?
(?:{_IF_YOU} )?(?:eu )?posso (?:te )?ajudar(?: voce)? a (?:marcar
    |agendar) {_APPOINTMENT}
(?:{_IF_YOU} )?(?:eu )?posso (?:marcar|agendar) {_APPOINTMENT}(?: para voce)?
(?:{_IF_YOU} )?(?:voce )?pode (?:marcar|agendar) {_APPOINTMENT}
(?:{_IF_YOU} )?(?:voce )?pode (?:falar|conversar) com {_SOMEBODY}
{_WOULD} (?:falar|conversar) com {_SOMEBODY}(?: sobre isso)?
{_WOULD} que eu (?:chame|encaminhe voce (?:para|a)|passe voce para
    |peca (?:a|para)) {_SOMEBODY}(?: (?:falar|conversar) com voce)?
{_WOULD} (?:marcar|agendar) {_APPOINTMENT}(?: para (?:isso|conversar|falar sobre isso
    |tirar (?:essa|a sua|sua) duvida))?
vamos (?:marcar|agendar) {_APPOINTMENT}
(?:so )?{_LAWYER} (?:avalia|analisa|explica|esclarece|pode avaliar|pode analisar
    |pode explicar|pode esclarecer|pode responder|precisa avaliar|precisa analisar
    |pode conversar(?: com voce)? sobre) {_MATTER}(?: (?:em uma|na|numa) consulta
    | com voce| para voce)?
quem (?:avalia|analisa|explica|responde) {_MATTER} (?:eh|sao) (?:{_LAWYER}|os advogados)
(?:essa|esta|a sua|sua) (?:duvida|questao|pergunta) (?:precisa ser|deve ser|so pode ser
    |tem de ser|tem que ser) (?:avaliada|analisada|respondida|tratada
    |esclarecida) por {_LAWYER}
(?:isso )?(?:depende do caso|cada caso eh um caso)
(?:sobre isso |isso )?(?:eu )?nao (?:sei|consigo|posso) (?:responder|informar|dizer
    |ajudar|afirmar|confirmar)(?: (?:a )?(?:isso|essa pergunta|essa duvida|com isso
    |essa informacao))?{_HERE}
(?:eu )?nao (?:consigo|posso) (?:avaliar|analisar|opinar sobre|comentar|falar
    sobre|dar (?:uma )?opiniao(?: juridica)? sobre) (?:{_MATTER}|casos?|o caso
    |isso){_HERE}
(?:eu )?nao (?:consigo|posso) (?:opinar|dar (?:uma )?opiniao(?: juridica)?){_HERE}
(?:eu )?nao (?:tenho|encontrei) (?:essa|esta|a) (?:informacao|resposta){_HERE}
(?:eu )?nao tenho (?:informacoes|informacao|dados) sobre isso{_HERE}
(?:eu )?nao tenho acesso (?:a (?:essa informacao|processos)|ao (?:andamento
    |seu processo)|ao andamento (?:do (?:seu )?processo|de processos)){_HERE}
(?:eu )?sou (?:um|o|uma|a)? ?(?:assistente virtual|programa de computador)(?: do
    escritorio)?(?: um programa de computador)?(?: e nao (?:sou )?(?:um )?advogado)?
(?:eu )?nao sou (?:(?:um )?advogado|uma pessoa)(?: e nao sou (?:um )?advogado)?
"""


def _compiled(block: str) -> re.Pattern[str]:
    # One pattern a line; an indented line goes on with the one before it.
    lines = re.sub(r"\n {4}(?=\|)", "", block).replace("\n    ", " ").split("\n")
    return re.compile("|".join(f"(?:{line})" for line in lines if line))


_CLOSED = _compiled(_PATTERNS)
_JOINTS = re.compile(r"^(?:mas|e|entao|porem|assim) ")


def is_front_desk(words: str) -> bool:
    """Says whether words joined by single blanks are a sentence of the front desk.

    So is a lonely emoji, which has no words.
    """
    return (
        not words
        or _CLOSED.fullmatch(words) is not None
        or (_CLOSED.fullmatch(_JOINTS.sub("", words)) is not None)
    )
