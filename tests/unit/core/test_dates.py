"""Days and hours in messages, as people in Brazil write and dictate them."""

from __future__ import annotations

import re
import time as clock
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.entities.dates import ZONE, Moment, has_impossible, read_moments

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=ZONE)
"""A Wednesday morning."""
SUNDAY_NIGHT = datetime(2026, 11, 22, 21, 30, tzinfo=ZONE)
FRIDAY_EVENING = datetime(2026, 11, 20, 17, 50, tzinfo=ZONE)
LAST_OF_YEAR = datetime(2026, 12, 31, 9, 0, tzinfo=ZONE)


def shown(moment: Moment) -> str:
    """Returns a moment in short: 24/11/2026 15:00, 23/11/2026..29/11/2026, past."""
    days = [f"{day:%d/%m/%Y}" for day in moment.days or (moment.day,) if day]
    said = "|".join(days)
    if moment.last_day:
        said += f"..{moment.last_day:%d/%m/%Y}"
    if moment.time:
        said += f" {moment.time:%H:%M}"
    if moment.earliest or moment.latest:
        bounds = (moment.earliest, moment.latest)
        said += " " + "-".join(f"{hour:%H:%M}" if hour else "" for hour in bounds)
    return (said + " past" * moment.is_past).strip()


# message, words that are read, what they mean on NOW
ONE_MOMENT = (
    # weekdays
    ("marca pra terça às 3 da tarde pf", "terça às 3 da tarde", "24/11/2026 15:00"),
    ("pode ser na segunda?", "segunda", "23/11/2026"),
    ("tem vaga na quinta?", "quinta", "19/11/2026"),
    ("Sexta eu consigo", "Sexta", "20/11/2026"),
    ("vcs abrem sábado?", "sábado", "21/11/2026"),
    ("so posso no sabado de manha", "sabado de manha", "21/11/2026 07:00-12:00"),
    ("quarta eu posso", "quarta", "25/11/2026"),
    ("quarta às 15h dá?", "quarta às 15h", "18/11/2026 15:00"),
    ("quarta às 9h dá?", "quarta às 9h", "25/11/2026 09:00"),
    ("quarta a tarde", "quarta a tarde", "25/11/2026 12:00-18:00"),
    ("pode ser essa quarta", "essa quarta", "18/11/2026"),
    ("queria sexta que vem", "sexta que vem", "20/11/2026"),
    ("pode ser quinta que vem às 11h", "quinta que vem às 11h", "26/11/2026 11:00"),
    ("quinta às 11h", "quinta às 11h", "19/11/2026 11:00"),
    ("sexta da semana que vem", "sexta da semana que vem", "27/11/2026"),
    ("sexta da outra semana ok", "sexta da outra semana", "27/11/2026"),
    ("segunda da semana q vem as 10", "segunda da semana q vem as 10",
     "23/11/2026 10:00"),
    ("na próxima terça por favor", "próxima terça", "24/11/2026"),
    ("quero remarcar pra prox quinta", "prox quinta", "19/11/2026"),
    ("quinta agora 10hs", "quinta agora 10hs", "19/11/2026 10:00"),
    ("sexta 15h30min", "sexta 15h30min", "20/11/2026 15:30"),
    ("de tarde na sexta", "tarde na sexta", "20/11/2026 12:00-18:00"),
    ("terça que vem, à tarde, umas 3h", "terça que vem, à tarde, umas 3h",
     "24/11/2026 15:00"),
    ("marca terça 3h", "terça 3h", "24/11/2026 15:00"),
    ("seg 10h", "seg 10h", "23/11/2026 10:00"),
    ("ter as 14:30", "ter as 14:30", "24/11/2026 14:30"),
    ("pode ser qui de manha", "qui de manha", "19/11/2026 07:00-12:00"),
    ("qnta as 9", "qnta as 9", "19/11/2026 09:00"),
    ("sex 16h", "sex 16h", "20/11/2026 16:00"),
    ("segunda feira cedo", "segunda feira cedo", "23/11/2026 07:00-12:00"),
    ("segunda-feira, 23/11, às 9h", "segunda-feira, 23/11, às 9h", "23/11/2026 09:00"),
    ("terca feira 8:30", "terca feira 8:30", "24/11/2026 08:30"),
    ("2a feira as 11", "2a feira as 11", "23/11/2026 11:00"),
    ("na 2ª pode ser", "2ª", "23/11/2026"),
    ("3ª-feira às 17h", "3ª-feira às 17h", "24/11/2026 17:00"),
    ("5a-feira", "5a-feira", "19/11/2026"),
    ("terça, dia 24, às 15h", "terça, dia 24, às 15h", "24/11/2026 15:00"),
    ("sexta 27 pode ser", "sexta 27", "27/11/2026"),
    ("quinta-feira dia 26", "quinta-feira dia 26", "26/11/2026"),
    ("semana que vem na terça", "semana que vem na terça", "24/11/2026"),
    ("semana q vem, sexta à tarde", "semana q vem, sexta à tarde",
     "27/11/2026 12:00-18:00"),
    ("até sexta eu mando", "sexta", "20/11/2026"),
    ("toda terça eu tenho aula", "terça", "24/11/2026"),
    ("fui aí segunda passada", "segunda passada", "16/11/2026 past"),
    ("na última sexta me ligaram", "última sexta", "13/11/2026 past"),
    ("tô esperando desde terça", "terça", "17/11/2026 past"),
    ("domingo à noite", "domingo à noite", "22/11/2026 18:00-23:00"),
    ("dom de manha", "dom de manha", "22/11/2026 07:00-12:00"),
    # several days
    ("posso segunda ou terça", "segunda ou terça", "23/11/2026|24/11/2026"),
    ("terça ou quinta às 15h", "terça ou quinta às 15h",
     "24/11/2026|19/11/2026 15:00"),
    ("segunda, terça ou sexta de manhã", "segunda, terça ou sexta de manhã",
     "23/11/2026|24/11/2026|20/11/2026 07:00-12:00"),
    ("qua ou qui", "qua ou qui", "25/11/2026|19/11/2026"),
    ("hoje ou amanhã", "hoje ou amanhã", "18/11/2026|19/11/2026"),
    ("trabalho de segunda a sexta", "segunda a sexta", "23/11/2026..27/11/2026"),
    ("estou livre nos dias 25 e 26", "dias 25 e 26", "25/11/2026|26/11/2026"),
    ("dia 5 ou 6 de dezembro", "dia 5 ou 6 de dezembro", "05/12/2026|06/12/2026"),
    ("dia 24 ou dia 25", "dia 24 ou dia 25", "24/11/2026|25/11/2026"),
    ("viajo do dia 5 ao dia 10", "dia 5 ao dia 10", "05/12/2026..10/12/2026"),
    ("férias de 5 a 20 de janeiro", "5 a 20 de janeiro", "05/01/2027..20/01/2027"),
    # words for days
    ("hoje", "hoje", "18/11/2026"),
    ("hj ainda tem horario?", "hj", "18/11/2026"),
    ("hj a tarde", "hj a tarde", "18/11/2026 12:00-18:00"),
    ("dá pra ser agora de tarde?", "agora de tarde", "18/11/2026 12:00-18:00"),
    ("hoje às 16h", "hoje às 16h", "18/11/2026 16:00"),
    ("essa tarde consigo", "essa tarde", "18/11/2026 12:00-18:00"),
    ("amanhã cedo", "amanhã cedo", "19/11/2026 07:00-12:00"),
    ("amanha bem cedo", "amanha bem cedo", "19/11/2026 07:00-12:00"),
    ("amnh 14h", "amnh 14h", "19/11/2026 14:00"),
    ("amn de manha", "amn de manha", "19/11/2026 07:00-12:00"),
    ("pode ser amanhaa?", "amanhaa", "19/11/2026"),
    ("amanhã d tarde", "amanhã d tarde", "19/11/2026 12:00-18:00"),
    ("AMANHÃ ÀS 9 DA MANHÃ", "AMANHÃ ÀS 9 DA MANHÃ", "19/11/2026 09:00"),
    ("não vou poder ir amanhã, cancela", "amanhã", "19/11/2026"),
    ("amanhã, quinta, às 10h", "amanhã, quinta, às 10h", "19/11/2026 10:00"),
    ("depois de amanhã cedo", "depois de amanhã cedo", "20/11/2026 07:00-12:00"),
    ("dps de amanhã as 3 da tarde", "dps de amanhã as 3 da tarde", "20/11/2026 15:00"),
    ("mais tarde eu mando", "mais tarde", "18/11/2026"),
    ("liguei ontem", "ontem", "17/11/2026 past"),
    ("anteontem chegou uma carta", "anteontem", "16/11/2026 past"),
    ("agora há pouco recebi", "agora há pouco", "18/11/2026 past"),
    # days of the calendar
    ("dia 12 de março de 2027 às 14:30", "dia 12 de março de 2027 às 14:30",
     "12/03/2027 14:30"),
    ("audiência dia 22/10 às 14h30", "dia 22/10 às 14h30", "22/10/2027 14:30"),
    ("marca audiência dia 12 às 14h na 3ª vara", "dia 12 às 14h", "12/12/2026 14:00"),
    ("dia 18", "dia 18", "18/11/2026"),
    ("dia 31", "dia 31", "31/12/2026"),
    ("pode ser dia vinte", "dia vinte", "20/11/2026"),
    ("dia vinte e três de manhã", "dia vinte e três de manhã",
     "23/11/2026 07:00-12:00"),
    ("dia primeiro", "dia primeiro", "01/12/2026"),
    ("dia 1º às 8h", "dia 1º às 8h", "01/12/2026 08:00"),
    ("1º de dezembro", "1º de dezembro", "01/12/2026"),
    ("1° de dezembro à tarde", "1° de dezembro à tarde", "01/12/2026 12:00-18:00"),
    ("vinte e cinco de novembro", "vinte e cinco de novembro", "25/11/2026"),
    ("12 de março", "12 de março", "12/03/2027"),
    ("dia 5 do 12", "dia 5 do 12", "05/12/2026"),
    ("dia 10 do mês que vem", "dia 10 do mês que vem", "10/12/2026"),
    ("dia 30 desse mês", "dia 30 desse mês", "30/11/2026"),
    ("5/12", "5/12", "05/12/2026"),
    ("05/12/26 as 9h", "05/12/26 as 9h", "05/12/2026 09:00"),
    ("05-12-2026", "05-12-2026", "05/12/2026"),
    ("pode ser 05.12?", "05.12", "05/12/2026"),
    ("2026-12-05", "2026-12-05", "05/12/2026"),
    ("12/dez", "12/dez", "12/12/2026"),
    ("dia 12 dez", "dia 12 dez", "12/12/2026"),
    ("15h do dia 24", "15h do dia 24", "24/11/2026 15:00"),
    ("nasci em 12/03/1985", "12/03/1985", "12/03/1985 past"),
    ("recebi a carta dia 5 passado", "dia 5 passado", "05/11/2026 past"),
    ("fui demitida dia 5", "dia 5", "05/11/2026 past"),
    ("primeira segunda de dezembro", "primeira segunda de dezembro", "07/12/2026"),
    ("última sexta do mês", "última sexta do mês", "27/11/2026"),
    ("segunda quinzena de janeiro", "segunda quinzena de janeiro",
     "16/01/2027..31/01/2027"),
    ("atendem na véspera de natal?", "véspera de natal", "24/12/2026"),
    ("vcs abrem no natal?", "natal", "25/12/2026"),
    ("só depois do ano novo", "ano novo", "01/01/2027"),
    # weeks, months, years
    ("semana que vem", "semana que vem", "23/11/2026..29/11/2026"),
    ("pode ser semana q vem", "semana q vem", "23/11/2026..29/11/2026"),
    ("prox semana eu vejo", "prox semana", "23/11/2026..29/11/2026"),
    ("sem q vem", "sem q vem", "23/11/2026..29/11/2026"),
    ("qualquer dia da semana que vem", "semana que vem", "23/11/2026..29/11/2026"),
    ("semana que vem de manhã", "semana que vem de manhã",
     "23/11/2026..29/11/2026 07:00-12:00"),
    ("ainda essa semana", "essa semana", "18/11/2026..22/11/2026"),
    ("começo da semana que vem", "começo da semana que vem",
     "23/11/2026..24/11/2026"),
    ("fds vcs atendem?", "fds", "21/11/2026..22/11/2026"),
    ("no final de semana", "final de semana", "21/11/2026..22/11/2026"),
    ("semana passada mandei os papéis", "semana passada",
     "09/11/2026..15/11/2026 past"),
    ("mes q vem", "mes q vem", "01/12/2026..31/12/2026"),
    ("no fim do mês", "fim do mês", "21/11/2026..30/11/2026"),
    ("começo do mês que vem", "começo do mês que vem", "01/12/2026..10/12/2026"),
    ("mês passado não recebi", "mês passado", "01/10/2026..31/10/2026 past"),
    ("só em janeiro", "janeiro", "01/01/2027..31/01/2027"),
    ("fui demitida em março", "março", "01/03/2026..31/03/2026 past"),
    ("não recebo desde março", "março", "01/03/2026..31/03/2026 past"),
    ("março que vem", "março que vem", "01/03/2027..31/03/2027"),
    ("trabalhei lá em 2019", "2019", "01/01/2019..31/12/2019 past"),
    ("me separei ano passado", "ano passado", "01/01/2025..31/12/2025 past"),
    ("fica pro ano que vem", "ano que vem", "01/01/2027..31/12/2027"),
    # from now
    ("daqui a 3 dias", "daqui a 3 dias", "21/11/2026"),
    ("daqui uma semana", "daqui uma semana", "25/11/2026"),
    ("em 15 dias eu volto", "em 15 dias", "03/12/2026"),
    ("em duas horas tô aí", "em duas horas", "18/11/2026 12:00"),
    ("daqui a meia hora", "daqui a meia hora", "18/11/2026 10:30"),
    ("daqui a dois meses", "daqui a dois meses", "18/01/2027"),
    ("fui demitida há 3 meses", "há 3 meses", "18/08/2026 past"),
    ("faz dois anos que me separei", "faz dois anos", "18/11/2024 past"),
    ("tem 3 meses que não pagam", "tem 3 meses", "18/08/2026 past"),
    ("mandei os documentos 3 dias atrás", "3 dias atrás", "15/11/2026 past"),
    # hours alone
    ("às 15h", "15h", "15:00"),
    ("pode ser 15hs?", "15hs", "15:00"),
    ("15 h tá bom", "15 h", "15:00"),
    ("15:30", "15:30", "15:30"),
    ("as 15h30", "15h30", "15:30"),
    ("as 15 pode ser", "15", "15:00"),
    ("as 3 da tarde", "3 da tarde", "15:00"),
    ("9 da noite", "9 da noite", "21:00"),
    ("3 da manhã me prenderam", "3 da manhã", "03:00"),
    ("meio dia e meia", "meio dia e meia", "12:30"),
    ("ao meio-dia", "meio-dia", "12:00"),
    ("às duas e meia", "duas e meia", "14:30"),
    ("quinze pras três", "quinze pras três", "14:45"),
    ("dez pras 9", "dez pras 9", "08:50"),
    ("dez horas", "dez horas", "10:00"),
    ("às nove", "nove", "09:00"),
    ("às nove e quinze", "nove e quinze", "09:15"),
    ("umas 4", "4", "16:00"),
    ("lá pelas 4", "4", "16:00"),
    ("por volta das 16h", "16h", "16:00"),
    ("às 14 e 30", "14 e 30", "14:30"),
    ("quatorze e trinta na sexta", "quatorze e trinta na sexta", "20/11/2026 14:30"),
    ("à uma da tarde", "uma da tarde", "13:00"),
    ("13h é melhor", "13h", "13:00"),
    ("a consulta das 17h", "17h", "17:00"),
    ("chego 18:00h", "18:00h", "18:00"),
    # parts of the day, open hours
    ("prefiro de tarde", "tarde", "12:00-18:00"),
    ("só à noite", "noite", "18:00-23:00"),
    ("melhor pela manhã", "manhã", "07:00-12:00"),
    ("todo dia de manhã", "manhã", "07:00-12:00"),
    ("tarde", "tarde", "12:00-18:00"),
    ("manhã ou tarde, tanto faz", "manhã ou tarde", "07:00-18:00"),
    ("depois do almoço", "depois do almoço", "13:00-18:00"),
    ("dps do almoço na quinta", "dps do almoço na quinta", "19/11/2026 13:00-18:00"),
    ("fim de tarde seria ótimo", "fim de tarde", "16:00-18:00"),
    ("no fim do dia", "fim do dia", "16:00-18:00"),
    ("final da tarde", "final da tarde", "16:00-18:00"),
    ("qualquer hora depois das 15h", "depois das 15h", "15:00-"),
    ("a partir das 2", "a partir das 2", "14:00-"),
    ("até as 11", "até as 11", "-11:00"),
    ("antes das 10 eu consigo", "antes das 10", "-10:00"),
    ("entre 14 e 16h", "entre 14 e 16h", "14:00-16:00"),
    ("sexta entre as 2 e as 4", "sexta entre as 2 e as 4", "20/11/2026 14:00-16:00"),
    ("das 9 às 12", "9 às 12", "09:00-12:00"),
    ("amanhã depois das 5", "amanhã depois das 5", "19/11/2026 17:00-"),
    ("sexta depois do meio dia", "sexta depois do meio dia", "20/11/2026 12:00-"),
    # as told by people who had not seen the rules
    ("dra consegue me atender amanha umas 10 e pouco?", "amanha umas 10",
     "19/11/2026 10:00"),
    ("pode marcar p sexta dps das 14", "sexta dps das 14", "20/11/2026 14:00-"),
    ("a audiencia ficou pra 9 de fevereiro as 13 e 40", "9 de fevereiro as 13 e 40",
     "09/02/2027 13:40"),
    ("então doutor eu queria ver se dava pra ser na quinta feira dia vinte e seis às"
     " dez e meia da manhã", "quinta feira dia vinte e seis às dez e meia da manhã",
     "26/11/2026 10:30"),
    ("posso terças e quintas a partir das 18h", "terças e quintas a partir das 18h",
     "24/11/2026|19/11/2026 18:00-"),
    ("me mandaram embora dia 3 de agosto", "dia 3 de agosto", "03/08/2026 past"),
    ("trabalhei de 2015 a 2020 sem carteira", "2015 a 2020",
     "01/01/2015..31/12/2020 past"),
    ("trabalhei de março a agosto", "março a agosto", "01/03/2026..31/08/2026 past"),
    ("o acidente foi em 14/07/2023 por volta das 22h",
     "14/07/2023 por volta das 22h", "14/07/2023 22:00 past"),
    ("consigo na hora do almoço", "hora do almoço", "12:00-14:00"),
    ("quinta no comecinho da tarde", "quinta no comecinho da tarde",
     "19/11/2026 12:00-15:00"),
    ("Terça (24) 16h", "Terça (24) 16h", "24/11/2026 16:00"),
    ("seg/ter de manhã", "seg/ter de manhã", "23/11/2026|24/11/2026 07:00-12:00"),
    ("semana que vem quinta ou sexta", "semana que vem quinta ou sexta",
     "26/11/2026|27/11/2026"),
    ("quinta ou sexta da semana que vem", "quinta ou sexta da semana que vem",
     "26/11/2026|27/11/2026"),
    ("das 8h da manhã ao meio dia", "8h da manhã ao meio dia", "08:00-12:00"),
    ("das 8 às 5 da tarde", "8 às 5 da tarde", "08:00-17:00"),
    ("entre 8 e 10 da noite", "entre 8 e 10 da noite", "20:00-22:00"),
    ("amanhã entre meio dia e uma hora", "amanhã entre meio dia e uma hora",
     "19/11/2026 12:00-13:00"),
    ("o prazo que venceu sexta", "sexta", "13/11/2026 past"),
    ("o prazo vence sexta", "sexta", "20/11/2026"),
    ("de hoje a oito", "hoje a oito", "25/11/2026"),
    ("faltam 15 dias pra audiência", "faltam 15 dias", "03/12/2026"),
    ("pro dia 26/11/26, 15 horas", "dia 26/11/26, 15 horas", "26/11/2026 15:00"),
    ("faleceu no dia 2 de janeiro deste ano", "dia 2 de janeiro deste ano",
     "02/01/2026 past"),
    ("comprei o carro mês retrasado", "mês retrasado",
     "01/09/2026..30/09/2026 past"),
    ("pode ser hoje ainda, lá pras 5 da tarde?", "hoje ainda, lá pras 5 da tarde",
     "18/11/2026 17:00"),
    ("já faz 1 ano e meio", "faz 1 ano e meio", "18/05/2025 past"),
    ("fui no inss anteontem às 10h e negaram", "anteontem às 10h",
     "16/11/2026 10:00 past"),
    ("primeira semana de janeiro", "primeira semana de janeiro",
     "01/01/2027..07/01/2027"),
    ("Confirmo terça-feira, 24 de novembro, às 14h.",
     "terça-feira, 24 de novembro, às 14h", "24/11/2026 14:00"),
    ("aconteceu na madrugada de domingo", "madrugada de domingo",
     "15/11/2026 00:00-06:00 past"),
    ("até as 5 da tarde de sexta", "até as 5 da tarde de sexta", "20/11/2026 -17:00"),
    ("agendar para as 08:00 do dia 01.12.2026", "08:00 do dia 01.12.2026",
     "01/12/2026 08:00"),
    ("as 15;30 na terça", "15;30 na terça", "24/11/2026 15:30"),
    ("7 e meia da noite amanha", "7 e meia da noite amanha", "19/11/2026 19:30"),
    ("ele morreu dia 2 agora", "dia 2 agora", "02/11/2026 past"),
    ("ontem as 11 da noite a policia veio aqui", "ontem as 11 da noite",
     "17/11/2026 23:00 past"),
    ("pago dia 10 de cada mês", "dia 10", "10/12/2026"),
    ("custas pagas em abril", "abril", "01/04/2026..30/04/2026 past"),
    ("me lista os prazos da semana", "semana", "18/11/2026..22/11/2026"),
    ("minha patroa pode quarta 9h", "quarta 9h", "25/11/2026 09:00"),
    ("quem escreveu desde segunda-feira", "segunda-feira", "16/11/2026 past"),
    ("quinta agora depois do meio-dia", "quinta agora depois do meio-dia",
     "19/11/2026 12:00-"),
    ("segunda dessa semana faltei", "segunda dessa semana", "16/11/2026 past"),
    ("quinze pra uma", "quinze pra uma", "12:45"),
    ("dia 05-12 pode?", "dia 05-12", "05/12/2026"),
    ("12 dez às 9", "12 dez às 9", "12/12/2026 09:00"),
    ("sem registro desde 03/2019", "03/2019", "01/03/2019..31/03/2019 past"),
    ("como tá a agenda do mês?", "mês", "18/11/2026..30/11/2026"),
    ("os prazos da semana que vem", "semana que vem", "23/11/2026..29/11/2026"),
    ("compromissos de 5ª", "5ª", "19/11/2026"),
    ("mais pro fim da semana", "fim da semana", "19/11/2026..20/11/2026"),
    ("final de janeiro tá bom", "final de janeiro", "21/01/2027..31/01/2027"),
    ("no começo do ano", "começo do ano", "01/01/2027..28/02/2027"),
    ("14h às 16h na sexta", "14h às 16h na sexta", "20/11/2026 14:00-16:00"),
    ("14 às 16h", "14 às 16h", "14:00-16:00"),
    ("livre de 9 às 12", "9 às 12", "09:00-12:00"),
    ("às dez pras nove", "dez pras nove", "08:50"),
    ("tenho consulta dia 3 as 10 da manha mas n vou conseguir",
     "dia 3 as 10 da manha", "03/12/2026 10:00"),
    ("2ªf 14h", "2ªf 14h", "23/11/2026 14:00"),
    ("dia 7 de jan. às 11h", "dia 7 de jan. às 11h", "07/01/2027 11:00"),
    ("de plantão sexta, sábado e domingo", "sexta, sábado e domingo",
     "20/11/2026|21/11/2026|22/11/2026"),
    ("a moça marcou pra 26 de novembro quinta feira as 9 horas da manhã",
     "26 de novembro quinta feira as 9 horas da manhã", "26/11/2026 09:00"),
    ("meu contrato venceu em outubro", "outubro", "01/10/2026..31/10/2026 past"),
    ("sofri um acidente em 23 de agosto", "23 de agosto", "23/08/2026 past"),
    ("audiência designada para 03 de fevereiro de 2027, às 13h45min",
     "03 de fevereiro de 2027, às 13h45min", "03/02/2027 13:45"),
    ("me liga amanha entre 8 e 9 horas", "amanha entre 8 e 9 horas",
     "19/11/2026 08:00-09:00"),
)  # fmt: skip

