"""What the robot of a law office never says, whatever it was asked to say.

A deny-list over the folded text (`reading.folded`): lower case, no accents, no
emphasis. It errs on refusing, for then a person answers. Three turns of phrase
are exempt, since the model is told to use them: "não garantimos …", "não posso
dizer se …" and "um advogado avalia se …". Beyond the list, a sentence that
names a matter of law must also say what a front desk says: that a lawyer sees
to it, that the office handles it, which papers to bring.
"""

from __future__ import annotations

import re

from llm_fallback.errors import Rejection
from llm_fallback.guards.reading import folded, is_in, sentences, words
from llm_fallback.prompt import SYSTEM_PROMPT

_PROMISES = r"""
\bgarant(?:o|e|em|imos|ia|ias|ida|ido|idas|idos|ir|iremos|irei|iu|indo)\b
\bassegur(?:o|a|amos|ar|ado|ada)\b
\bprome(?:to|temos|tido|tida|tendo|ter|ssa)\b
\bcom (?:toda (?:a )?)?certeza\b
\bcerteza (?:de|da|que|absoluta)\b
\b(?:causa|acao|processo|caso) (?:esta |ja esta |e )?(?:ganh[oa]|garantid[oa]|certo
    |facil)\b
\b(?:vai|vao|vamos|ira|iremos) (?:ganhar|vencer|conseguir)\b
\bvoce (?:ganha|vence|consegue (?:a|o|sim|ganhar))\b
\b(?:vai|ira|vao) receber (?!uma? (?:mensagem|retorno|aviso|resposta|contato))
\b(?:ganhara|vencera|recebera|ganharemos|venceremos|conseguira)\b
\b(?:ganhamos|vencemos|ganhou|venceu)\b
\b(?:sem|nenhum|zero) riscos?\b
\bsem (?:duvida|sombra)\b
\bnunca perde\w*\b
\bespecialistas?\b
\b(?:sera|seras|serao) (?:indenizad|ressarcid|beneficiad|contemplad|absolvid)\w+
\bfique tranquil\w+\b
\b(?:o melhor|os melhores|a melhor|as melhores|numero um|lider|imbativel)\b
\bvitoria (?:certa|garantida)\b
\bvitoria\b
\bsucesso (?:certo|garantido|no processo|na causa)\b
\bpode (?:ficar tranquil\w+|confiar|contar com (?:isso|a vitoria))\b
\bresultado (?:positivo|favoravel|certo|garantido)\b
\b(?:o juiz|a justica|o tribunal) (?:vai|ira|deve|dara|sempre)\b
"""
_OPINIONS = r"""
\b(?:tem|teria|tera|tenha|temos|possui)(?: todos?)?(?: os?)?(?: seu| esse)? direitos?\b
\b(?:e|sao|seria) (?:um )?(?:seu |seus )?direitos?\b
\bseus? direitos? (?:e|sao|foi|foram|inclu\w+|esta|estao)\b
\bdireito garantido\b
\bfaz(?:em)? jus\b
\b(?:cabe|cabem|caberia|cabivel) (?:\w+ )?(?:acao|recurso|indenizacao|processo
    |danos?|habeas|mandado|multa|liminar|reclamacao|justa causa|rescisao)\b
\b(?:pode|podera|poderia|deve|devera|deveria|precisa|vale a pena|e melhor
    |melhor) (?:\w+ )?(?:processar|entrar com|pedir (?:a |uma )?(?:indeniz|danos|rescis
    |demiss)\w*|recorrer|acionar|exigir|ajuizar|executar|denunciar|assinar|nao assinar
    |aceitar|recusar|pagar|nao pagar|parar de pagar|faltar|sair de casa)\b
\b(?:recomendo|recomendamos|aconselho|aconselhamos|sugiro que|oriento)\b
\bnao (?:assine|pague|aceite|va|fale|compareca|deponha|precisa pagar|deve nada)\b
\b(?:assine|processe|ajuize|aceite o acordo|recuse|minta|esconda|falsifique|destrua
    |apague as provas)\b
\b(?:e|sao|seria|foi|configura|constitui|caracteriza) (?:um |uma )?(?:crime|ilegal
    |ilegais|ilicit\w+|abusiv\w+|legal|nul[oa]|invalid[oa]|fraude|assedio|justa causa
    |dano moral)\b
\b(?:e|sao|esta|estao|fica) obrigad[oa]s?\b
\btem (?:a )?obrigacao\b
\b(?:esta|estava|tem|voce tem) (?:toda )?(?:a )?razao\b
\bculpa (?:e|foi) d\w+\b
\bdanos? mora(?:l|is)\b
\bprescre\w+\b
\bdecadencia\b
\bprazo (?:legal|para recorrer|para entrar|de recurso|e de|e)\b
\b(?:chances?|probabilidade|possibilidade)s? (?:de|e|sao|real|reais|alt\w+|boas?
    |grandes?)\b
\b(?:boas?|grandes?|altas?|poucas?|nenhuma) (?:chances?|probabilidade)\b
\b(?:sera|sera|seria|vai ser) (?:condenad\w|absolvid\w|preso|presa|solto|solta)\b
\bna minha opiniao\b
\b(?:eu )?acho que\b
\bdo ponto de vista juridico\b
\bjuridicamente\b
\blegalmente\b
\bvalor da (?:causa|indenizacao|pensao)\b
\b(?:recebe|receber|calcul\w+) (?:\w+ ){0,3}(?:verbas|rescis\w+|fgts|ferias|decimo)\b
"""
_CITATIONS = r"""
\b(?:a|segundo a|pela|da|na|conforme a|conforme|nossa) (?:lei|legislacao
    |constituicao|jurisprudencia|doutrina)\b
\bleis? trabalhistas?\b
\bpor lei\b
\b(?:artigo|inciso|sumula|paragrafo) (?:primeir|segund|terceir|quart|quint|sext
    |setim|oitav|non|decim)\w+
\bjurisprudencia\b
\b(?:entend\w+|decid\w+|julg\w+|precedente) (?:\w+ ){0,3}(?:stf|stj|tst|trt
    |tribunal|tribunais|supremo)\b
\b(?:stf|stj|tst|supremo|tribunal superior) (?:ja )?(?:entende|decidiu|julgou|diz
    |garante)\b
"""
_FEES = r"""
\bgratis\b
\bgratuit\w+\b
\bsem (?:nenhum |qualquer )?(?:custos?|pagar|cobranca|honorarios|taxas?)\b
\bnao (?:cobramos|cobra|paga|pagara|tem custo|ha custo)\b
\bdescont\w+\b
\babatiment\w+\b
\bpromoc\w+\b
\breembols\w+\b
\bso paga (?:se|quando)\b
\bpor conta da casa\b
\bmetade do (?:valor|preco)\b
\bmais barat\w+\b
\bisent[oa]\w*\b
\bbrindes?\b
"""
_COMMITMENTS = r"""
\b(?:agendei|marquei|remarquei|desmarquei|cancelei|confirmei|registrei|protocolei
    |anotei|enviei|encaminhei|avisei|transferi|paguei|reservei|solicitei|liberei
    |alterei|apaguei|excluido?s?)\b
\b(?:consulta|horario|reuniao|atendimento|audiencia|agendamento
    |visita)\b[^.!?]{0,40}\b(?:esta|foi|ficou|fica|estao|foram|sera) (?:\w+ )?(?:marcad
    |agendad|confirmad|cancelad|remarcad|desmarcad|reservad)\w+
\b(?:seu|sua|o|a) (?:processo|acao|recurso|audiencia|acordo|indenizacao|beneficio
    |alvara|precatorio|sentenca|liminar|pensao|divorcio
    |inventario) (?:\w+ ){0,2}?(?:foi|esta|sera|saiu|vai|ficou|tem|e|ja|acontece
    |ocorre)\b
\bseu caso (?:foi|esta|vai)\b
\b(?:confirmo|confirmamos|aprovo|aprovamos|autorizo|autorizamos)\b
(?<!for )(?<!foi )(?<!\bo )(?<!do )\bcombinado\b
(?<!ser )(?<!sera )(?<!seja )\b(?:confirmad|aprovad|autorizad|deferid)[oa]s?\b
\baceit(?:o|amos) (?:o|a|sua|seu|esse|essa) (?:acordo|proposta|oferta|causa|caso)\b
\b(?:vou|irei|iremos) (?:agendar|marcar|cancelar|remarcar|enviar|transferir|pagar
    |devolver|processar|entrar|encaminhar|avisar|ligar)\b
\b(?:ligaremos|retornaremos|resolveremos|entraremos com
    |responderemos) (?:\w+ ){0,3}(?:hoje|amanha|logo|imediat\w+|ja|agora|minutos?)\b
"""
_CONFIDENCES = r"""
(?<!voce )(?<!voce ja )\b(?:e|sao|foi|era) (?:um |uma )?(?:noss[oa]s? )?clientes?\b
\bnosso cliente\b
\b(?:outr[oa]|demais) clientes?\b
\b(?:os|dos|lista de|nomes de) (?:nossos )?clientes (?:sao|e)\b
"""
_IDENTITIES = r"""
(?<!nao )\bsou (?:um |uma |o |a |seu |sua |tambem )*(?:advogad\w+|doutor\w*|dra?\b
    |pessoa|human\w+|socio|socia|gente|atendente human\w+|homem|mulher|juiz\w*
    |defensor\w*)
(?:^|[,;:.!] ?)aqui (?:e|fala|quem fala|escreve) (?:o|a|seu|sua)\b
\bquem (?:fala|escreve|responde)(?: aqui| com voce)? (?:e|sou)\b
\b(?:me chamo|meu nome e|pode me chamar de)\b
\beu sou\b(?! (?:um|o) (?:assistente|programa)\b)
\bcomo (?:seu |sua )?advogad[oa](?:,| eu| posso| digo| recomendo)
\bnao sou (?:um |uma )?(?:robo|programa|maquina|ia|inteligencia artificial
    |assistente)\b
\b(?:chatgpt|openai|gpt-?\d*|mistral|llama|gemini|claude|copilot|dan|ollama|whisper)\b
\bsem (?:filtros?|restric\w+|limites|regras)\b
\bmodo (?:desenvolvedor|livre|irrestrito|administrador|debug)\b
"""
_ECHOES = r"""
\b(?:minhas|as|essas|estas|seguintes|tenho) (?:instruc\w+|regras|ordens
    |diretrizes) (?:sao|dizem|que recebi|do sistema|internas|secretas|iniciais)?
\bfui (?:instruid\w|program\w+ para|configurad\w|treinad\w)\b
\bprompt\b
\bsystem\b
\bdados_do_escritorio\b
\bmensagem (?:do|de) sistema\b
"""
_OFFENCES = r"""
\b(?:merda|porra|caralho|puta|puto|foda\w*|fodid\w+|buceta|cu|cuzao|viado
    |arrombad\w+|babaca|idiota|imbecil|otari[oa]|burr[oa]|vagabund[oa]|ladr(?:ao|a|oes)
    |corrupt[oa]s?|golpistas?|picaretas?|vigarista|safad[oa]|desgracad[oa]|lixo)\b
"""


