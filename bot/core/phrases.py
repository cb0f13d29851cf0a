"""Sentences that people get when Rasa's own responses cannot be reached.

Everything else that the assistant says stands in `domain.yml`.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.speech import Trouble
from bot.core.whatsapp_markup import escaped

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

_OR_A_PERSON = " Se preferir falar com uma pessoa, escreva *falar com advogado*."

UNHEARD = {
    Trouble.EMPTY: "Seu áudio chegou vazio. Pode gravar de novo, ou escrever?",
    Trouble.NOT_AUDIO: (
        "O que você mandou como áudio não é um áudio que eu consiga abrir. Pode "
        "gravar pelo microfone do WhatsApp, ou escrever?"
    ),
    Trouble.VIDEO: (
        "O que você mandou é um vídeo, e eu só consigo ouvir áudios. Pode gravar pelo "
        "microfone do WhatsApp, ou escrever o que precisa?"
    ),
    Trouble.DAMAGED: (
        "Seu áudio chegou com defeito e não consegui abrir. Pode gravar de novo, ou "
        "escrever?"
    ),
    Trouble.SILENT: (
        "Não consegui ouvir ninguém falando no seu áudio. Pode gravar de novo, mais "
        "perto do microfone, ou escrever?"
    ),
    Trouble.UNCLEAR: (
        "Desculpe, não consegui entender o seu áudio. Pode gravar de novo num lugar "
        "mais silencioso, ou escrever?" + _OR_A_PERSON
    ),
    Trouble.LATE: (
        "Seu áudio demorou demais para ser ouvido. Pode mandar um mais curto, ou "
        "escrever em poucas palavras o que precisa?" + _OR_A_PERSON
    ),
    Trouble.BUSY: (
        "Recebi seu áudio, mas há muitos na fila agora e não vou conseguir ouvir. Pode "
        "escrever em poucas palavras o que precisa?" + _OR_A_PERSON
    ),
    Trouble.OFF: (
        "Recebi seu áudio, mas agora não estou conseguindo ouvir áudios. Pode escrever "
        "em poucas palavras o que precisa?" + _OR_A_PERSON
    ),
    Trouble.BROKE: (
        "Tive um problema aqui e não consegui ouvir o seu áudio. Pode escrever em "
        "poucas palavras o que precisa?" + _OR_A_PERSON
    ),
}
"""What is said of a voice note that did not become text; too long has its own."""


def audio_too_long(limit_s: float) -> str:
    """Says that a voice note is too long.

    Args:
        limit_s: the most that one may have, seconds.
    """
    minutes, seconds = divmod(int(limit_s), 60)
    spoken = f"{seconds} segundos"
    if minutes:
        spoken = f"{minutes} minuto{'s' if minutes > 1 else ''}"
        spoken += f" e {seconds} segundos" if seconds else ""
    return (
        f"Seu áudio é longo demais: consigo ouvir até {spoken}. Pode mandar em partes "
        "mais curtas, ou escrever?"
    )


AUDIO_NOT_HERE = (
    "Não consegui receber o seu áudio. Pode gravar um mais curto, ou escrever o que "
    "precisa?" + _OR_A_PERSON
)
"""The bytes could not be had from WhatsApp, or were too many."""

HEARD_WRONG = "Desculpe! Pode gravar de novo, ou escrever?"
"""The person says that a voice note was heard wrong; nothing was done."""


def heard_question(texts: Sequence[str]) -> str:
    """Asks whether voice notes were heard right, before anything is done.

    Args:
        texts: what each says, the oldest first.
    """
    quoted = ", ".join(f"“{_quoted(each)}”" for each in texts)
    whose = "do seu áudio" if len(texts) == 1 else "dos seus áudios"
    return f"Entendi {whose}: {quoted}. É isso?"


def heard_shown(text: str) -> str:
    """Shows what was heard, above the answer to it; of a long text the beginning."""
    shown = _quoted(text)
    if len(shown) > _LONGEST_SHOWN:
        shown = shown[:_LONGEST_SHOWN].rsplit(" ", 1)[0] + "…"
    return f"Entendi: “{shown}”"


def heard_forwarded(text: str) -> str:
    """Shows what somebody else's voice note says; "" where it was not heard."""
    if not text:
        return "Recebi o áudio encaminhado, mas não consegui entender o que foi dito."
    return f"Áudio encaminhado: “{_quoted(text)}”"


FORWARDED_TO_LAWYER = (
    "Para guardar o áudio, escreva em qual pasta, por exemplo: *salva na pasta da Ana*."
)
"""What a lawyer may do with somebody else's voice note."""

FORWARDED_IN_FORM = (
    "O áudio fica guardado nesta conversa. Para continuar, responda à minha última "
    "pergunta com as suas palavras."
)
"""Somebody else's words answer no question of ours."""


def _quoted(text: str) -> str:
    return escaped(text).rstrip(" .") or escaped(text)


_LONGEST_SHOWN = 600
"""Characters; longer ones were told to the office, and are kept whole."""

STILL_LISTENING = "Estou ouvindo o seu áudio, só um momento."
"""Said while a voice note takes long to be heard."""

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