SEVERAL_MOMENTS = (
    ("hoje não posso, amanhã às 15h sim",
     [("hoje", "18/11/2026"), ("amanhã às 15h", "19/11/2026 15:00")]),
    ("muda de terça pra quinta", [("terça", "24/11/2026"), ("quinta", "19/11/2026")]),
    ("terça às 14h ou quinta às 15h",
     [("terça às 14h", "24/11/2026 14:00"), ("quinta às 15h", "19/11/2026 15:00")]),
    ("segunda de manhã ou terça à tarde",
     [("segunda de manhã", "23/11/2026 07:00-12:00"),
      ("terça à tarde", "24/11/2026 12:00-18:00")]),
    ("terça às 14h ou 15h",
     [("terça às 14h", "24/11/2026 14:00"), ("15h", "24/11/2026 15:00")]),
    ("me separei em 2019 e queria marcar sexta",
     [("2019", "01/01/2019..31/12/2019 past"), ("sexta", "20/11/2026")]),
    ("sexta eu consigo às 16h",
     [("sexta", "20/11/2026"), ("16h", "20/11/2026 16:00")]),
    ("trocar das 14h de quinta pras 16h de sexta",
     [("14h de quinta", "19/11/2026 14:00"), ("16h de sexta", "20/11/2026 16:00")]),
    ("saio do trabalho 18h, pode ser 18h30?", [("18h", "18:00"), ("18h30", "18:30")]),
    ("amanhã à noite ou sábado de manhã",
     [("amanhã à noite", "19/11/2026 18:00-23:00"),
      ("sábado de manhã", "21/11/2026 07:00-12:00")]),
    ("vai ter às 15h?", [("15h", "15:00")]),
    ("liguei ontem e queria às 15h",
     [("ontem", "17/11/2026 past"), ("15h", "15:00")]),
    ("pode passar meu horário das 9 pras 11?", [("9", "09:00"), ("11", "11:00")]),
    ("hoje é sexta", [("hoje", "18/11/2026"), ("sexta", "20/11/2026")]),
    ("muda a de terça às 14h pra 16h",
     [("terça às 14h", "24/11/2026 14:00"), ("16h", "24/11/2026 16:00")]),
    ("foi em 2020 e a segunda em 2022",
     [("2020", "01/01/2020..31/12/2020 past"), ("segunda", "16/11/2026 past"),
      ("2022", "01/01/2022..31/12/2022 past")]),
    ("boa tarde, seria pra amanhã às 10", [("amanhã às 10", "19/11/2026 10:00")]),
    ("bom dia! dia 25 às 8h30 dá?", [("dia 25 às 8h30", "25/11/2026 08:30")]),
    ("fui demitida em março, posso ir sexta?",
     [("março", "01/03/2026..31/03/2026 past"), ("sexta", "20/11/2026")]),
    ("recebi uma intimação ontem, audiência dia 12/12 às 13h",
     [("ontem", "17/11/2026 past"), ("dia 12/12 às 13h", "12/12/2026 13:00")]),
)  # fmt: skip

