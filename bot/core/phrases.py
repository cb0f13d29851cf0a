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

STILL_LOOKING = "Estou verificando, só um momento."
"""Said while an answer takes long."""

WAITING_FOR_PERSON = (
    "Recebi sua mensagem. Agora quem responde é uma pessoa da nossa equipe; ela "
    "escreve por aqui assim que puder."
)
"""Said once to who writes while the robot is switched off."""

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

FILE_FAILED = (
    "Não consegui abrir um arquivo que você mandou. Pode mandar de novo, por favor? "
    "Se não der certo, escreva *falar com uma pessoa*."
)
"""An attachment could not be had from WhatsApp."""

FILE_REFUSED = (
    "Por segurança, não abro um tipo de arquivo que você mandou. Mande, por favor, "
    "como foto, PDF ou documento do Word ou Excel sem macros."
)

STALE_CHOICE = (
    "Essa opção é de uma mensagem antiga e não vale mais. Me diga em poucas palavras "
    "o que você precisa, ou escreva *menu*."
)
"""A button of a menu that later messages replaced."""

TEXT_CUT = (
    "Sua mensagem era longa e chegou cortada no fim. Mande, por favor, o que faltou "
    "em outra mensagem."
)
"""Twilio cuts inbound texts at 1,600 characters."""

OPTED_OUT = (
    "Pronto: não vou mais mandar mensagens por conta própria, como lembretes. Se você "
    "escrever, respondo normalmente. Para voltar a receber, escreva *voltar*."
)

OPTED_IN = (
    "Pronto: você volta a receber os avisos do escritório. Para parar, escreva *parar*."
)


def file_too_large(limit_mib: int) -> str:
    """Says that an attachment has too many bytes.

    Args:
        limit_mib: the most that one of its kind may have, MiB.
    """
    return (
        f"Um arquivo que você mandou é grande demais: recebo até {limit_mib} MB. "
        "Mande, por favor, um menor ou em partes."
    )


def late_opening(clock_time: str) -> str:
    """Opens an answer that comes long after the question.

    Args:
        clock_time: when the message was written, as `14h32` or `ontem às 22h10`.
    """
    return f"Desculpe a demora: só consegui ler agora a sua mensagem de {clock_time}."


TOO_MANY_A_MINUTE = (
    "Você mandou muitas mensagens em pouco tempo. Estão todas guardadas e respondo "
    "uma de cada vez, já já; não precisa mandar de novo."
)

TOO_MANY_WAITING = (
    "Ainda tenho várias mensagens suas para responder. As que chegarem agora ficam "
    "guardadas, e uma pessoa do escritório vai ler. Espere um pouco, por favor, antes "
    "de mandar outras."
)

TOO_MANY_A_DAY = (
    "Por hoje já respondi a muitas mensagens suas. O que você mandar a partir de agora "
    "fica guardado, e uma pessoa do escritório vai ler e responder. Se for urgente, "
    "ligue para o escritório."
)

AUTOMATIC_REPLY = (
    "Parece que estou conversando com uma resposta automática, então vou parar por "
    "aqui. Avisei a equipe do escritório. Se você é uma pessoa, escreva *menu* e "
    "continuo na hora."
)
"""The robot falls silent; anything but the same message again wakes it."""
