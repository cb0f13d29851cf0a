"""The table and the picture of `make compare-nlu`, from what was measured.

Pure: it measures nothing and knows no pipeline by name.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

_SCORES = {
    "intent_accuracy": "exatidão",
    "macro_f1": "macro-F1",
    "out_of_scope_recall": "fora do escopo achado",
    "false_reject_rate": "rejeitado à toa",
}
_TIMES = {"ms_p50": "ms p50", "ms_p95": "ms p95", "train_s": "treino s"}
_MEMORY = {"peak_mb": "memória MB"}
_BARS = (
    ("intent_accuracy", "exatidão", "#1f5f8b"),
    ("out_of_scope_recall", "fora do escopo achado", "#d08c2f"),
)
_WIDTH, _LABEL, _BAR, _ROW, _TOP = 760, 250, 440, 54, 64


@dataclass(frozen=True)
class Measured:
    """What one pipeline did."""

    name: str
    """Its file."""
    folds: Sequence[dict[str, Any]]
    """One summary a fold; empty where none was measured."""
    evaluation: dict[str, Any]
    """The summary of the evaluation set, trained on every example."""
    note: str = ""
    """What was reduced, if anything was."""


def table(rows: Sequence[Measured]) -> str:
    """Returns two Markdown tables: the folds, then the evaluation set."""
    return "\n\n".join(
        [
            "Validação cruzada nos exemplos de data/ (média ± desvio entre as partes):",
            _markdown(rows, {**_SCORES, **_TIMES}, _of_folds),
            "Conjunto de avaliação, treinado com todos os exemplos:",
            _markdown(rows, {**_SCORES, **_TIMES, **_MEMORY}, _of_evaluation),
            "Memória: pico do processo que lê, com o Rasa e o TensorFlow que ele "
            "importa. Treino: sem o início do Rasa.",
        ]
    )


def _markdown(rows: Sequence[Measured], columns: dict[str, str], cell: Any) -> str:
    lines = ["| caminho | " + " | ".join(columns.values()) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for row in rows:
        name = f"{row.name} ({row.note})" if row.note else row.name
        lines.append(f"| {name} | " + " | ".join(cell(row, c) for c in columns) + " |")
    return "\n".join(lines)


def _of_folds(row: Measured, column: str) -> str:
    values = [float(fold[column]) for fold in row.folds]
    if not values:
        return "–"
    mean = statistics.fmean(values)
    if column in _TIMES:
        return f"{mean:.1f}"
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{mean:.3f}{spread}"


def _of_evaluation(row: Measured, column: str) -> str:
    value = float(row.evaluation[column])
    if column in _MEMORY:
        return f"{value:.0f}"
    return f"{value:.1f}" if column in _TIMES else f"{value:.3f}"


def picture(rows: Sequence[Measured]) -> str:
    """Returns an SVG of two bars a pipeline, on the evaluation set."""
    height = _TOP + _ROW * len(rows) + 16
    title = "Caminhos de entendimento no conjunto de avaliação"
    said = "; ".join(
        f"{row.name}: "
        + ", ".join(f"{label} {row.evaluation[key]:.3f}" for key, label, _ in _BARS)
        for row in rows
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'role="img" aria-labelledby="titulo descricao" font-family="sans-serif" '
        'font-size="13">',
        f'<title id="titulo">{title}</title>',
        f'<desc id="descricao">{escape(said)}</desc>',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="26" font-size="16" fill="#1c1c1c">{title}</text>',
        *_legend(),
    ]
    for number, row in enumerate(rows):
        parts += _row(row, _TOP + number * _ROW)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend() -> list[str]:
    return [
        f'<rect x="{16 + 130 * number}" y="38" width="12" height="12" fill="{colour}"/>'
        f'<text x="{34 + 130 * number}" y="49" fill="#1c1c1c">{label}</text>'
        for number, (_, label, colour) in enumerate(_BARS)
    ]


def _row(row: Measured, top: int) -> list[str]:
    parts = [f'<text x="16" y="{top + 26}" fill="#1c1c1c">{escape(row.name)}</text>']
    for number, (key, _, colour) in enumerate(_BARS):
        value = float(row.evaluation[key])
        y = top + 4 + number * 20
        length = max(0.0, min(1.0, value)) * _BAR
        parts.append(
            f'<rect x="{_LABEL}" y="{y}" width="{length:.1f}" height="16" '
            f'fill="{colour}"/>'
            f'<text x="{_LABEL + length + 6:.1f}" y="{y + 13}" fill="#1c1c1c">'
            f"{value:.3f}</text>"
        )
    return parts