AT_OTHER_TIMES = (
    (SUNDAY_NIGHT, "segunda", "23/11/2026"),
    (SUNDAY_NIGHT, "segunda às 8", "23/11/2026 08:00"),
    (SUNDAY_NIGHT, "domingo", "29/11/2026"),
    (SUNDAY_NIGHT, "amanhã cedo", "23/11/2026 07:00-12:00"),
    (SUNDAY_NIGHT, "semana que vem", "23/11/2026..29/11/2026"),
    (SUNDAY_NIGHT, "sábado passado", "21/11/2026 past"),
    (SUNDAY_NIGHT, "fim de semana", "22/11/2026..22/11/2026"),
    (FRIDAY_EVENING, "sexta", "27/11/2026"),
    (FRIDAY_EVENING, "sexta às 18h", "20/11/2026 18:00"),
    (FRIDAY_EVENING, "sexta às 15h", "27/11/2026 15:00"),
    (FRIDAY_EVENING, "sexta que vem", "27/11/2026"),
    (FRIDAY_EVENING, "segunda que vem", "23/11/2026"),
    (FRIDAY_EVENING, "hoje sexta", "20/11/2026"),
    (FRIDAY_EVENING, "fds", "21/11/2026..22/11/2026"),
    (FRIDAY_EVENING, "dia 20", "20/11/2026"),
    (LAST_OF_YEAR, "amanhã", "01/01/2027"),
    (LAST_OF_YEAR, "dia 2", "02/01/2027"),
    (LAST_OF_YEAR, "31/12", "31/12/2026"),
    (LAST_OF_YEAR, "30/12", "30/12/2027"),
    (LAST_OF_YEAR, "mês que vem", "01/01/2027..31/01/2027"),
    (LAST_OF_YEAR, "fim do mês", "31/12/2026..31/12/2026"),
    (LAST_OF_YEAR, "começo do mês", "01/01/2027..10/01/2027"),
    (LAST_OF_YEAR, "ano que vem", "01/01/2027..31/12/2027"),
    (LAST_OF_YEAR, "ano novo", "01/01/2027"),
    (LAST_OF_YEAR, "véspera de natal", "24/12/2027"),
    (LAST_OF_YEAR, "semana que vem", "04/01/2027..10/01/2027"),
    (LAST_OF_YEAR, "29/02", "29/02/2028"),
    (LAST_OF_YEAR, "daqui a 2 meses", "28/02/2027"),
    (LAST_OF_YEAR, "dia 30", "30/01/2027"),
)

