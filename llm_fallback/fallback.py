"""One message that no flow understood: what should become of it.

The order is the order of trust. What asks for a legal opinion goes to a lawyer, and
the model is not asked. What the office has answered in writing is quoted, and the
model is not asked. Only then the model chooses a way and, where the office's texts
hold an answer, writes it; what it wrote is checked as if it were hostile.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from llm_fallback import routing, summary
from llm_fallback.errors import LlmAnswerRejected, Rejection
from llm_fallback.guards.checks import review
from llm_fallback.guards.reading import folded
from llm_fallback.hosting.model import (
    ModelSettings,
    ModelState,
    OfficeModel,
    Reply,
    open_model,
)
from llm_fallback.knowledge.entry import Entry
from llm_fallback.knowledge.retrieval import Knowledge
from llm_fallback.legal.questions import LegalQuestions
from llm_fallback.privacy.masking import Mask
from llm_fallback.prompt import Prompt, build_prompt, ends_of
from llm_fallback.question import (
    Decision,
    EnterFlow,
    Exchange,
    LegalQuestion,
    Material,
    MaterialKind,
    Question,
    Quoted,
    SmallTalk,
    WantsPerson,
    Written,
)
from llm_fallback.routing import Routed

OFFERED = 4
"""Texts of the office in one prompt."""
_SHORT_WORDS = 4
"""Up to so many words a message leans on the one before it ("e no sábado?")."""
_MAY_ASK = frozenset({MaterialKind.FORWARDED, MaterialKind.TRANSCRIPT})
_OPENING = re.compile(
    r"^\s*(?:claro|certo|perfeito|com prazer|com certeza|[oó]tima pergunta"
    r"|boa pergunta)(?: que sim)?\s*[!.,:]+\s*",
    re.IGNORECASE,
)
"""Words that a model likes to begin with. They say nothing, or yes to whatever was
asked, and are left out before the checks."""
_WORTH_A_SECOND_TRY = frozenset({Rejection.MALFORMED, Rejection.CUT_SHORT})
_MODEL_DECIDES: dict[str, Decision] = {
    routing.LEGAL: LegalQuestion(by_model=True),
    routing.SMALL_TALK: SmallTalk(),
    routing.PERSON: WantsPerson(),
}


@dataclass(frozen=True)
class Prepared:
    """A question, and what is known of it without the model."""

    question: Question
    entries: tuple[Entry, ...]
    """The office's texts nearest to it, the best first; at most `OFFERED`."""
    decision: LegalQuestion | Quoted | None
    """What becomes of it, where the model is not needed."""


@dataclass(frozen=True)
class Lessons:
    """What the office taught; reading it into memory takes seconds."""

    knowledge: Knowledge
    """The office's texts."""
    legal: LegalQuestions
    """Knows what only a lawyer answers."""