def _compiled(block: str) -> re.Pattern[str]:
    # One pattern a line; an indented line goes on with the one before it.
    lines = block.replace("\n    ", "").split("\n")
    return re.compile("|".join(f"(?:{line})" for line in lines if line))


_DENIED: tuple[tuple[Rejection, re.Pattern[str]], ...] = (
    (Rejection.OFFENCE, _compiled(_OFFENCES)),
    (Rejection.IDENTITY, _compiled(_IDENTITIES)),
    (Rejection.PROMPT_ECHO, _compiled(_ECHOES)),
    (Rejection.PROMISE, _compiled(_PROMISES)),
    (Rejection.LEGAL_CITATION, _compiled(_CITATIONS)),
    (Rejection.OPINION, _compiled(_OPINIONS)),
    (Rejection.FEES, _compiled(_FEES)),
    (Rejection.COMMITMENT, _compiled(_COMMITMENTS)),
    (Rejection.CONFIDENTIALITY, _compiled(_CONFIDENCES)),
)
_NEGATED = re.compile(
    r"\b(?:nao|nem|ninguem|sem)(?: (?:se )?(?:posso|podemos|pode|podem|consigo|devo"
    r"|devemos|ha como|temos como|e possivel|fazemos|faco|damos|dou|ha|existe|existem"
    r"|trabalhamos com|oferecemos|tem como))?(?: (?:nenhuma?|a|o|uma?|de))?\s*$"
)
_CANNOT_SAY = re.compile(
    r"\bnao (?:posso|podemos|consigo|sei|devo|tenho como|cabe a mim|me cabe|vou)\s+"
    r"(?:te |lhe )?(?:informar|dar|dizer|falar|prometer|opinar|avaliar|afirmar|calcular"
    r"|responder|orientar|confirmar|explicar|tratar|comentar|citar|saber|oferecer"
    r"|interpretar|analisar|revelar|se|quais|qual)\b[^.,;:!?]{0,70}$"
)
_ASKING_IF = re.compile(
    r"\b(?:saber|dizer|avaliar|analisar|verificar|ver|entender|duvida sobre|sobre"
    r"|avalia|analisa|explica|verifica|confirmar|esclarecer) (?:se|como|quais|qual|onde"
    r"|quando|quanto)(?: (?:voce|o senhor|a senhora|ele|ela|isso|o seu caso|seu caso"
    r"|a empresa|nao|ja|ainda|sao|e|o|a|os)){0,3}\s*$"
)
_TURNS = re.compile(r"\b(?:mas|porem|contudo|entretanto|so que|e sim|negar|esconder)\b")
_EXEMPTIONS = (_NEGATED, _CANNOT_SAY, _ASKING_IF)
_NEVER_EXEMPT = frozenset(
    {Rejection.OFFENCE, Rejection.IDENTITY, Rejection.PROMPT_ECHO}
)
_PAYMENT = (
    "pix", "chave pix", "boleto", "deposito", "deposite", "transferencia", "transfira",
    "conta bancaria", "agencia", "cartao", "dinheiro", "parcelar", "parcelamos",
    "parcelamento", "qr code", "bitcoin", "vaquinha",
)  # fmt: skip
_ACTS = (
    "clt", "cpc", "cpp", "cdc", "codigo", "constituicao", "estatuto", "lgpd", "oab",
    "lei maria da penha", "lei do inquilinato", "provimento", "consolidacao",
)  # fmt: skip
_SUBSTANCE = _compiled(r"""
\b(?:juiz\w*|justica|tribunal\w*|sentenca|liminar\w*|mandado|penhora\w*|despejo)\b
\b(?:indeniz\w+|danos?|multas?|verbas|rescis\w+|fgts|aviso previo|justa causa)\b
\b(?:guarda|pensao|heranca|partilha|usucapiao|adocao|curatela)\b
\b(?:prisao|cadeia|preso|presa|fianca|crimes?|criminos\w+|ilegal\w*|ilicit\w+)\b
\b(?:recurso|processar|acao judicial|ganho de causa|em dobro|nul[oa]s?|abusiv\w+)\b
\b(?:contratos?|acordos?|provas?|testemunhas?|dividas?|juros|beneficio|aposentadoria)\b
\b(?:resultado|a (?:seu|sua) favor|e fato)\b
""")
"""What only a lawyer speaks of to the point."""
_DEFERS = re.compile(
    r"\b(?:advogad\w+|equipe|consulta|atendemos|trabalhamos|atuamos|atende|areas?"
    r"|nao (?:posso|consigo|sei|tenho|podemos|trabalhamos|atendemos)|documentos?"
    r"|trag\w+|traz\w+|lev[ae]\w*|envi\w+|mand\w+|sinto|lamento|entend\w+|recebi)\b|\?$"
)
"""What a sentence of the front desk says beside such a word."""
_ECHO_WORDS = 6
"""This many words in the order of the rules are an echo of them."""


