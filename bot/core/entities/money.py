"""Amounts of money in Brazilian reais, in digits or in words."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from bot.core.entities.found import Found, fold, found

_UNITS = {
    "um": 1, "uma": 1, "dois": 2, "duas": 2, "tres": 3, "quatro": 4, "cinco": 5,
    "seis": 6, "sete": 7, "oito": 8, "nove": 9, "dez": 10, "onze": 11, "doze": 12,
    "treze": 13, "quatorze": 14, "catorze": 14, "quinze": 15, "dezesseis": 16,
    "dezessete": 17, "dezoito": 18, "dezenove": 19, "vinte": 20, "trinta": 30,
    "quarenta": 40, "cinquenta": 50, "sessenta": 60, "setenta": 70, "oitenta": 80,
    "noventa": 90, "cem": 100, "cento": 100, "duzentos": 200, "trezentos": 300,
    "quatrocentos": 400, "quinhentos": 500, "seiscentos": 600, "setecentos": 700,
    "oitocentos": 800, "novecentos": 900,
}  # fmt: skip
_SCALES = {"mil": 1000, "k": 1000, "milhao": 10**6, "milhoes": 10**6, "mi": 10**6}
_DIGITS = (
    r"[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]{2})?|[0-9]{1,12}(?:,[0-9]{1,2}|\.[0-9]{2})?"
)
_WORD = "|".join(sorted(_UNITS, key=len, reverse=True))
_SCALE = "mil|k|milhao|milhoes|mi"
_PART = rf"(?:(?:{_DIGITS}|{_WORD})(?:\s?(?:{_SCALE})\b)?|mil\b)"
_AMOUNT = re.compile(
    rf"(?<![\w.,/:-])(?P<sign>(?:r\$|rs|brl)\s?)?"
    rf"(?P<number>{_PART}(?:\s(?:e\s)?(?:{_WORD}|mil|[0-9]{{3}}(?=\s?reais))\b"
    rf"(?:\s(?:{_SCALE})\b)?)*)"
    r"(?P<real>(?:\s?|\s+de\s)(?:reais|real|contos?|pilas?|mangos?)\b)?"
    r"(?P<cents>\s+e\s(?P<cent>[0-9]{1,2}|\w+(?:\se\s\w+)?)\scentavos?\b)?"
    r"(?!\w|[/:][0-9]|[.,-][0-9])"
)
_MONEY_WORD = (
    r"(?:\b(?:pag(?:o|a|uei|ou|amos|aram|ar|ava|ando)|dev(?:o|e|ia|em|endo|emos)|divida"
    r"|perd\w+|cobr\w+|mult(?:a|ado|ada|aram)|entrada|parcelas?|prestac\w+|valor"
    r"|cust(?:a|ou|am|aram|ava)|ganh\w+|receb\w+|salario|aluguel|transferi\w*|pix"
    r"|deposit\w+|emprest\w+|juros|honorarios|indenizacao|gast\w+|fatura|boleto|taxa"
    r"|acordo|preco|mensalidade|pensao|vend(?:i|eu|emos)|compr(?:ei|ou|amos)"
    r"|alug(?:o|uei|ou)|por|vezes de|proposta|oferec\w+|saldo|prejuizo"
    r"|causa|fianca|total|renda|descont\w+)|[0-9]\s?x de)\b"
)
_MONEY_NEAR = re.compile(rf"{_MONEY_WORD}[^0-9\n]{{0,28}}$")
_MONEY_BEFORE = re.compile(
    rf"{_MONEY_WORD}(?:[\s:]|\b(?:de|foi|eh?|era|uns|umas|so|mais|quase|cerca|ate|me|nos"
    r"|sao|eram|em torno)\b)*$"
)
_AMOUNT_ENDS = re.compile(
    r"\s*(?:$|[.,;!?)]|(?:por|no|na|em|e|mas|p?ra|para|pro|d[aeo]|que|ate|so|todo|cada|com"
    r"|pel[ao]|a mais|a menos|conforme|aqui|la|ai)\b)"
)
_MONEY_AFTER = re.compile(
    r"\s*(?:por mes|mensa(?:l|is)|de (?:multa|entrada|divida|aluguel|pensao|salario"
    r"|prejuizo|juros|honorarios|fianca|indenizacao|parcela|emprestimo)|no pix"
    r"|a vista|na carteira|em dinheiro)\b"
)
_OTHER_UNIT = re.compile(
    r"\s*(?:%|x\b|h\b|hs\b|hrs?\b|o\b|a\b|km\b|m2\b|kg\b|anos?|mes(?!\w)|meses|dias?|horas?"
    r"|minutos?|semanas?|vezes|parcelas?|salarios?|pessoas|filhos?|clientes?|processos?"
    r"|por cento|metros|hectares|seguidores|desculpas|de (?:janeiro|fevereiro|marco"
    r"|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro))"
)
_ALONE = re.compile(
    r"(?:uns|umas|foi|e|era|foram|acho que|cerca de|quase|de|\s|[,.!?~])*"
)
_ALONE_AFTER = re.compile(
    r"(?:mais ou menos|por ai|e pouco|e poucos|no total|ao todo|\s|[,.!?])*"
)
_ENOUGH = Decimal(50)
_YEARS = range(1900, 2101)
_MOST = Decimal(10) ** 12


def read_money(text: str) -> list[Found]:
    """Returns every `valor`, with two decimals: `2 mil reais` → `2000.00`.

    A number counts with its currency; without one, only beside a word of money
    ("paguei 2 mil", "10x de 800") or as a whole answer ("uns 3 mil").
    """
    folded = fold(text)
    read = []
    for match in _AMOUNT.finditer(folded):
        amount = _amount(match["number"], match["cent"] if match["cents"] else None)
        if amount is None or not 0 < amount < _MOST:
            continue
        if match["sign"] or match["real"] or _is_money(match, folded, amount):
            value = f"{amount:.2f}"
            read.append(found("valor", value, text, span=match.span()))
    return read


def _is_money(match: re.Match[str], folded: str, amount: Decimal) -> bool:
    before, after = folded[: match.start()], folded[match.end() :]
    written = match["number"]
    if _OTHER_UNIT.match(after) or written in _UNITS:
        return False
    is_plain = written.isdigit() or bool(re.fullmatch(r"[0-9]+\.[0-9]{2}", written))
    if not is_plain:
        is_counted = bool(
            re.search(r"[0-9]|(?:\s|\A)(?:mil|milhao|milhoes)\b", written)
        )
        is_scale_alone = written == "mil"
        is_near = _MONEY_NEAR.search(before) and is_counted and not is_scale_alone
        is_answer = _ALONE.fullmatch(before) and _ALONE_AFTER.fullmatch(after)
        return bool(
            is_near
            or (_MONEY_BEFORE.search(before) and _AMOUNT_ENDS.match(after))
            or (_MONEY_AFTER.match(after) and is_counted)
            or (is_answer and re.search(r"[0-9],[0-9]{2}$|[0-9]\s?k$|\bmil", written))
        )
    if amount < _ENOUGH or (written.isdigit() and int(written) in _YEARS):
        return False
    is_beside = _MONEY_BEFORE.search(before) and _AMOUNT_ENDS.match(after)
    return bool(is_beside or _MONEY_AFTER.match(after))


def _amount(number: str, cents: str | None) -> Decimal | None:
    """Reads "2,5 mil", "mil e duzentos" or "1.500,00"; None where it is nonsense."""
    total = current = Decimal(0)
    try:
        for part in re.findall(r"[0-9][0-9.,]*|[a-z]+", number):
            if part == "e":
                continue
            if part in _SCALES:
                total += (current or 1) * _SCALES[part]
                current = Decimal(0)
            else:
                current += _UNITS[part] if part in _UNITS else _decimal(part)
        if cents:
            current += Decimal(_cents(cents)) / 100
    except InvalidOperation:
        return None
    return total + current


def _decimal(token: str) -> Decimal:
    if re.fullmatch(r"[0-9]+\.[0-9]{2}", token):
        return Decimal(token)
    return Decimal(token.replace(".", "").replace(",", "."))


def _cents(written: str) -> int:
    if written.isdigit():
        return int(written)
    return sum(_UNITS.get(word, 0) for word in written.split())
