"""Files that a lawyer sent, put into somebody's folder."""

from __future__ import annotations

import re
from datetime import datetime

from actions.appointments.booking import forget
from actions.base import Events
from actions.conversation import Conversation
from actions.dialogue import answers
from actions.dialogue.form import FormTurn
from actions.lawyers.attached import files_meant
from actions.lawyers.base import EndOfLawyerForm, LawyerAction, LawyerForm
from actions.lawyers.folders import FolderFinder, Found
from actions.lawyers.kept_where import filing_promise
from actions.work.filing import FILE, FolderWish
from bot.core.filed_names import file_titles, joined
from bot.core.lawsuits import is_lawsuit_number
from bot.core.names import AnsweredBy
from bot.core.texts import name_words
from bot.core.whatsapp_markup import escaped
from bot.store import attachments

FLOW = "salvar_no_drive"
FOLDER, FOUND, FILES = "pasta", "pastas_encontradas", "arquivos"
_LONGEST = 80
_MOST_NAMED = 3
_ENDS = (
    r"(?=\s*(?:$|[,;:!?\n]|\.(?:\s|$)|\be (?:salv|guard|jog|bot|p[oõ]e|arquiv|coloc)"
    r"|\b(?:no|do|pro) (?:google )?drive\b|\bpor (?:favor|gentileza)\b|\bpfv?\b"
    r"|\bp(?:ra|ara) mim\b|\bcom o nome\b|\bque\b|\bse n[aã]o\b|\bpf\b|\ba[ií]$))"
)
_QUOTED = re.compile(
    r"\b(?:pasta|drive)\b[^\"“]{0,20}[\"“](?P<which>[^\"”]{2,80})[\"”]", re.I
)
_WRITTEN = re.compile(
    r"\b(?:pasta|diret[oó]rio)(?: nova?)?(?: chamada?)?(?: l[aá])?"
    r"(?: (?:d[aeo]s?|p(?:ra|ara|ro)) (?:(?:[oa]|m(?:eu|inha)) )?)?[\s:]*"
    rf"(?P<which>[^\W_][^,;:!?\n]{{1,79}}?){_ENDS}",
    re.I,
)
_ELSEWHERE = re.compile(
    r"\b(?:caso|cliente|(?:no|pro|do) drive d[aeo]s?|em(?= [A-ZÀ-Ý]))\s+(?:d[aeo]s? )?"
    rf"(?P<which>[^\W_][^,;:!?\n]{{1,79}}?){_ENDS}",
    re.I,
)
_LEADING = re.compile(
    r"^(?:(?:salv|guard|coloc|bot|p[oõ]e|jog|arquiv)\w*(?: (?:a[ií]|isso|l[aá]))? )?"
    r"(?:(?:é |eh )?(?:n?a |p(?:ra|ara) a |em )?(?:pasta )?(?:nova )?"
    r"(?:n?[ao]s? |d[aeo]s? )?)(?=\w)",
    re.I,
)
_NOBODY = frozenset(
    """dele dela deles delas certa certo cliente processo drive google sempre pasta
    lugar mim dai ai la aqui nova novo caso isso""".split()
)
_NEW = re.compile(r"\b(?:nova|novo|cri[ae]r?|outra)\b", re.I)


class FilingForm(LawyerForm):
    """Which files go into whose folder."""

    flow = FLOW
    slots = (FOLDER, FOUND, FILES)
    own_intents = frozenset({FLOW, "enviar_documento"})

    async def begin_for_lawyer(self, turn: FormTurn) -> None:
        """Takes a name, a case number or the words behind "pasta", and the files."""
        await self._hear_files(turn)
        await self._find(turn, folder_in(turn))

    async def listen(self, turn: FormTurn) -> None:
        """Takes a file, a folder, one of those that were shown, or a no."""
        if self.is_elsewhere(turn):
            return
        if turn.asked == FILES or turn.conversation.files:
            await self._hear_files(turn)
        if turn.asked == FOLDER and turn.text:
            await self._hear_folder(turn)
        elif turn.asked == FILES and turn.declines():
            turn.close("utter_interromper")

    async def _hear_files(self, turn: FormTurn) -> None:
        ids = await files_meant(self.services, turn.conversation)
        if ids:
            turn.fill(FILES, ids)

    async def _hear_folder(self, turn: FormTurn) -> None:
        shown = turn.get(FOUND)
        found = Found.from_json(shown) if shown else None
        chosen = _chosen(turn, found) if found else None
        named = folder_in(turn)
        if chosen is not None:
            turn.fill(FOLDER, chosen.to_facts())
        elif turn.declines() and not named:
            if found is None:
                turn.close("utter_interromper")
            turn.fill(FOUND, None)
            turn.fill(FOLDER, None)
        elif named or turn.heard.intent not in self.own_intents:
            said = _LEADING.sub("", turn.text.strip(" .!?"))
            await self._find(turn, named or said[:_LONGEST])

    async def _find(self, turn: FormTurn, wanted: str) -> None:
        if not wanted:
            return
        finder = FolderFinder(self.services)
        digits = re.sub(r"\D", "", wanted)
        if is_lawsuit_number(digits):
            found = await finder.of_lawsuit(digits)
        else:
            found = await finder.named(wanted)
        settled = found.settled()
        turn.fill(FOLDER, settled.to_facts() if settled else None)
        turn.fill(FOUND, found.to_json())


