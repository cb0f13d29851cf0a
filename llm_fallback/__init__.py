"""The model fallback: a question goes in, a decision comes out.

This package knows nothing of Rasa, of the database or of WhatsApp. Whoever
calls it opens it once and asks:

    async with open_fallback(model_settings, lessons=…) as fallback:
        decision = await fallback.decide(Question("Posso levar minha mãe?"))

Every failure is an `LlmError`, whose `response` names what the person gets.
"""

from llm_fallback.errors import (
    LlmAnswerRejected,
    LlmBusy,
    LlmError,
    LlmModelLoading,
    LlmModelMissing,
    LlmProtocolBroken,
    LlmRequestRefused,
    LlmSuspended,
    LlmTimeout,
    LlmUnavailable,
    Rejection,
)
from llm_fallback.fallback import Fallback, Lessons, Prepared, open_fallback
from llm_fallback.hosting.model import (
    HostHealth,
    ModelHealth,
    ModelSettings,
    ModelState,
    OfficeModel,
    Reply,
    open_model,
)
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

__all__ = [
    "Decision",
    "EnterFlow",
    "Exchange",
    "Fallback",
    "HostHealth",
    "LegalQuestion",
    "Lessons",
    "LlmAnswerRejected",
    "LlmBusy",
    "LlmError",
    "LlmModelLoading",
    "LlmModelMissing",
    "LlmProtocolBroken",
    "LlmRequestRefused",
    "LlmSuspended",
    "LlmTimeout",
    "LlmUnavailable",
    "Material",
    "MaterialKind",
    "ModelHealth",
    "ModelSettings",
    "ModelState",
    "OfficeModel",
    "Prepared",
    "Question",
    "Quoted",
    "Rejection",
    "Reply",
    "SmallTalk",
    "WantsPerson",
    "Written",
    "open_fallback",
    "open_model",
]