NO_MOMENT = (
    "boa tarde", "bom dia", "boa noite, tudo bem?", "boa manhã pra vc",
    "bom dia doutora", "preciso da segunda via do boleto", "segunda-via da conta",
    "está em segunda instância", "a terça parte da herança",
    "é minha primeira consulta", "minha segunda consulta", "corre na quarta vara cível",
    "na 3ª vara de família", "na 2ª instância", "2ª via do contrato",
    "a sexta turma do TST", "moro no quinto andar", "sala 10", "dividi em 12 parcelas",
    "paguei 10x de 800", "R$ 15.000,00", "são 800 reais", "me deve 2 mil",
    "meu cpf é 482.193.650-05", "meu número é (61) 98133-5520", "61 98133 5520",
    "processo 0012457-26.2021.8.26.0100", "CEP 70.040-010", "artigo 5 da constituição",
    "Lei 8.112/90", "a lei 11.340/06", "atendem 24/7?", "atendimento 24h",
    "e o 1/3 de férias?", "tenho 48 horas pra responder", "48h pra sair de casa",
    "tenho 30 anos", "minha filha de 5 anos", "no dia a dia", "hoje em dia é assim",
    "um dia desses eu passo aí", "desde já agradeço", "já é tarde demais",
    "cheguei tarde no trabalho", "trabalho 8h por dia", "jornada de 8 horas",
    "fazia 3 horas extras", "esperei duas horas", "escala 12/36", "escala 12x36",
    "as 3 parcelas", "umas 10 pessoas", "as duas filhas moram comigo",
    "cedo ou tarde vou precisar", "o mais cedo possível", "moro na rua 15 de novembro",
    "av. 7 de setembro, 200", "sou de Natal", "moro no Rio de Janeiro",
    "ele vai ter que pagar", "quero ter certeza", "nota 10/10", "maria@segunda.com.br",
    "quero as duas coisas", "uma segunda opinião", "pela segunda vez",
    "dia das mães", "que dia e hora?", "qual dia tem vaga?", "apto 12/03",
    "paguei a 2ª, falta a 3ª", "a primeira ou a segunda", "menor que 1 hora",
    "deram 24 horas pra desocupar", "minha mãe já tem 80 anos", "nota 0/10",
    "código 7.12/03",
    "tem horário mais tarde?", "dá uma olhadinha", "tenho 2 filhos, de 3 e 5 anos",
    "devo 3 meses de aluguel", "recebo 2/3 do salário", "art. 7º, XIII da CF",
    "processo nº 12/2024", "sexta-feira santa vcs abrem?", "dez 10% ao mês",
    "é a quinta vez que eu ligo", "casei em 98", "dois dias depois da audiência",
    "em 5 dias úteis", "tô grávida de 6 meses",
    "", "???", "ok", "👍",
)  # fmt: skip

