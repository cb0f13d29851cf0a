"""What every office can say of itself, written from `escritorio.yml`.

The designers' files add to it; the hours, the address and the like need no file, so
that they stand once and an office without any theme still answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.core.hours import Closure, listed
from bot.core.office import Office
from llm_fallback.knowledge.entry import Entry

OFFICE_PREFIX = "escritorio-"
"""Ids of these entries; a designer's file may not use them."""
_MINUTES_AN_HOUR = 60
_MINUTES_A_DAY = 24 * _MINUTES_AN_HOUR

_ASKED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "horario": (
        "Qual é o horário de atendimento?",
        (
            "que horas vcs abrem",
            "até que horas o escritório funciona?",
            "vcs atendem sábado e domingo?",
            "qual o horario de funcionamento",
            "que dias vocês atendem",
            "que horas fecha",
        ),
    ),
    "dias-fechados": (
        "O escritório abre em feriado e no fim do ano?",
        (
            "vai ter expediente no feriado?",
            "vcs abrem no carnaval",
            "tem recesso de fim de ano?",
            "estão abertos entre natal e ano novo",
            "quando vcs voltam do recesso",
            "amanha é feriado, vai funcionar?",
        ),
    ),
    "endereco": (
        "Onde fica o escritório?",
        (
            "qual o endereço de vcs",
            "onde vcs ficam?",
            "em que cidade é o escritório",
            "como chego ai",
            "manda a localização",
            "que rua fica o escritorio",
        ),
    ),
    "telefone": (
        "Qual é o telefone e o e-mail do escritório?",
        (
            "tem telefone fixo?",
            "me passa o número pra eu ligar",
            "qual o email de vcs",
            "pra onde mando email",
            "como ligo pro escritorio",
            "quais os contatos do escritório?",
        ),
    ),
    "areas": (
        "Em que áreas o escritório trabalha?",
        (
            "quais areas vcs atendem",
            "trabalham com o que?",
            "que tipo de caso o escritório pega?",
            "vocês fazem divórcio, inss, trabalhista?",
            "qual a especialidade de vcs",
            "atendem que tipo de causa",
        ),
    ),
    "advogados": (
        "Quem são os advogados do escritório?",
        (
            "quais advogados trabalham ai",
            "qual o nome da advogada",
            "quantos advogados vcs têm?",
            "quem é o doutor que atende ai?",
            "qual advogado cuida de família?",
            "quem é a advogada da área trabalhista",
        ),
    ),
    "oab": (
        "Qual é o número da OAB do escritório?",
        (
            "vcs têm registro na oab?",
            "qual a oab do advogado",
            "o escritório é registrado?",
            "me passa o número da oab de vocês",
            "como sei se são advogados mesmo?",
            "quero conferir o registro de vcs",
        ),
    ),
    "honorarios": (
        "Quanto custam a consulta e o serviço?",
        (
            "qual o valor da consulta",
            "quanto vcs cobram?",
            "quais são os honorários",
            "a consulta é paga?",
            "quanto sai pra fazer um divórcio com vocês",
            "me passa um orçamento",
        ),
    ),
    "documentos": (
        "Que documentos levo na consulta?",
        (
            "o que preciso levar",
            "quais documentos precisa",
            "que papéis eu separo pra reunião?",
            "o que vcs pedem de documento",
            "precisa levar rg e cpf?",
            "lista de documentos pra consulta",
        ),
    ),
    "duracao": (
        "Quanto tempo dura uma consulta?",
        (
            "quantos minutos é a consulta",
            "a reuniao demora quanto?",
            "é de uma hora a consulta?",
            "qto tempo fica ai na consulta",
            "qual a duração da conversa com o advogado",
            "a consulta é rapida?",
        ),
    ),
    "antecedencia": (
        "Com quanta antecedência se marca uma consulta?",
        (
            "da pra marcar pra hoje?",
            "posso marcar pro mês que vem",
            "até quando posso agendar",
            "consigo consulta pra amanhã?",
            "quanto tempo antes preciso marcar",
            "a agenda está aberta até quando?",
        ),
    ),
    "modalidades": (
        "A consulta é presencial ou por vídeo?",
        (
            "tem atendimento online?",
            "precisa ir ai ou pode ser online",
            "vcs atendem presencialmente?",
            "dá pra ser por vídeo?",
            "qual advogado atende online",
            "posso escolher entre presencial e online?",
        ),
    ),
    "privacidade": (
        "O que o escritório faz com os meus dados?",
        (
            "quem é o encarregado de dados",
            "vcs seguem a lgpd?",
            "com quem falo sobre meus dados pessoais",
            "pra que precisam do meu cpf",
            "tem política de privacidade?",
            "como peço pra ver meus dados",
        ),
    ),
}
"""Title and other questions of each entry, by its id without the prefix."""