class Fallback:
    """Decides; opened by `open_fallback`."""

    def __init__(
        self,
        model: OfficeModel,
        *,
        lessons: Future[Lessons],
        deadline_s: float,
        canary: str = "",
        public_names: Sequence[str] = (),
    ) -> None:
        """Puts the parts together.

        Args:
            model: the office's model.
            lessons: what the office taught; a question waits until it is there.
            deadline_s: for the model's whole part, a second try included.
            canary: letters and digits that stand in the prompt and in no answer; ""
                for none.
            public_names: of the office's own people, which need not be masked.
        """
        self._public_names = tuple(public_names)
        self._model = model
        self._lessons = lessons
        self._deadline_s = deadline_s
        self._canary = canary

    @property
    def model_state(self) -> ModelState:
        """How much of the model there is."""
        return self._model.state

    async def decide(self, question: Question) -> Decision:
        """Returns what should become of a question.

        Raises:
            LlmError: the model was needed and gave nothing that may be used.
        """
        prepared = await asyncio.to_thread(self.prepare, question)
        return prepared.decision or await self.ask(prepared)

    def prepare(self, question: Question) -> Prepared:
        """Returns what is known without the model.

        About 10 ms of processor time: not for an event loop.
        """
        lessons = self._lessons.result()
        told = ends_of(_own_words(question))
        if any(lessons.legal.is_legal(each) for each in (told, *_passed_on(question))):
            return Prepared(question, (), LegalQuestion(by_model=False))
        found = lessons.knowledge.find(told, at_most=OFFERED)
        if found.sure and not question.materials:
            quoted = Quoted(found.sure.text, found.sure.id)
            return Prepared(question, (found.sure,), quoted)
        asked_before = question.history[-1].question if question.history else ""
        if asked_before and len(told.split()) <= _SHORT_WORDS:
            whole = f"{ends_of(asked_before)} {told}"
            found = lessons.knowledge.find(whole, at_most=OFFERED)
        return Prepared(question, tuple(hit.entry for hit in found.hits), None)

    async def ask(self, prepared: Prepared) -> Decision:
        """Returns what the model makes of it.

        Raises:
            LlmTimeout: the deadline passed.
            LlmBusy: too many questions wait.
            LlmUnavailable: no host could be used.
            LlmAnswerRejected: an answer came and must not be shown.
        """
        started = time.monotonic()
        mask = Mask(prepared.question.names, public=self._public_names)
        question = _masked(prepared.question, mask)
        prompt = build_prompt(question, entries=prepared.entries, canary=self._canary)
        reply, routed = await self._routed(prompt, question)
        if routed.route in _MODEL_DECIDES:
            return _MODEL_DECIDES[routed.route]
        if routed.route != routing.KNOWLEDGE:
            return EnterFlow(routed.route)
        text, sources = self._proven(routed, prompt.sources, question, mask)
        return Written(
            text=text,
            sources=sources,
            model=self._model.name,
            host=reply.host,
            total_s=time.monotonic() - started,
            model_s=reply.model_s,
            prompt_tokens=reply.prompt_tokens,
            answer_tokens=reply.answer_tokens,
        )

    async def summarise(
        self,
        facts: Sequence[str],
        exchanges: Sequence[Exchange],
        *,
        names: Sequence[str] = (),
    ) -> str | None:
        """Returns a conversation in a few lines; None where nothing may be shown.

        What is told of it is described at `summary.summarise`.
        """
        return await summary.summarise(
            self._model,
            facts,
            exchanges,
            names=names,
            public_names=self._public_names,
            canary=self._canary,
            deadline_s=self._deadline_s,
        )

    async def _routed(self, prompt: Prompt, question: Question) -> tuple[Reply, Routed]:
        """Asks, and once more where the answer was no whole JSON."""
        deadline_at = asyncio.get_running_loop().time() + self._deadline_s
        shape = routing.schema(question.flows, prompt.sources)

        async def ask() -> tuple[Reply, Routed]:
            reply = await self._model.complete(
                prompt.messages, schema=shape, deadline_at=deadline_at
            )
            return reply, _read(reply.text, prompt, question)

        try:
            return await ask()
        except LlmAnswerRejected as error:
            if error.reason not in _WORTH_A_SECOND_TRY:
                raise
        return await ask()

    def _proven(
        self, routed: Routed, offered: Sequence[str], question: Question, mask: Mask
    ) -> tuple[str, tuple[str, ...]]:
        """Returns the model's words as they may be shown, and what they rest on.

        Words that came without any shape must be supported by one single text.

        Raises:
            LlmAnswerRejected: they may not be shown.
        """
        if routed.sources:
            return self._checked(routed, question, mask), routed.sources
        refused = LlmAnswerRejected(Rejection.NO_SOURCE)
        for each in offered:
            try:
                cited = Routed(routed.route, (each,), routed.text)
                return self._checked(cited, question, mask), (each,)
            except LlmAnswerRejected as error:
                refused = error
        raise refused

    def _checked(self, routed: Routed, question: Question, mask: Mask) -> str:
        """Returns the model's words as they may be shown.

        Raises:
            LlmAnswerRejected: they may not.
        """
        if self._canary and self._canary.lower() in _letters(routed.text):
            raise LlmAnswerRejected(Rejection.CANARY)
        cited = "\n\n".join(
            f"{each.title}\n{each.text}"
            for each in self._lessons.result().knowledge.entries_of(routed.sources)
        )
        said = _OPENING.sub("", routed.text)
        restored = mask.restore(said).strip()
        plain = mask.plain(said)
        shown = review(plain, question=mask.plain(question.text), cited=cited)
        return shown if plain == said else restored


@asynccontextmanager
async def open_fallback(
    settings: ModelSettings,
    *,
    lessons: Lessons | Future[Lessons],
    canary: str = "",
    public_names: Sequence[str] = (),
    on_change: Callable[[ModelState], object] = lambda _: None,
) -> AsyncIterator[Fallback]:
    """Opens the model's clients and closes them; waits for no server.

    Args:
        settings: where the model is; without hosts, `prepare` still works.
        lessons: what the office taught, or its future: questions wait for it, and
            nothing else does.
        canary: letters and digits that stand in the prompt and in no answer; "" for
            none.
        public_names: of the office's own people, which need not be masked.
        on_change: called after every change of the model's state.
    """
    if isinstance(lessons, Lessons):
        ready: Future[Lessons] = Future()
        ready.set_result(lessons)
        lessons = ready
    async with open_model(settings, on_change=on_change) as model:
        yield Fallback(
            model,
            lessons=lessons,
            deadline_s=settings.deadline_s,
            canary=canary,
            public_names=public_names,
        )


def _read(text: str, prompt: Prompt, question: Question) -> Routed:
    """Returns the model's choice; bare words count as an answer without sources.

    A server may ignore the schema (Ollama #8063, #15260), and asking it again would
    bring bare words again.

    Raises:
        LlmAnswerRejected: neither JSON of the shape nor bare words.
    """
    try:
        return routing.read(text, flows=question.flows, sources=prompt.sources)
    except LlmAnswerRejected:
        if "{" in text or not prompt.sources:
            raise
    return Routed(routing.KNOWLEDGE, (), text)


def _own_words(question: Question) -> str:
    """Returns what is asked: the message, or what was passed on without a word."""
    if question.text.strip():
        return question.text
    return next((each.text for each in question.materials), "")


def _passed_on(question: Question) -> list[str]:
    """Returns others' words beside the message that may ask for an opinion."""
    return [
        ends_of(each.text)
        for each in question.materials
        if each.kind in _MAY_ASK and each.text.strip()
    ]


def _masked(question: Question, mask: Mask) -> Question:
    """Returns the question without personal data; a placeholder a value."""
    return replace(
        question,
        text=mask.hide(ends_of(question.text)),
        materials=tuple(
            Material(each.kind, mask.hide(ends_of(each.text)))
            for each in question.materials
        ),
        facts={name: mask.hide(value) for name, value in question.facts.items()},
        history=tuple(
            Exchange(mask.hide(ends_of(each.question)), mask.hide(ends_of(each.answer)))
            for each in question.history
        ),
        names=(),
    )


def _letters(text: str) -> str:
    """Returns the text's letters and digits alone, lower case, without accents."""
    return "".join(char for char in folded(text) if char.isalnum())