class AskFolder(LawyerAction):
    """Asks for the folder; where several may be meant, which of them."""

    async def answer(self, conversation: Conversation) -> Events:
        """Numbers the folders; the last number is a new one."""
        shown = conversation.slots.get(FOUND)
        if not shown:
            conversation.say("utter_ask_pasta", answered_by=AnsweredBy.FLOW)
            return []
        found = Found.from_json(shown)
        wanted = escaped(found.wanted)
        if _is_guess(found):
            conversation.say(
                "utter_pasta_parecida",
                answered_by=AnsweredBy.FLOW,
                taps={"Sim": "sim", "Criar nova": "nova"},
                trecho=wanted,
                pasta=escaped(found.options[0].title),
            )
            return []
        titles = [each.title for each in found.options]
        titles.append(f"criar a pasta {found.new.title}")
        conversation.say(
            "utter_pasta_ambigua",
            answered_by=AnsweredBy.FLOW,
            trecho=wanted,
            lista="\n".join(f"{n}. {escaped(t)}" for n, t in enumerate(titles, 1)),
        )
        return []


class FileAttachments(EndOfLawyerForm):
    """Lets the files be put into the folder after the turn."""

    async def answer(self, conversation: Conversation) -> Events:
        """Says which files go where; the link follows when they are there."""
        wanted, ids = conversation.slots.get(FOLDER), conversation.slots.get(FILES)
        if wanted and ids:
            folder = FolderWish.from_facts(wanted)
            facts = {"pasta": folder.title, "anexos": ids, "texto": conversation.text}
            work = {"anexos": ids, "pasta": folder.to_facts()}
            conversation.say(
                "utter_salvar_no_drive",
                effects=(
                    {"tipo": "pedido", "fluxo": FLOW, "dados": facts},
                    {"tipo": "trabalho", "trabalho": FILE, "dados": work},
                ),
                answered_by=AnsweredBy.FLOW,
                arquivos=await self._named(ids),
                pasta=escaped(folder.title),
                onde=filing_promise(await self.services.keepers.status()),
            )
        return forget(*FilingForm.slots)

    async def _named(self, ids: list[str]) -> str:
        found = await self.services.read(lambda c: attachments.by_ids(c, ids))
        if len(ids) > _MOST_NAMED or len(found) != len(ids):
            return f"os {len(ids)} arquivos" if len(ids) > 1 else "o arquivo"
        titles = file_titles(
            [
                (
                    each.original_name,
                    each.media_type,
                    datetime.fromtimestamp(each.sent_at, self.services.office.zone),
                )
                for each in found
            ]
        )
        return escaped(joined(titles))


def folder_in(turn: FormTurn) -> str:
    """Returns the folder that a message names: a number, a person, a word; or ""."""
    numbers = turn.heard.values("numero_processo")
    if numbers:
        return numbers[0]
    quoted = _QUOTED.search(turn.text)
    if quoted:
        return quoted["which"].strip()
    written = _WRITTEN.search(turn.text) or _ELSEWHERE.search(turn.text)
    which = written["which"].strip(' ."“”') if written else ""
    names = turn.heard.values("nome")
    inside = [name for name in names if name.lower() in which.lower()]
    if inside or not _says(which):
        return max(inside or names, key=len, default="")[:_LONGEST]
    return which[:_LONGEST]


def _says(which: str) -> bool:
    return bool(set(name_words(which)) - _NOBODY)


def _is_guess(found: Found) -> bool:
    return len(found.options) == 1 and not found.is_sure and not _is_number(found)


def _is_number(found: Found) -> bool:
    return found.new.name.startswith("processo:")


def _chosen(turn: FormTurn, found: Found) -> FolderWish | None:
    """Returns which of the folders shown is meant, or None."""
    options = (*found.options, found.new)
    index = answers.read_choice(turn.text, among=len(options))
    if index is not None:
        return options[index]
    if len(turn.text.split()) <= _MOST_NAMED and _NEW.search(turn.text):
        return found.new
    return options[0] if _is_guess(found) and turn.agrees() else None
