"""The model fallback: a question goes in, a checked Portuguese answer comes out.

This package knows nothing of Rasa, of the database or of WhatsApp. Whoever
calls it opens the model once and asks:

    async with open_model(ModelSettings.from_settings(settings)) as model:
        answer = await model.answer("Vocês atendem inventário?", office_facts=facts)

Every failure is an `LlmError`, whose `response` names what the person gets.
"""

from llm_fallback.checks import review
from llm_fallback.errors import (
    LlmAnswerRejected,
    LlmBusy,
    LlmError,
    LlmModelLoading,
    LlmModelMissing,
    LlmProtocolBroken,
    LlmTimeout,
    LlmUnavailable,
    Rejection,
)
from llm_fallback.model import (
    HostHealth,
    ModelAnswer,
    ModelHealth,
    ModelSettings,
    OfficeModel,
    open_model,
)
from llm_fallback.prompt import Exchange

__all__ = [
    "Exchange",
    "HostHealth",
    "LlmAnswerRejected",
    "LlmBusy",
    "LlmError",
    "LlmModelLoading",
    "LlmModelMissing",
    "LlmProtocolBroken",
    "LlmTimeout",
    "LlmUnavailable",
    "ModelAnswer",
    "ModelHealth",
    "ModelSettings",
    "OfficeModel",
    "Rejection",
    "open_model",
    "review",
]