IMPOSSIBLE = (
    ("pode ser dia 32?", "dia 32"),
    ("dia 31/02 às 10h", "dia 31/02"),
    ("31/02", "31/02"),
    ("30 de fevereiro", "30 de fevereiro"),
    ("às 25h", "25h"),
    ("amanhã 14h75", "14h75"),
    ("29/02/2027", "29/02/2027"),
    ("dia 0", "dia 0"),
    ("terça às 14:60", "14:60"),
    ("12/13/2026", "12/13/2026"),
    ("meio dia e 75", "meio dia e 75"),
    ("dia 40 de março", "dia 40 de março"),
    ("às 28:00", "28:00"),
)


def moments_of(text: str, now: datetime = NOW) -> list[tuple[str, str]]:
    return [(item.text, shown(item)) for item in read_moments(text, now=now)]


class TestReading:
    @pytest.mark.parametrize(("text", "words", "meaning"), ONE_MOMENT)
    def test_moment_is_read_out_of_a_message(self, text, words, meaning):
        assert moments_of(text) == [(words, meaning)]

    @pytest.mark.parametrize(("text", "moments"), SEVERAL_MOMENTS)
    def test_what_does_not_belong_together_is_read_apart(self, text, moments):
        assert moments_of(text) == moments

    @pytest.mark.parametrize(("now", "text", "meaning"), AT_OTHER_TIMES)
    def test_meaning_depends_on_when_it_is_said(self, now, text, meaning):
        assert [said for _, said in moments_of(text, now)] == [meaning]

    @pytest.mark.parametrize("text", NO_MOMENT)
    def test_what_only_looks_like_a_date_is_left_alone(self, text):
        assert moments_of(text) == []
        assert has_impossible(text) is None

    def test_tables_are_large_enough_to_mean_something(self):
        assert len(ONE_MOMENT) >= 160
        assert len(NO_MOMENT) >= 40


