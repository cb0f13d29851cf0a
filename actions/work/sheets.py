"""Makes the spreadsheet that a lawyer asked for, and sends where it is."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.engine import Connection

from actions.jobs import Done
from actions.keepers import GOOGLE
from actions.services import Services
from actions.work.progress import Progress, side_of
from bot.core.ports import Spreadsheet
from bot.store import notices
from bot.store.jobs import Job

NEW_SHEET = "planilha"
"""Kind of the job: `{"titulo": "Custas", "colunas": ["Data", "Valor"]}`."""


class SheetWork:
    """Handles jobs of the kind `planilha`."""

    def __init__(self, services: Services, clock: Callable[[], float]) -> None:
        """Takes what it works with.

        Args:
            services: the database and the keepers.
            clock: UTC seconds.
        """
        self._services, self._clock = services, clock

    async def __call__(self, mine: Job) -> Done:
        """Makes the spreadsheet and tells who asked for it.

        Raises:
            GatewayError: it could not be made now.
        """
        keepers = self._services.keepers
        keeper = await Progress(self._services, mine).keeper(keepers.sheets)
        made = await side_of(keepers, keeper).sheets.create(
            str(mine.facts["titulo"]),
            [str(each) for each in mine.facts["colunas"]],
            key=mine.key,
        )
        text = _told(made, is_google=keeper == GOOGLE)

        def tell(connection: Connection) -> None:
            if mine.inbox_id is not None:
                notices.say_afterwards(
                    connection, mine.inbox_id, text, now=self._clock()
                )

        return Done({"id": made.id, "link": made.link}, tell)


def _told(made: Spreadsheet, *, is_google: bool) -> str:
    if is_google:
        return f"A planilha *{made.title}* está pronta: {made.link}"
    return (
        f"A planilha *{made.title}* está pronta, no computador do escritório: "
        f"{made.link}\nQuando o Google estiver conectado, ela pode ser levada para lá."
    )
