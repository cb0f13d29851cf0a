"""What two Portuguese words have in common: a light stemmer and few synonyms.

The stem only has to bring together what an honest paraphrase brings together
(`atendemos`, `atende`, `atendimento`); it is no lemma. Endings are taken off by
the suffix method (Orengo & Huyck 2001, "A Stemming Algorithm for the Portuguese
Language"), cut down to inflection and three nouns of action. What must not be
brought together is told apart by `tense_of`: `confirma` is not `confirmou`.
"""

from __future__ import annotations

import re
from functools import lru_cache

_LEAST = 3
"""Letters that a stem keeps at least."""
_PLURALS = (
    ("coes", "cao"), ("oes", "ao"), ("aes", "ao"), ("ais", "al"), ("eis", "el"),
    ("ois", "ol"), ("ns", "m"), ("res", "r"), ("zes", "z"), ("s", ""),
)  # fmt: skip
_NO_PLURAL = frozenset("mais menos pois tres antes depois onibus gratis atras".split())
_ACTIONS = re.compile(r"(?:amento|imento|acao|icao|agem|ancia|encia)$")
_NO_ACTION = frozenset(
    "documento mensagem audiencia monumento complemento momento cimento agencia"
    " urgencia emergencia jurisprudencia decadencia vigencia".split()
)
_ENDINGS = sorted(
    """aremos eremos iremos ariamos eriamos iriamos assemos essemos issemos avamos ariam
    eriam iriam assem essem issem ando endo indo aram eram iram arao erao irao amos emos
    imos aria eria iria asse esse isse arei erei irei avam mente ados adas idos idas ado
    ada ido ida ava ara era ira ar er ir am em ou ei iu eu a o e i""".split(),
    key=len,
    reverse=True,
)
_IRREGULAR: dict[str, str] = {
    form: stem
    for stem, forms in {
        "traz": "trazer traz traga tragam trazem trazemos traria trouxe trouxer",
        "faz": "fazer faz faca facam fazem fazemos feito feita fez fizer faremos",
        "vir": "vir vem venha venham vindo veio vier viermos vimos vira",
        "diz": "dizer diz diga digam dizem dizemos dito disse disser",
        "ped": "pedir pede peca pecam pedem pedimos pedido pediu",
        "sab": "saber sabe saiba sabem sabemos soube souber sei",
        "ver": "ver ve veja vejam veem vemos visto viu ver",
        "quer": "querer quer queira querem quiser quiserem queremos",
        "dar": "dar dah deh dao damos der deu deram",
        "ler": "ler le leia leiam lemos leu lido leem",
        "sair": "sair sai saia saem saimos saiu",
        "cair": "cair cai caia caem caiu",
        "por": "por poe ponha poem",
        "perd": "perder perde perca percam perdem perdeu",
        "consegu": "conseguir consegue consiga conseguem conseguimos",
        "segu": "seguir segue siga seguem seguinte",
        "serv": "servir serve sirva servem serviu",
        "prefer": "preferir prefere prefira preferem preferimos",
        "pag": "pagar paga pague paguem pagam pago pagos pagamento pagamentos pagamos",
        "lig": "ligar liga ligue liguem ligam ligacao ligacoes ligamos",
        "marc": "marcar marca marque marquem marcam marcada marcado marcadas marcados",
        "cheg": "chegar chega chegue cheguem chegam chegada chegou chegado chegamos",
        "fic": "ficar fica fique fiquem ficam ficamos ficou",
        "busc": "buscar busca busque busquem buscam",
        "explic": "explicar explica explique explicam explicamos explicacao",
        "comec": "comecar comeca comece comecam comecamos comeco",
        "respond": "responder responde responda respondem respondemos resposta"
        " respostas respondida respondidas",
        "troc": "trocar troca troque trocam",
        "entreg": "entregar entrega entregue entreguem entregam entregamos",
        "verific": "verificar verifica verifique verificamos",
        "identific": "identificar identifica identifique identificamos",
        "gratis": "gratis gratuito gratuita gratuitos gratuitas gratuidade"
        " gratuitamente",
    }.items()
    for form in forms.split()
}
_SYNONYMS: dict[str, str] = {
    other: one
    for one, others in {
        "marc": "agend",
        "remarc": "reagend",
        "cancel": "desmarc",
        "envi": "mand encaminh",
        "traz": "lev",
        "online": "vide videocham videoconfer distanci remot remotamente",
        "avis": "inform comunic",
        "fal": "convers",
        "valor": "prec cust",
        "avali": "analis examin",
        "verific": "confer chec",
        "comec": "inici",
        "termin": "acab encerr",
        "troc": "mud alter",
        "copi": "xerox",
        "antes": "anteced antecip",
        "fic": "localiz situ",
        "segred": "sigil sigilos confidenci confidencial confidencialidad",
        "document": "papel papelad",
        "fot": "fotografi imag",
        "presenci": "pessoal presencial",
        "aven": "av avenid",
        "rua": "r",
        "whatsapp": "whats zap wpp whatsap",
        "email": "mail",
        "celular": "celul",
        "predi": "edifici",
        "acompanh": "acompanhant",
        "escrit": "escritur",
        "voce": "comig voces voc",
    }.items()
    for other in others.split()
}
_PAST = re.compile(r"(?:[aei]ram|ou|[^aeiouq]iu|[^aoq]eu|(?:[^aeiou]|[gq]u)ei)$")
_FUTURE = re.compile(r"(?:[aei]r(?:ei|emos|ao)|[aei]ra)$")
_NO_PAST = frozenset("meu seu teu eu ou sei museu europeu dou vou estou sou".split())
_NO_FUTURE = frozenset(
    "para fora hora agora embora primeira segunda-feira feira carteira maneira dira"
    " cadeira terceira inteira verdadeira brasileira estrangeira financeira parceira"
    " espera procura era barreira palavra obra compra outra letra cidadeira bandeira"
    " cera fila pira mentira lira admira retira tira vira gira queira carreira sira"
    " prefira confira transfira insira sugira adira solteira companheira"
    " herdeira".split()
)
_WE = re.compile(r"(?:[aei]mos)$")
_NO_WE = frozenset("ultimos proximos minimos maximos mesmos otimos termos".split())
_ORDERS = frozenset(
    """traga venha leve envie mande avise ligue escreva procure informe peca marque
    agende fale chame confirme guarde responda apresente entre chegue espere aguarde use
    assine pague leia diga conte mostre faca evite lembre confira deixe separe fotografe
    veja prefira tente junte tire saia pergunte siga coloque preencha baixe toque abra
    tragam venham levem enviem""".split()
)
_VERBS = frozenset(
    """atend marc agend envi mand dur cust lev traz ped pag cobr respond lig avis
    inform explic assin cancel remarc desmarc confirm cheg comec inici termin
    acab fal convers acompanh guard grav us precis quer acontec ocorr funcion
    abr fech entr atras apresent mostr escrev mud troc atualiz orient combin
    depend inclu exig aceit oferec trabalh atu cuid analis avali permit realiz
    faz vir retir devolv entreg solicit encaminh encontr perman segu continu par
    serv val receb sab ver dar ler diz fic sair cair consegu prefer consult deix
    bast est vai ganh perd vend compr venc resolv garant prometer estud protocol
    jur jog merec mat morr nasc viv mor trat particip possu cont dispo
    compartilh le pod dev chama cham anot prepar verific confer autoriz convid
    coloc preench lembr evit tent bat cai vot acredit ach pens digit ouv escut
    fotograf separ junt mantem mant defend represent contrat administr ajud
    aguard apag arquiv atest baix carreg comp complet conduz conhec constru corr
    cri cumpr decid declar descrev destin dirig discut divid emit empreg enfrent
    ensin estabelec examin execut exist expir facilit fiscaliz form gerenci gest
    ide impliqu impr indic instal interess interpret justific lanc levant limit
    mantiv mov negoci not observ obtem ocup opt pegu permanec pertenc planej
    poup preserv proced produz prometi proteg prov public registr renov repass
    requer resid respeit resum retorn reun revis reserv sugir sugest suport tom
    torn transfer transmit ultrapass un utiliz valid escolh viaj visit volt toc
    cort aplic soub autentic locomov esper deposit procur""".split()
)
_AUXILIARIES = frozenset(
    """eh sao estah estao foi foram sera serao era seria ha tem temos tenho existe
    existem pode podem podemos posso podera poderia deve devem devemos devera
    deveria precisa precisam vai vao vou vamos fica ficam quer querem somos
    estamos seja sejam estou sou houver for der derem puder puderem souber
    estiver tiver tenha tenham haja tera terao possui possuimos dispomos
    contamos""".split()
)
_NOUNS = frozenset(
    """consulta consultas conversa conversas conta contas conto marca entrada retorno
    aviso avisos envio envios resposta respostas espera procura uso nota visita
    trato contrato contratos chegada troca conversa valor valores vale entre sobre base
    para parte vista ligacao venda vendas compra compras liga trabalho trabalhos cargo
    perda mora juros jogo estudo atraso preco cobranca entrega entregas junto juntos
    separado confirmacao pedido pedidos vida volta fala mostra carta lugar custo custos
    presente meio serventia servico deve inicio termino fim fecho juro ganho
    cuidado cuidados parcela lembrete participacao acompanhante tratamento data
    continua estado interesse""".split()
) - {"deve", "continua"}  # fmt: skip


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """Returns what a folded word shares with its inflections and synonyms.

    >>> stem("atendemos") == stem("atendimento") == stem("atende")
    True
    >>> stem("agendar") == stem("marcada")
    True
    """
    found = _IRREGULAR.get(word) or _suffixes_off(word)
    return _SYNONYMS.get(found, found)