class TestImpossible:
    @pytest.mark.parametrize(("text", "words"), IMPOSSIBLE)
    def test_day_or_hour_that_does_not_exist_is_named(self, text, words):
        assert has_impossible(text) == words
        assert words not in [said for said, _ in moments_of(text)]

    @pytest.mark.parametrize("text", [row[0] for row in ONE_MOMENT])
    def test_what_can_be_read_is_not_impossible(self, text):
        assert has_impossible(text) is None


class TestValue:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("terça às 15h", "2026-11-24T15:00:00-03:00"),
            ("terça", "2026-11-24"),
            ("terça de tarde", "2026-11-24"),
            ("semana que vem", "2026-11-23"),
            ("terça ou quinta às 15h", "2026-11-24T15:00:00-03:00"),
            ("às 15h", "2026-11-18T15:00:00-03:00"),
            ("às 9h", "2026-11-19T09:00:00-03:00"),
            ("às 10h", "2026-11-19T10:00:00-03:00"),
            ("de tarde", "2026-11-18"),
            ("de manhã", "2026-11-18"),
            ("até as 9", "2026-11-19"),
            ("depois das 8", "2026-11-18"),
        ],
    )
    def test_value_is_the_next_time_that_fits(self, text, value):
        [moment] = read_moments(text, now=NOW)

        assert moment.value(NOW) == value

    def test_day_is_that_of_the_callers_clock_in_whatever_zone(self):
        late = datetime.fromisoformat("2026-11-18T23:30:00-05:00")
        [moment] = read_moments("amanhã às 9", now=late)

        assert moment.day == date(2026, 11, 19)
        assert moment.value(late) == "2026-11-19T09:00:00-05:00"

    def test_span_holds_in_text_with_combining_accents_and_emoji(self):
        text = "😟 amanha\u0303 a\u0300s 9, por favor"
        [moment] = read_moments(text, now=NOW)

        assert moment.text == "amanha\u0303 a\u0300s 9"
        assert text[moment.start : moment.end] == moment.text


