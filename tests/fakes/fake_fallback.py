"""A fallback whose decisions are a script, for actions that act on them.

The decisions themselves are the real fallback's business (`test_llm_fallback.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from llm_fallback import Decision, Exchange, LlmError, ModelState, Prepared, Question
from llm_fallback.question import LegalQuestion, Quoted


@dataclass
class FakeFallback:
    """Takes the next decision of the script; the last one stays."""

    script: Iterable[Decision | LlmError] = ()
    model_state: ModelState = ModelState.READY
    questions: list[Question] = field(default_factory=list)
    """Every question that was prepared."""
    asked: int = 0
    """How often the model was asked."""
    summary: str | None = None
    """What it makes of every conversation."""
    told: list[tuple[Sequence[str], Sequence[Exchange]]] = field(default_factory=list)
    """Facts and exchanges of every conversation that was to be summarised."""

    def __post_init__(self) -> None:
        """Takes the script as it stands."""
        self._left = list(self.script)

    def prepare(self, question: Question) -> Prepared:
        """Decides what needs no model."""
        self.questions.append(question)
        first = self._left[0] if self._left else None
        if isinstance(first, LegalQuestion | Quoted):
            return Prepared(question, (), self._next())  # type: ignore[arg-type]
        return Prepared(question, (), None)

    async def ask(self, prepared: Prepared) -> Decision:
        """Decides as the script says."""
        self.asked += 1
        decision = self._next()
        if isinstance(decision, LlmError):
            raise decision
        return decision

    async def summarise(
        self,
        facts: Sequence[str],
        exchanges: Sequence[Exchange],
        *,
        names: Sequence[str] = (),
    ) -> str | None:
        """Returns the summary of the script."""
        self.told.append((facts, exchanges))
        return self.summary

    def _next(self) -> Decision | LlmError:
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]
