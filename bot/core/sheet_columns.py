"""Columns of spreadsheets: read out of a list, or the usual ones of a subject."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.core.entities.found import fold

LONGEST_COLUMN = 60
"""Characters; what is longer was no name of a column."""
GENERAL = ("Data", "Descrição", "Responsável", "Situação", "Observações")
_USUAL: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        r"custas?|custos?|despesas?|gastos?|reembolsos?|preparo|xerox|cartorio|uber"
        r"|combustivel|viage[mn]s?",
        ("Data", "Descrição", "Processo", "Valor", "Pago por", "Reembolsado?"),
    ),
    (
        r"prazos?|recursos? pendentes?",
        ("Prazo final", "Processo", "Cliente", "O que fazer", "Responsável",
         "Situação"),
    ),
    (
        r"honorarios?|hon|sucumbencia\w*|parcelas?|pagamentos?|recebimentos?"
        r"|inadimplentes?|cobrancas?|mensalidades?|alugue(?:l|is)|acordos?",
        ("Cliente", "Processo", "Valor", "Vencimento", "Pago em", "Situação"),
    ),
    (
        r"audiencias?|aud|aij|pericias?|sessoes|sessao|diligencias?|reunioes|plantao",
        ("Data", "Hora", "Processo", "Cliente", "Local ou link", "Responsável",
         "Observações"),
    ),
    (
        r"contatos?|leads?|telefones?|clientes?|correspondentes?|peritos?|aniversariantes",
        ("Nome", "Telefone", "E-mail", "Assunto", "Origem", "Observações"),
    ),
    (
        r"documentos?|procurac\w+|contratos?|certid\w+|originais|peticoes|alvaras?"
        r"|matriculas?",
        ("Documento", "Cliente", "Processo", "Data", "Situação", "Observações"),
    ),
    (
        r"depositos?|rpvs?|precatorios?|guias?|recolhimentos?",
        ("Data", "Processo", "Cliente", "Valor", "Banco ou guia", "Situação"),
    ),
    (
        r"verbas?|calculos?|debitos?|horas extras|pensao|valores|execuc\w+"
        r"|contribuicao",
        ("Período", "Descrição", "Valor devido", "Valor pago", "Diferença",
         "Observações"),
    ),
    (
        r"testemunhas?|reus?|citac\w+|reclamantes?",
        ("Nome", "Processo", "Telefone", "Endereço", "Situação", "Observações"),
    ),
    (
        r"bens|partilha|benfeitorias?|lotes?",
        ("Bem", "Descrição", "Valor", "Fica com", "Observações"),
    ),
    (
        r"receitas?|fluxo de caixa|entradas?|saidas?|financeir\w+|prestacao de contas",
        ("Data", "Histórico", "Entrada", "Saída", "Saldo"),
    ),
    (
        r"tarefas?|pendencias?|atividades|ligacoes",
        ("Tarefa", "Cliente", "Responsável", "Até quando", "Situação"),
    ),
    (
        r"processos?|acoes|processual|sentencas?|precatorias?",
        ("Número", "Cliente", "Parte contrária", "Vara", "Fase", "Próximo passo"),
    ),
)  # fmt: skip
"""What a subject is called, in folded words, and what one notes of it."""
_SUBJECTS = tuple(
    (re.compile(rf"(?<!\w)(?:{words})(?!\w)"), columns) for words, columns in _USUAL
)
_BETWEEN = re.compile(r"\s*(?:[,;\n|•]|\s[/–-]\s|\.\s)\s*(?:e\s+(?:tamb[eé]m\s+)?)?")
_AND = re.compile(r"\s+(?:e(?:\s+tamb[eé]m)?|mais|\+|&)\s+", re.I)
_LEADING = re.compile(
    r"^(?:(?:as|os|a|o|uma?)?\s*colunas?\s+(?:pra|para|de|do|da|com)?\s*|(?:e|com|tamb[eé]m"
    r"|deixa|coloca|ter|s[oó]|apenas|somente|tipo)\s+|(?:a|o|as|os|de|do|da|um|uma|pra"
    r"|para)\s+(?=\w)(?!que\b|qu[eê]\b))+",
    re.I,
)
_TRAILING = re.compile(
    r"(?:[\s,.;:!)\]👍]+|[\s,]+(?:por favor|pfv?|tamb[eé]m|etc|mais nada|a[ií]|pra mim"
    r"|para mim|blz|s[oó] isso|ou n[aã]o|sim ou n[aã]o|n[eé]))+$",
    re.I,
)
_IF = re.compile(r"^se\s+(?:(?:o|a) cliente\s+)?(?P<what>.+?)\??$", re.I)
_YES_NO = re.compile(r"\b(?:sim ou n[aã]o|ou n[aã]o)\s*$", re.I)
_ENDS = re.compile(
    r"[\s,.]*\b(?:(?:pra|para|que) (?:depois )?eu\b|que depois\b|(?:me )?cria\b|faz\b"
    r"|abre\b|porque\b|pra isso\b)[^,;]*$",
    re.I | re.S,
)
_NOTHING = re.compile(
    r"mais nada|s[oó] isso|etc\.?|por favor|pfv?|obrigad[oa]|blz|valeu|depois eu .*",
    re.I,
)
_WORDS = """
    nome completo, nome, cpf, rg, cnpj, telefone, celular, e-mail, email, endereco
    cidade, cliente, numero do processo, numero processo, processo, numero, vara
    comarca, juizo, fase, valor pago, valor devido, valor total, valor
    data de vencimento, data, dia, hora, horario, vencimento, prazo final, prazo
    responsavel, situacao, status, descricao, obs, observacao, observacoes, origem
    assunto, tipo, guia, recibo, banco, parcelas, parcela, entrada, saida, saldo
    autor, reu, parte contraria, local, link, testemunhas, testemunha, destino, km
    reembolso, quantidade, total, salario base, salario, horas extras, reflexos, fgts
    aviso previo, ferias, decimo terceiro, multa, juros, correcao, empresa, inicio
    fim, almoco, mes, ano, beneficio, quem pagou, o que foi, quanto foi, area do caso
    area, categoria, forma de pagamento, pagamento, pago, advogado
    """
_KNOWN = tuple(
    sorted((each.strip() for each in re.split(r"[,\n]", _WORDS.strip())), key=len)
)[::-1]
"""Folded, the longest first."""


def columns_for(subject: str) -> tuple[str, ...]:
    """Returns the usual columns of a subject, in folded words; the first one counts.

    >>> columns_for("prazos das audiencias")[0]
    'Prazo final'
    """
    found = [
        (match.start(), columns)
        for pattern, columns in _SUBJECTS
        if (match := pattern.search(subject))
    ]
    return min(found, key=lambda each: each[0])[1] if found else GENERAL


def listed(text: str) -> list[str]:
    """Returns the columns that a list names, as people say it.

    >>> listed("data, o valor e quem pagou")
    ['data', 'valor', 'quem pagou']
    """
    ended = _ENDS.sub("", text.strip(" \n()[]?"))
    return [
        column
        for part in _BETWEEN.split(ended)
        for piece in _AND.split(part)
        for column in _apart(piece)
        if not _NOTHING.fullmatch(column)
    ]


def is_subject(words: str) -> bool:
    """Says whether words name what a sheet is about, and no column."""
    plain = fold(words)
    return plain not in _KNOWN and columns_for(plain) is not GENERAL


def _apart(piece: str) -> Iterator[str]:
    """Yields a piece, or the columns in it where nobody wrote commas."""
    is_yes_no = _YES_NO.search(piece)
    bare = _LEADING.sub("", _TRAILING.sub("", piece.strip(" \"“”'«»\n")))
    asked = _IF.match(bare)
    if asked:
        yield f"{asked['what']}?"
    elif is_yes_no and bare:
        yield f"{bare}?"
    elif bare and len(bare) <= LONGEST_COLUMN:
        yield from _known_in(bare) or [bare]


def _known_in(words: str) -> list[str]:
    """Returns the columns that a run of words consists of; none where of others."""
    left, found = words, []
    while left:
        bare = re.sub(r"^(?:as?|os?|de)\s+(?=\w)", "", left)
        text = next((each for each in (left, bare) if _first(each)), "")
        if not text:
            return []
        end = len(_first(text))
        found.append(text[:end])
        left = text[end:].strip()
    return found


def _first(text: str) -> str:
    return next((each for each in _KNOWN if _begins(text, each)), "")


def _begins(text: str, words: str) -> bool:
    end = len(words)
    behind = text[end : end + 1]
    return fold(text[:end]) == words and not (behind.isalnum() or behind == "-")