WORDS = sorted({word for row in ONE_MOMENT for word in row[0].split()})
SPOKEN = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)
LOOSE = st.text(st.sampled_from("0123456789/:.-hàás eteria ") | st.characters())
MOMENTS = st.datetimes(
    NOW.replace(year=2000, tzinfo=None),
    NOW.replace(year=2090, tzinfo=None),
    timezones=st.just(ZONE),
)


class TestAnyText:
    @settings(max_examples=300)
    @given(SPOKEN | LOOSE, MOMENTS)
    def test_spans_are_in_order_and_values_are_iso(self, text, now):
        moments = read_moments(text, now=now)
        has_impossible(text)

        ends = 0
        for moment in moments:
            assert ends <= moment.start < moment.end <= len(text)
            assert text[moment.start : moment.end] == moment.text
            datetime.fromisoformat(moment.value(now))
            ends = moment.end

    @pytest.mark.parametrize(
        "unit",
        ["1/1/", "a", "às ", "e ", "vinte e ", "dia 1, ", "1 e ", "de ", " ", "99h",
         "segunda ", "das 1 as ", "em ", "1, ", "dias 1 a ", "até as ", "aaaas ",
         "5 pras ", "da "],
    )  # fmt: skip
    def test_hostile_text_takes_time_in_proportion_to_its_length(self, unit):
        def seconds(length: int) -> float:
            text = (unit * length)[:length]
            taken = []
            for _ in range(3):
                begun = clock.perf_counter()
                read_moments(text, now=NOW)
                taken.append(clock.perf_counter() - begun)
            return min(taken)

        # 8 times the length takes some 8 times as long; its square would be 64
        assert seconds(4800) < 30 * seconds(600) + 0.02

    def test_table_has_no_message_twice(self):
        texts = [re.sub(r"\W+", " ", row[0].lower()) for row in ONE_MOMENT]

        assert len(texts) == len(set(texts))