def denied(text: str, *, question: str = "", cited: str = "") -> Rejection | None:
    """Returns why the wording may not be used, or None where it may.

    Args:
        text: what somebody would read.
        question: what was asked; it may name a law that the text only repeats.
        cited: may name ways to pay and laws; "" allows neither.
    """
    facts = folded(cited)
    for sentence in sentences(text):
        plain = re.sub(r"\s+", " ", folded(sentence))
        # "ga-ran-to" is read as one word by people, as three by \b.
        for reading in {plain, plain.replace("-", ""), plain.replace("-", " ")}:
            reason = _denied_sentence(reading)
            if reason:
                return reason
        if _speaks_of_law(plain, facts):
            return Rejection.OPINION
    return _unfounded_words(folded(text), folded(question), facts)


def echoes_rules(text: str) -> bool:
    """Says whether the text repeats six words running of what the model was told."""
    return bool(_RULE_RUNS & _runs(text))


def _denied_sentence(sentence: str) -> Rejection | None:
    for reason, pattern in _DENIED:
        for match in pattern.finditer(sentence):
            if reason in _NEVER_EXEMPT or not _is_exempt(sentence[: match.start()]):
                return reason
    return None


def _speaks_of_law(sentence: str, facts: str) -> bool:
    # An opinion has a thousand wordings; what it is about has far fewer.
    found = (match[0] for match in _SUBSTANCE.finditer(sentence))
    return not _DEFERS.search(sentence) and any(
        not is_in(word, facts) for word in found
    )


def _is_exempt(before: str) -> bool:
    for exemption in _EXEMPTIONS:
        match = exemption.search(before)
        if match and not _TURNS.search(match[0]):
            return True
    return False


def _unfounded_words(text: str, question: str, facts: str) -> Rejection | None:
    if any(is_in(word, text) and not is_in(word, facts) for word in _PAYMENT):
        return Rejection.PAYMENT
    known = f"{facts}\n{question}"
    if any(is_in(word, text) and not is_in(word, known) for word in _ACTS):
        return Rejection.LEGAL_CITATION
    return None


def _runs(text: str) -> set[tuple[str, ...]]:
    parts = words(folded(text))
    return {
        tuple(parts[start : start + _ECHO_WORDS])
        for start in range(len(parts) - _ECHO_WORDS + 1)
    }


_RULE_RUNS = _runs(SYSTEM_PROMPT)
