"""What each permission is for, as people read it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.ports import Feature


@dataclass(frozen=True)
class Words:
    """One permission in Portuguese."""

    title: str
    purpose: str
    """What the assistant does with it."""
    missing: str
    """What it does instead while it is off."""


FEATURES = {
    Feature.EVENTS: Words(
        "Compromissos na agenda",
        "marcar, remarcar e cancelar consultas e compromissos no Google Agenda dos "
        "advogados, e mostrar o que está marcado",
        "as consultas e os compromissos ficam na agenda desta máquina",
    ),
    Feature.FREE_BUSY: Words(
        "Horários livres",
        "ver quando cada agenda está ocupada, sem ler o que está escrito nela, para "
        "não oferecer um horário tomado",
        "só o que este assistente marcou é levado em conta quando ele oferece "
        "horários, a não ser que possa ler os compromissos",
    ),
    Feature.FILES: Words(
        "Arquivos e planilhas",
        "criar pastas e planilhas no Google Drive e guardar nelas o que chega; só "
        "alcança o que o próprio assistente criou",
        "documentos e planilhas ficam na pasta do escritório nesta máquina",
    ),
}

TO_LAWYERS = (
    "O Google deixou de aceitar a permissão do escritório. Nada se perdeu: o que ia "
    "para lá está guardado e segue sozinho depois de reconectar, na página Google do "
    "painel."
)
"""What lawyers are told on WhatsApp when the connection has ended."""
