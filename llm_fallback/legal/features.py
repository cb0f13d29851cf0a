"""What the classifier of legal questions sees of a message beside its meaning.

Words, pairs of words and pieces of three to five letters, weighed by how rare they
are (tf-idf), and a few cues that a person would name: does it speak to the office
("vocês", "consulta", "levar") or about the law ("direito", "crime", "prazo")?
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from bot.core.entities.found import fold

MAX_CHARACTERS = 4000
"""Of a message, half from each end; a WhatsApp message over Twilio has 1,600."""
_MAX_PIECES = 6
_MIN_WORDS = 3
_LONG_WORDS = 24
"""A longer sentence, dictated or written without full stops, is read in windows."""
_WINDOW_WORDS = 16
_STEP_WORDS = 8
_PIECE_SIZES = (3, 4, 5)
_SELDOM = 2
"""Seen in fewer examples, a term teaches nothing of other messages."""

_LOOKALIKES = str.maketrans("аеорсухіАЕОРСХІΑΕΟΙο", "aeopcyxiAEOPCXIAEOIo")
"""Cyrillic and Greek letters that are read as ours."""
_SPELLED_OUT = re.compile(r"(?<!\w)(?:[^\W_][ .\-_*|/]{1,3}){3,}[^\W_](?!\w)")
_WORD = re.compile(r"[\w@$]+")
_KEPT = re.compile(r"[^\W_]+|[?%]|[.,](?=\s|$)")
_DRAWN_OUT = re.compile(r"([^\W\d_])\1{2,}")
_LEET = re.compile(r"[a-z][01345@$]+[a-z]|^[01345@$]+[a-z]{2}|[a-z]{2}[01345@$]$")
_LEET_LETTERS = str.maketrans("01345@$", "oieasas")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|[\n;]+")
_SHORT_FORMS = {
    "vc": "você", "vcs": "vocês", "cê": "você", "ce": "você", "cês": "vocês",
    "voce": "você", "voces": "vocês", "oq": "o que", "oque": "o que", "q": "que",
    "pq": "porque", "n": "não", "ñ": "não", "nao": "não", "tb": "também",
    "tbm": "também", "pra": "para", "pro": "para o", "tô": "estou", "to": "estou",
    "tá": "está", "ta": "está", "qto": "quanto", "qnto": "quanto", "qtos": "quantos",
    "eh": "é", "c": "se", "dr": "doutor", "dra": "doutora", "cmg": "comigo",
    "qro": "quero", "hj": "hoje", "msm": "mesmo", "zap": "whatsapp",
    "doc": "documento", "docs": "documentos", "adv": "advogado",
}  # fmt: skip

CUES: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "speaks to the office": r"\bvoces?\b|\bai\b(?=\W*$)",
        "the house": r"\b(?:escritorio|recepc\w+|secretari\w+|sala|predio|andar"
        r"|endereco)\b",
        "a lawyer": r"\bdoutora?\b|\badvogad[oa]\b",
        "an appointment": r"\b(?:consultas?|reuniao|horario|agend\w+|marc\w+|remarc\w+"
        r"|desmarc\w+|video\w*|atendid[oa])\b",
        "a service": r"\b(?:atend\w+|pegam|cuidam?|mexem|defendem|assumem"
        r"|trabalham com)\b|\bfaz(?:em)?\b.{0,12}\?",
        "fees": r"\b(?:honorari\w+|cobr\w+|parcel\w+|boleto|preco|custa|cartao"
        r"|desconto|orcamento|recibo)\b",
        "papers": r"\b(?:lev[oa]r?|trazer|mand(?:ar|ei|o)|envi\w+|documentos?|papeis"
        r"|copia|certid\w+|procuracao)\b",
        "one's own lawsuit": r"\b(?:d?o meu|d?a minha|meu|minha) (?:processo|acao|causa"
        r"|audiencia|recurso|alvara|inventario|divorcio|pericia|sentenca|caso)\b",
        "what is right": r"\b(?:direitos?|obrigad[oa]s?|permitid\w|proibid\w|i?lega(?:l"
        r"|is)|valid\w+|vale|regra|pode isso|isso pode|justo)\b|\b(?:pode|certo)\?",
        "crime": r"\b(?:crimes?|pres[oa]|cadeia|prisao|pena|delegacia|policia"
        r"|condena\w*)\b",
        "the courts": r"\b(?:process(?:ar|o)|justica|juiz|recorrer|recurso|cabe"
        r"|juizado|acao)\b",
        "money to be had": r"\b(?:indeniza\w+|receb(?:o|er|e)|devolv\w+|ganh(?:o|ar)"
        r"|de volta|dano moral|cobrar)\b",
        "a term": r"\b(?:prazo|prescrev\w+|caduc\w+|quant[oa]s (?:anos|dias|meses)"
        r"|quanto tempo)\b",
        "the law": r"\b(?:lei|artigo|codigo|constituicao|o que e|o que significa"
        r"|diferenca|explica|para que serve)\b",
        "what to do": r"\bo que (?:eu )?(?:faco|fazer|devo)\b|\be agora\b|\b(?:devo"
        r"|assin(?:o|ar)|compensa|vale a pena|melhor|chance)\b",
        "the other side": r"\b(?:patrao|empresa|firma|banco|loja|inss|vizinho"
        r"|inquilino|locador|proprietario|dono|ex|marido|mulher|pai|mae|irmao|irma"
        r"|socio|condominio|plano|operadora|escola|policia|governo|receita)\b",
        "may one": r"\b(?:posso|podem?|podia|da para|tem como|consigo)\b",
        "a question": r"\?",
        "a text to be drafted": r"\b(?:redig\w+|escrev\w+|monta|prepara|calcul\w+"
        r"|modelo|minuta|peticao|parecer)\b",
    }.items()
}
"""What each cue is read from, in tidied text without accents."""


def tidy(text: str) -> str:
    """Returns a message in one plain spelling; accents stay, for their meaning.

    Spelled-out words, letters of other alphabets, digits for letters and what
    messages shorten are undone.

    >>> tidy("VC acha que p o s s o pr0cess4r???")
    'você acha que posso processar?'
    """
    if len(text) > MAX_CHARACTERS:
        text = f"{text[: MAX_CHARACTERS // 2]}\n{text[-MAX_CHARACTERS // 2 :]}"
    text = unicodedata.normalize("NFKC", text).translate(_LOOKALIKES).lower()
    text = "".join(char for char in text if unicodedata.category(char) != "Cf")
    text = _DRAWN_OUT.sub(r"\1", _SPELLED_OUT.sub(_joined, text))
    kept = " ".join(_KEPT.findall(_WORD.sub(_spelled, text)))
    return re.sub(r" (?=[?%.,])|([?.,])(?: ?\1)+", r"\1", kept)


def pieces(text: str) -> list[str]:
    """Returns what is judged of a message: all of it, and its sentences.

    A question that stands at the end of a long story is found by itself; of many
    sentences, those with a question mark come first, then the last ones.
    """
    whole = tidy(text)
    parts = [
        window
        for sentence in _SENTENCE_END.split(text[-MAX_CHARACTERS:])
        for window in _windows(tidy(sentence).split())
    ]
    apart = [part for part in dict.fromkeys(parts) if part != whole]
    asking = [part for part in apart if "?" in part]
    telling = [part for part in apart if "?" not in part]
    return [whole, *[*asking[::-1], *telling[::-1]][:_MAX_PIECES]]


def terms(tidied: str) -> tuple[list[str], list[str]]:
    """Returns the words and neighbours, and the pieces of letters, of tidied text."""
    words = re.findall(r"[a-z0-9]+|\?", fold(tidied))
    bounded = ["^", *words, "$"]
    read = [
        *words,
        *(f"{one} {other}" for one, other in pairwise(bounded)),
        *(f"{one} _ {other}" for one, other in zip(words, words[2:], strict=False)),
    ]
    line = f" {' '.join(word for word in words if word != '?')} "
    return read, [
        line[start : start + size]
        for size in _PIECE_SIZES
        for start in range(len(line) - size + 1)
    ]


def cues(tidied: str) -> np.ndarray:
    """Returns 1 for each of `CUES` that stands in tidied text, else 0; float32."""
    plain = fold(tidied)
    found = [1.0 if cue.search(plain) else 0.0 for cue in CUES.values()]
    return np.asarray(found, dtype=np.float32)


class Vocabulary:
    """The terms of the examples, and how much each says (smoothed idf)."""

    def __init__(self, examples: Sequence[Sequence[str]]) -> None:
        seen = Counter(term for example in examples for term in set(example))
        usual = sorted(term for term, count in seen.items() if count >= _SELDOM)
        self._place = {term: place for place, term in enumerate(usual)}
        counts = np.asarray([seen[term] for term in usual], dtype=np.float64)
        self._idf = np.log((1 + len(examples)) / (1 + counts)) + 1

    def __len__(self) -> int:
        return len(self._place)

    def vector(self, read: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Returns places and weights of a unit vector; both empty for no known term."""
        counted = Counter(term for term in read if term in self._place)
        places = np.asarray([self._place[term] for term in counted], dtype=np.intp)
        if not counted:
            return places, np.zeros(0)
        often = np.asarray(list(counted.values()), dtype=np.float64)
        weights = (1 + np.log(often)) * self._idf[places]
        return places, weights / np.linalg.norm(weights)

    def matrix(self, examples: Sequence[Sequence[str]]) -> np.ndarray:
        """Returns one row an example, shape (examples, terms), float32."""
        rows = np.zeros((len(examples), len(self)), dtype=np.float32)
        for row, read in zip(rows, examples, strict=True):
            places, weights = self.vector(read)
            row[places] = weights
        return rows


def _joined(match: re.Match[str]) -> str:
    """Returns the words of "t.e.n.h.o u.m" or "t e n h o  u m"."""
    letters = re.findall(r"[^\W_]", match[0])
    between = [each for each in re.split(r"[^\W_]", match[0]) if each]
    usual = Counter(between).most_common(1)[0][0]
    ends = ["" if each == usual else " " for each in between]
    return "".join(
        f"{letter}{end}" for letter, end in zip(letters, [*ends, ""], strict=True)
    )


def _spelled(match: re.Match[str]) -> str:
    word = match[0]
    if sum(char.isalpha() for char in word) > 1 and _LEET.search(word):
        word = word.translate(_LEET_LETTERS)
    return _SHORT_FORMS.get(word, word)


def _windows(words: Sequence[str]) -> Iterator[str]:
    if len(words) >= _MIN_WORDS:
        yield " ".join(words)
    if len(words) > _LONG_WORDS:
        for start in range(0, len(words) - _STEP_WORDS, _STEP_WORDS):
            yield " ".join(words[start : start + _WINDOW_WORDS])
