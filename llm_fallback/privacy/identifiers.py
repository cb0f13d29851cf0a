"""The shapes of Brazilian identifiers in a message, for `masking`.

Wider than `bot.core.entities`, which believes a number only by its check digits:
here a shape or the word before it is enough, for what is not hidden leaves the
process. Patterns are bounded, so that a long message takes linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from stdnum import luhn
from stdnum.br import cnpj

from bot.core.phones import AREA_CODES

Value = Callable[[re.Match[str], str], str | None]

_GAP = r"[ \t.\-/]{0,3}"
_TIE = r"[ .\-]{0,3}"
_DATE = re.compile(
    r"(?:[0-3]?[0-9])[ ./-]{1,3}(?:[01]?[0-9])[ ./-]{1,3}(?:[0-9]{4}|[0-9]{2})"
    r"|[01]?[0-9][/.-][0-9]{4}"
)
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]{1,2})?")
_YEARS = re.compile(r"(?:19|20)[0-9]{2}[ ./-]{1,3}(?:19|20)[0-9]{2}")
_WORDY_DATE = r"[0-3]?[0-9]o? de [a-z]{4,9}(?: de (?:[0-9]{4}|[0-9]{2}))?"
_UNITS = re.compile(
    r"\s*(?:h\b|hs\b|hora|min|dia|mes|ano|semana|vez|pessoa|filh|reais|real|mil\b|%)"
)
_USUAL_END = re.compile(r"\.(?:com|br|net|org|edu|gov)$")
_LOCAL = r"[a-z0-9_.+%-]{1,64}"
_HOST = r"[a-z0-9-]{1,63}"
_NOT_PLATES = frozenset(
    "lei art ano dia cep oab inc cid mes ate dez jan fev mar abr mai jun jul ago set"
    " out nov ddd ter tem sao com por que das dos uma mil rua ate fgv bpc".split()
)
_MIN_NUMBER = 7
_PLAIN_STREET = re.compile(
    r"\b(?:ha|faz|desde|que|tem|durante|mais|menos|uns|umas|quase|cerca|sem|mora|moro"
    r"|pra|para|por|as|ate)\b"
)


@dataclass(frozen=True)
class Identifier:
    """A kind of personal data and how it is written."""

    kind: str
    """Names the placeholder, as `CPF`."""
    pattern: re.Pattern[str]
    """Searched in folded text; its unnamed group, where it has one, is hidden."""
    value: Value
    """Returns the canonical form, or None where the match is none."""

    def find(self, plain: str, text: str) -> Iterator[tuple[int, int, str]]:
        """Yields start, end and canonical form of each one.

        Args:
            plain: the text folded, with plain digits; of the same length.
            text: as it was written.
        """
        for match in self.pattern.finditer(plain):
            value = self.value(match, text)
            if value is not None:
                start, end = match.span(_hidden(match))
                yield start, end, value


def _hidden(match: re.Match[str]) -> int:
    """Returns which group is hidden: the unnamed first one, or all of it."""
    return 1 if match.re.groups > len(match.re.groupindex) else 0


def _digits(match: re.Match[str], _: str = "") -> str:
    return re.sub(r"[^0-9]", "", match[_hidden(match)])


def _bare(match: re.Match[str], _: str = "") -> str:
    return re.sub(r"[^0-9a-z]", "", match[_hidden(match)])


def _as_written(match: re.Match[str], _: str = "") -> str:
    return " ".join(match[_hidden(match)].split())


def _cpf(match: re.Match[str], text: str) -> str | None:
    digits = _digits(match)
    before = match.string[max(0, match.start() - 25) : match.start()]
    is_named = re.search(r"\bc\.?p\.?f[^0-9]{0,20}$", before)
    is_shaped = re.search(r"[.\-/]", match[0])
    is_mobile = digits[:2] in AREA_CODES and digits[2] == "9"
    return None if is_mobile and not is_named and not is_shaped else digits


def _cnpj(match: re.Match[str], text: str) -> str | None:
    bare = _bare(match).upper()
    before = match.string[max(0, match.start() - 25) : match.start()]
    is_shaped = "/" in match[0] or re.search(r"\bcnpj\b[^0-9]{0,20}$", before)
    has_digits = sum(char.isdigit() for char in bare[:12]) >= 2  # noqa: PLR2004
    is_one = is_shaped and has_digits
    return bare if bare.isdigit() or is_one or cnpj.is_valid(bare) else None


def _phone(match: re.Match[str], text: str) -> str | None:
    if _YEARS.fullmatch(match[0]):
        return None
    digits = re.sub(r"^(?:00)?55(?=[0-9]{10,11}$)", "", _digits(match))
    return digits.lstrip("0")


def _foreign_phone(match: re.Match[str], text: str) -> str:
    return re.sub(r"^55(?=[0-9]{10,11}$)", "", _digits(match))


def _email(match: re.Match[str], text: str) -> str | None:
    spoken = re.sub(r"\s+ponto\s+", ".", match[0])
    address = re.sub(r"\s*(?:@|\barroba\b)\s*", "@", spoken).strip(".")
    is_apart = " @" in match[0] or "@ " in match[0]
    return None if is_apart and not _USUAL_END.search(address) else address


def _card(match: re.Match[str], text: str) -> str | None:
    digits = _digits(match)
    before = match.string[max(0, match.start() - 25) : match.start()]
    is_shaped = re.fullmatch(r"[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}", match[0])
    is_named = re.search(r"\bcartao\b[^0-9]{0,20}$", before)
    return digits if is_shaped or is_named or luhn.is_valid(digits) else None


def _document(match: re.Match[str], text: str) -> str | None:
    written = match[1].strip()
    if _DATE.fullmatch(written) or _THOUSANDS.fullmatch(written):
        return None
    return _bare(match)


def _account(match: re.Match[str], text: str) -> str | None:
    if _DATE.fullmatch(match[1]) or _UNITS.match(match.string, match.end()):
        return None
    return _bare(match)


def _plate(match: re.Match[str], text: str) -> str | None:
    bare = _bare(match)
    if bare[:3] in _NOT_PLATES:
        return None
    before = match.string[max(0, match.start() - 15) : match.start()]
    written = text[match.start() : match.start() + 3]
    is_apart = match[0][3] == " "
    is_sure = written.isupper() or "placa" in before
    return bare if is_sure or not is_apart else None


def _link(match: re.Match[str], text: str) -> str | None:
    written = text[match.start() : match.end()].rstrip(".,;:!?)\"'")
    try:
        parts = urlsplit(written if "://" in written else f"//{written}")
    except ValueError:
        return written
    says_more = parts.path.strip("/") or parts.query or parts.fragment
    return written if says_more or "@" in parts.netloc else None


def _address(match: re.Match[str], text: str) -> str | None:
    name = match["name"]
    if _PLAIN_STREET.search(name) or _UNITS.match(match.string, match.end("number")):
        return None
    return " ".join(re.findall(r"[a-z0-9]+", match[0]))


def _any_number(match: re.Match[str], text: str) -> str | None:
    written = match[0]
    digits = _digits(match)
    is_harmless = (
        len(digits) < _MIN_NUMBER
        or _DATE.fullmatch(written)
        or _THOUSANDS.fullmatch(written)
        or _YEARS.fullmatch(written)
        or re.search(r",[0-9]{1,2}$", written)
        or re.search(
            r"r\$\s?$", match.string[max(0, match.start() - 4) : match.start()]
        )
        or all(_DATE.fullmatch(part) for part in written.split("-"))
    )
    return None if is_harmless else digits


def _birth(match: re.Match[str], text: str) -> str:
    return re.sub(r"[^0-9a-z]+", "/", match[1])


def _is(kind: str, pattern: str, value: Value = _bare) -> Identifier:
    return Identifier(kind, re.compile(pattern), value)


_DDD = "(?:" + "|".join(sorted(AREA_CODES)) + ")"
IDENTIFIERS: tuple[Identifier, ...] = (
    _is(
        "PROCESSO",
        rf"(?<![0-9])[0-9]{{7}}{_GAP}[0-9]{{2}}{_GAP}[0-9]{{4}}{_GAP}[0-9]{_GAP}[0-9]{{2}}"
        rf"{_GAP}[0-9]{{4}}(?![0-9])",
        _digits,
    ),
    _is(
        "PROCESSO",
        r"\b(?:processos?|autos|acao|protocolo|inquerito|boletim)\b[^0-9\n]{0,20}"
        r"(?<![0-9.,/-])([0-9](?:[ ./-]{0,2}[0-9]){4,24})(?![0-9])",
        _document,
    ),
    _is(
        "CPF",
        rf"(?<![0-9])[0-9]{{3}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{2}}(?![0-9])",
        _cpf,
    ),
    _is("CPF", r"\bc\.?p\.?f[^0-9\n]{0,20}([0-9](?:[ ./-]{0,3}[0-9]){8,12})(?![0-9])"),
    _is(
        "CNPJ",
        rf"(?<![0-9])[0-9]{{2}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{4}}{_GAP}"
        rf"[0-9]{{2}}(?![0-9])",
        _cnpj,
    ),
    _is(
        "CNPJ",
        r"(?<!\w)[0-9a-z]{2}\.?[0-9a-z]{3}\.?[0-9a-z]{3}[/ ]?[0-9a-z]{4}-?"
        r"[0-9]{2}(?!\w)",
        _cnpj,
    ),
    _is(
        "RG",
        r"\b(?:rg|r\.g\.|identidade|registro geral)(?![0-9])[^0-9\n]{0,20}?"
        r"((?:\b[a-z]{2}-?)?[0-9](?:[ .-]{0,2}[0-9]){4,12}(?:[ -]?x)?)(?![0-9])",
        _document,
    ),
    _is(
        "OAB",
        r"\boab(?:[\s/:.noº°-]{1,6}[a-z]{2})?[\s/:.noº°-]{0,6}([0-9]{1,3}\.?[0-9]{2,3}"
        r"(?:[/ -]?[a-z]{1,2})?)(?!\w)",
    ),
    _is(
        "DOCUMENTO",
        r"\b(?:cnh|habilitacao|pis|pasep|nis|nit|titulo(?: de eleitor)?|ctps"
        r"|carteira de trabalho|cns|sus|passaporte|matricula|beneficio|nb|renavam"
        r"|certidao|apolice|contrato|inscricao|cadunico|crm|crea|reservista|registro|pedido|medidor"
        r"|instalacao)\b[^0-9\n]{0,20}?"
        r"((?:\b[a-z]{1,2}-?)?[0-9](?:[ ./-]{0,2}[0-9]){4,24}(?:[ -]?x)?)(?![0-9])",
        _document,
    ),
    _is(
        "CHASSI",
        r"(?<!\w)(?=[a-z]*[0-9])(?=[0-9]*[a-z])[a-hj-npr-z0-9]{8}[a-hj-npr-z0-9]{5}"
        r"[0-9]{4}(?!\w)",
    ),
    _is(
        "TELEFONE",
        r"(?<!\b[0-9]/)(?<!\b[0-9]{2}/)"  # "12/03 …" begins with a day
        rf"(?<![0-9+])(?:(?:\+|00)?55{_TIE})?\(?0?(?:[0-9]{{2}}{_TIE})?{_DDD}\)?{_TIE}"
        rf"(?:9(?:{_TIE}[0-9]){{8}}|[2-9](?:{_TIE}[0-9]){{7}})(?![0-9])",
        _phone,
    ),
    _is(
        "TELEFONE",
        r"(?<![\w.,/-])(?:9[ .-]?[0-9]{4}[ .-]?[0-9]{4}|[2-9][0-9]{3}[-.][0-9]{4})"
        r"(?![0-9/]|[.,-][0-9])",
        _phone,
    ),
    _is(
        "TELEFONE",
        r"\b(?:telefone|tel|fone|cel|celular|zap|whats\w{0,3}|wpp|contato|recado|ramal)\b"
        r"[^0-9\n]{0,15}(?<![0-9.,/-])(\(?[0-9](?:[ ().-]{0,3}[0-9]){6,13})(?![0-9])",
        _phone,
    ),
    _is(
        "TELEFONE",
        r"(?<!\w)\+[1-9](?:[ ().-]{0,2}[0-9]){7,14}(?![0-9])",
        _foreign_phone,
    ),
    _is(
        "EMAIL",
        rf"(?<![a-z0-9_.+%-]){_LOCAL}(?:\s?@\s?|\s{{1,2}}arroba\s{{1,2}}){_HOST}"
        rf"(?:(?:\.|\s{{1,2}}ponto\s{{1,2}}){_HOST}){{1,5}}",
        _email,
    ),
    _is("PERFIL", r"(?<![\w.@])@[a-z0-9_.]{2,40}", _as_written),
    _is(
        "CEP",
        r"(?<![0-9])(?<![0-9][.,/-])[0-9]{2}\.?[0-9]{3}-[0-9]{3}(?![0-9]|-[0-9])",
        _digits,
    ),
    _is(
        "CEP", r"\bcep\b[^0-9\n]{0,12}([0-9]{2}[ .]?[0-9]{3}[ -]{0,3}[0-9]{3})(?![0-9])"
    ),
    _is(
        "PIX",
        r"(?<!\w)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}",
    ),
    _is(
        "PIX",
        r"\bpix\b\s{0,2}(?:e|eh|=|:|-){1,2}\s{0,2}(?=\S{0,76}[0-9@])(\S{5,77})",
        _as_written,
    ),
    _is("CARTAO", r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])", _card),
    _is(
        "CARTAO",
        r"\b(?:cvv|cvc|codigo de seguranca)\b[^0-9\n]{0,10}([0-9]{3,4})(?![0-9])",
    ),
    _is(
        "SENHA",
        r"\b(?:senha|token|codigo de acesso)\b\s{0,2}(?:e|eh|=|:|-){0,2}\s{0,2}"
        r"(?=\S{0,60}[0-9])(\S{4,60})",
        _as_written,
    ),
    _is(
        "CONTA",
        r"\b(?:agencia|ag)\b[\s.:noº°-]{0,8}(?:e |eh )?([0-9]{3,5}(?:-[0-9x])?)"
        r"(?![0-9]|[./:-][0-9])",
        _account,
    ),
    _is(
        "CONTA",
        r"\b(?:conta|conta corrente|conta poupanca|poupanca|c/c|cc|c/p|corrente)"
        r"[\s.:noº°-]{0,8}(?:e |eh )?([0-9][0-9.]{2,14}(?:-[0-9x]{1,2})?"
        r"|[0-9]{1,3}-[0-9x])(?![0-9]|[/:,-][0-9])",
        _account,
    ),
    _is("PLACA", r"(?<!\w)[a-z]{3}[ -]?[0-9][0-9a-j][0-9]{2}(?![0-9])", _plate),
    _is(
        "NASCIMENTO",
        r"\b(?:nasci|nasceu|nascid[oa]|nascimento|nasc|dn|d\.n|aniversario)\b\.?"
        r"[^0-9\n]{0,20}([0-3]?[0-9][ ./-]{1,3}[01]?[0-9][ ./-]{1,3}[0-9]{2,4}|[0-9]{8}"
        rf"|[0-3]?[0-9]/[01]?[0-9]|{_WORDY_DATE}|(?:19|20)[0-9]{{2}})(?![0-9])",
        _birth,
    ),
    _is(
        "ENDERECO",
        r"\b(?:rua|r\.|av\.?|avenida|travessa|trav\.?|tv\.?|alameda|praca|pca\.?|estrada"
        r"|estr\.?|rodovia|rod\.?|largo|beco|viela|servidao|quadra|qd\.?|sqn|sqs)\s{1,3}"
        r"(?P<name>[a-z0-9.'-]{1,30}(?:\s{1,2}[a-z0-9.'-]{1,30}){0,7}?)"
        r"(?:\s{0,2},\s{0,2}|\s{1,2})(?:n\s?[o.:º°]{0,2}\s?|numero\s|num\.?\s|casa\s)?"
        r"(?P<number>[0-9]{1,5}[a-z]?)(?![0-9:%]|[.,/][0-9])"
        r"(?:[\s,-]{1,3}(?:ap(?:to|t|artamento)?|bloco|bl|casa|sala|fundos|andar|lote|lt"
        r"|quadra|qd|conj(?:unto)?|torre)\.?\s{0,2}[0-9a-z]{1,5}\b){0,4}",
        _address,
    ),
    _is(
        "LINK",
        r"(?<![\w@.])(?:https?://[^\s<>]{1,2000}|www\.[^\s<>]{1,2000}"
        r"|(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,10}/[^\s<>]{1,2000})",
        _link,
    ),
    _is("NUMERO", r"(?<![0-9.,/-])[0-9](?:[ .-][0-9]){6,40}(?![\w.,/-])", _digits),
    _is("NUMERO", r"(?<![0-9.,/-])[0-9](?:[./-]?[0-9]){6,60}(?![0-9])", _any_number),
)
"""Longer finds win over shorter ones; of equally long ones, the first."""