@lru_cache(maxsize=8192)
def tense_of(word: str) -> str:
    """Returns "past" or "future" where the ending says so, else ""."""
    if len(word) > _LEAST and word not in _NO_PAST and _PAST.search(word):
        return "past"
    if len(word) > _LEAST + 1 and word not in _NO_FUTURE and _FUTURE.search(word):
        return "future"
    return ""


@lru_cache(maxsize=8192)
def is_finite_verb(word: str) -> bool:
    """Says whether a folded word is a verb that carries a sentence."""
    if word in _AUXILIARIES or word in _ORDERS:
        return True
    if word not in _NOUNS and word[-1:] in {"a", "e"} and word[:-1] in _VERBS:
        return True
    if word in _NOUNS or re.search(r"(?:[aei]r|[aei]d[oa]s?|[aei]ndo|cao|coes)$", word):
        return False
    if _WE.search(word) and word not in _NO_WE:
        return True
    raw = _IRREGULAR.get(word) or _suffixes_off(word)
    return raw in _VERBS and not word.endswith(("mento", "o", "os", "as", "es"))


@lru_cache(maxsize=1024)
def is_verb_or_noun(word: str) -> bool:
    """Says whether it is a verb where its subject stands before it: `procura`."""
    return (
        word in _NOUNS
        and word[-1:] in {"a", "e"}
        and stem(word[:-1] + "ar") in {_SYNONYMS.get(verb, verb) for verb in _VERBS}
    )


