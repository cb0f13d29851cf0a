"""Sentences that people get when Rasa's own responses cannot be reached.

Everything else that the assistant says stands in `domain.yml`.
"""

from __future__ import annotations

NO_ANSWER = (
    "Desculpe, tive um problema aqui e não consegui responder à sua mensagem. "
    "Já avisei a equipe do escritório: uma pessoa vai ver esta conversa. "
    "Se preferir, escreva de novo daqui a pouco."
)
"""A turn ended without any answer; a handoff is opened with it."""

NO_AUDIO = (
    "Recebi seu áudio, mas ainda não consigo ouvir áudios por aqui. "
    "Pode escrever em poucas palavras o que precisa? "
    "Se preferir falar com uma pessoa, escreva *falar com advogado*."
)

LOCATION_KEPT = (
    "Recebi sua localização e deixei guardada nesta conversa. Como posso ajudar?"
)

CONTACT_KEPT = "Recebi o contato e deixei guardado nesta conversa. Como posso ajudar?"

STICKER_KEPT = (
    "Recebi sua figurinha 🙂 Se precisar de alguma coisa, é só escrever. "
    "Para ver o que eu faço, escreva *menu*."
)

EMPTY_MESSAGE = (
    "Sua mensagem chegou sem texto. Pode escrever o que precisa? "
    "Para ver o que eu faço, escreva *menu*."
)