def office_entries(office: Office) -> tuple[Entry, ...]:
    """Returns what the office's own file answers; ids as `escritorio-horario`."""
    entries = [
        Entry(f"{OFFICE_PREFIX}{name}", *_ASKED[name], text)
        for name, text in _texts(office)
    ]
    return (*entries, *_area_documents(office))


def _texts(office: Office) -> Iterator[tuple[str, str]]:
    says = office.texts
    yield "horario", f"Nosso horário de atendimento é {says['horario']}."
    yield "dias-fechados", _closed_days(office)
    yield "endereco", f"Ficamos em {says['endereco']} ({says['como_chegar']})."
    yield (
        "telefone",
        f"O telefone do escritório é {says['telefone']}, e o e-mail, {says['email']}.",
    )
    yield "areas", f"Atuamos em {listed(office.areas)}."
    yield "advogados", _lawyers(office)
    yield "oab", f"{says['nome']}: {says['oab']}."
    yield "honorarios", f"Sobre honorários, {says['honorarios']}."
    yield "documentos", f"Em geral pedimos {says['documentos']}."
    yield "duracao", _durations(office)
    yield "antecedencia", _notice(office)
    yield "modalidades", _modalities(office)
    yield (
        "privacidade",
        "Usamos o que você escreve e envia só para atender você, sob sigilo "
        "profissional. Para ver, corrigir ou apagar os seus dados, fale com o "
        f"encarregado em {says['encarregado']}.",
    )


def _closed_days(office: Office) -> str:
    days = "feriados nacionais e estaduais"
    if office.closes_on_optional_days:
        days += " e pontos facultativos, como o Carnaval"
    text = f"O escritório não atende em {days}."
    if office.closures:
        closed = "; ".join(map(_closure, office.closures))
        text += f" Também não atende nestes dias: {closed}."
    return text


def _closure(closure: Closure) -> str:
    shape = "%d/%m" if closure.is_yearly else "%d/%m/%Y"
    first, last = closure.first.strftime(shape), closure.last.strftime(shape)
    days = first if closure.first == closure.last else f"de {first} a {last}"
    return f"{days} ({closure.reason})"


def _lawyers(office: Office) -> str:
    lines = []
    for lawyer in office.lawyers:
        areas = listed(office.area_names.get(area, area) for area in lawyer.areas)
        lines.append(f"{lawyer.name}: {areas}" if areas else lawyer.name)
    return f"Atendem no escritório: {'; '.join(lines)}."


def _durations(office: Office) -> str:
    usual = office.duration_min()
    text = f"Uma consulta dura {_minutes(usual)}."
    others = [
        f"{name}, {_minutes(office.duration_min(area))}"
        for area, name in office.area_names.items()
        if office.duration_min(area) != usual
    ]
    return f"{text} Em {'; em '.join(others)}." if others else text


def _notice(office: Office) -> str:
    days = office.horizon_days
    until = f"para os próximos {days} dias" if days > 1 else "para o dia seguinte"
    text = f"Por aqui se marcam consultas {until}"
    if office.notice_min:
        text += f", com pelo menos {_minutes(office.notice_min)} de antecedência"
    return (
        f"{text}, conforme os horários livres. Para marcar, escreva *marcar consulta*."
    )


def _modalities(office: Office) -> str:
    lines = [
        f"{lawyer.name} atende {' e '.join(map(_modality, sorted(lawyer.modalities)))}"
        for lawyer in office.lawyers
    ]
    kinds = {each for lawyer in office.lawyers for each in lawyer.modalities}
    if all(set(lawyer.modalities) == kinds for lawyer in office.lawyers):
        ways = " ou ".join(map(_modality, sorted(kinds, reverse=True)))
        return (
            f"A consulta pode ser {ways}."
            if len(kinds) > 1
            else (f"As consultas do escritório são {_modality(*kinds)}.")
        )
    return f"{'; '.join(lines)}."


def _modality(slug: str) -> str:
    return "por vídeo" if slug == "online" else slug


def _area_documents(office: Office) -> Iterator[Entry]:
    for area, papers in (office.area_documents or {}).items():
        name = office.area_names.get(area)
        if name:
            yield Entry(
                f"{OFFICE_PREFIX}documentos-{area}",
                f"Que documentos levo em um caso de {name}?",
                (
                    f"documentos pra causa de {name}",
                    f"o que preciso levar num caso {name}",
                    f"quais papéis pra consulta sobre {name}",
                ),
                f"Para {name}, costumamos pedir {papers}.",
            )


def _minutes(minutes: int) -> str:
    if minutes % _MINUTES_A_DAY == 0:
        return _counted(minutes // _MINUTES_A_DAY, "dia")
    hours, rest = divmod(minutes, _MINUTES_AN_HOUR)
    parts = [_counted(hours, "hora")] * bool(hours)
    parts += [_counted(rest, "minuto")] * bool(rest)
    return " e ".join(parts)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