def is_about_me(word: str, *, is_before_object: bool) -> bool:
    """Says whether it is "I do" at the head of a clause: `remarco`, `aviso a …`."""
    if not word.endswith("o") or (word in _NOUNS and not is_before_object):
        return False
    return _suffixes_off(word) in _VERBS


def is_order(word: str) -> bool:
    """Says whether it tells the person to do something: `traga`."""
    return word in _ORDERS


def is_ours(word: str) -> bool:
    """Says whether the office speaks of itself: `atendemos`."""
    return bool(_WE.search(word)) and word not in _NO_WE


@lru_cache(maxsize=8192)
def _suffixes_off(word: str) -> str:
    single = word if is_ours(word) else _singular(word)
    if single in _IRREGULAR:
        return _IRREGULAR[single]
    if single not in _NO_ACTION:
        cut = _ACTIONS.sub("", single)
        if cut != single and len(cut) >= _LEAST:
            return cut
    for ending in _ENDINGS:  # "grava" ends in "ava", yet it is "grav"
        if single.endswith(ending) and len(single) - len(ending) >= _LEAST:
            cut = single[: -len(ending)]
            return _suffixes_off(cut) if ending == "mente" else cut
    return single


def _singular(word: str) -> str:
    if word in _NO_PLURAL or len(word) <= _LEAST:
        return word
    for ending, other in _PLURALS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST - 1:
            return word[: -len(ending)] + other
    return word
