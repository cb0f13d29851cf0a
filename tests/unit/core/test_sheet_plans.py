"""Which spreadsheet a lawyer asks for, in words spoken between hearings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.sheet_columns import GENERAL, LONGEST_COLUMN, columns_for, listed
from bot.core.sheet_plans import LONGEST_TITLE, MOST_COLUMNS, plan

COSTS = ("Data", "Descrição", "Processo", "Valor", "Pago por", "Reembolsado?")
TERMS = ("Prazo final", "Processo", "Cliente", "O que fazer", "Responsável", "Situação")
FEES = ("Cliente", "Processo", "Valor", "Vencimento", "Pago em", "Situação")
HEARINGS = columns_for("audiencias")
CONTACTS = ("Nome", "Telefone", "E-mail", "Assunto", "Origem", "Observações")
PAPERS = columns_for("documentos")

NAMED = [
    ("cria uma planilha de custas do caso Souza com data, valor e quem pagou",
     "Custas do caso Souza", "Data|Valor|Quem pagou"),
    ("preciso de uma planilha de honorários: cliente, valor, vencimento, se pagou",
     "Honorários", "Cliente|Valor|Vencimento|Pagou?"),
    ("monta uma planilha de prazos com processo, vara, data e responsável",
     "Prazos", "Processo|Vara|Data|Responsável"),
    ("quero um google sheets de custas processuais com colunas data, valor e guia",
     "Custas processuais", "Data|Valor|Guia"),
    ('cria planilha "Despesas Alencar" com data, descrição e valor',
     "Despesas Alencar", "Data|Descrição|Valor"),
    ("boa tarde! cria uma planilha pra controle de procurações com cliente, "
     "data de assinatura e validade",
     "Controle de procurações", "Cliente|Data de assinatura|Validade"),
    ("oi, planilha nova: honorários de êxito, colunas cliente, percentual, valor",
     "Honorários de êxito", "Cliente|Percentual|Valor"),
    ("planilha custas Ferreira, colunas: data, tipo, valor",
     "Custas Ferreira", "Data|Tipo|Valor"),
    ("planilha de leads com nome telefone e origem", "Leads", "Nome|Telefone|Origem"),
    ("planilha de audiências com data hora vara e cliente",
     "Audiências", "Data|Hora|Vara|Cliente"),
    ("planilha com a partilha: bem, valor, herdeiro",
     "Partilha", "Bem|Valor|Herdeiro"),
    ("com colunas data, ato e prazo, cria uma planilha pro caso Telemar",
     "Caso Telemar", "Data|Ato|Prazo"),
    ("cria uma planilha com colunas nome, cpf, telefone",
     "Nome, CPF e telefone", "Nome|CPF|Telefone"),
    ("gera aí uma planilha c/ nome, telefone e área do caso",
     "Nome, telefone e área do caso", "Nome|Telefone|Área do caso"),
    ("monta um controle de alvarás: banco, valor, levantado sim ou não",
     "Controle de alvarás", "Banco|Valor|Levantado?"),
    ("faz o seguinte abre uma planilha nova com o nome de prazos do mês e coloca ali "
     "coluna de processo de vara de prazo final e de quem é o responsável",
     "Prazos do mês", "Processo|Vara|Prazo final|Quem é o responsável"),
    ("olha preciso que você crie uma planilha pra mim do caso da dona Lúcia com as "
     "custas que a gente já pagou tem que ter a data o que foi e quanto foi e deixa "
     "uma coluna pra observação também",
     "Caso da dona Lúcia com as custas que a gente já pagou",
     "Data|O que foi|Quanto foi|Observação"),
    ("planilha de custas\ndata\nvalor\nprocesso", "Custas", "Data|Valor|Processo"),
    ("preciso de um lugar pra anotar km rodado, cria uma planilha com data, "
     "destino e km",
     "Km rodado", "Data|Destino|Km"),
    ("queria uma planilha pra acompanhar o leilão, lance, data e edital",
     "Leilão", "Lance|Data|Edital"),
    ("cria sheet: cliente, rt, data da aij", "Cliente, RT e data da AIJ",
     "Cliente|RT|Data da AIJ"),
    ("planilha dos bens do casal Saraiva, com coluna de quem fica com o quê",
     "Bens do casal Saraiva", "Quem fica com o quê"),
    ("planilha da execução do Aldair, parcela, correção, total",
     "Execução do Aldair", "Parcela|Correção|Total"),
    ("uma planilha só com nome e número CNJ, mais nada",
     "Nome e número CNJ", "Nome|Número CNJ"),
    ("tá, agora um excel com essas colunas: fase, juízo, valor da causa",
     "Fase, juízo e valor da causa", "Fase|Juízo|Valor da causa"),
    ("tô no intervalo da audiência então cria uma planilha com salário base horas "
     "extras reflexos e FGTS que eu mesmo preencho em casa",
     "Salário base, horas extras e reflexos",
     "Salário base|Horas extras|Reflexos|FGTS"),
    ('cria uma planilha e chama de "Acordos 2025", só os cabeçalhos: parte, valor',
     "Acordos 2025", "Parte|Valor"),
    ("dá pra fazer uma planilha das matrículas dos lotes, lote, matrícula, ônus?",
     "Matrículas dos lotes", "Lote|Matrícula|Ônus"),
    ("tem como gerar uma planilha com entrada, vencimento e quem ficou de fazer?",
     "Entrada, vencimento e quem ficou de fazer",
     "Entrada|Vencimento|Quem ficou de fazer"),
    ("planilha de custas com data, Data, valor e DATA", "Custas", "Data|Valor"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "title", "columns"), NAMED)
def test_columns_that_are_named_are_taken(said, title, columns):
    made = plan(said)

    assert (made.title, made.columns) == (title, tuple(columns.split("|")))


USUAL = [
    ("cria uma planilha de custas do caso Souza", "Custas do caso Souza", COSTS),
    ("custas do caso souza", "Custas do caso Souza", COSTS),
    ("faz uma planilha aí pra eu controlar os prazos da Maria",
     "Prazos da Maria", TERMS),
    ("planilha pros custos do processo 0012457-26.2021.8.26.0100",
     "Custos do processo 0012457-26.2021.8.26.0100", COSTS),
    ("faz uma planilha do google: prazos de dezembro", "Prazos de dezembro", TERMS),
    ("faz uma planilha com os honorários do mês", "Honorários do mês", FEES),
    ("preciso de um excel com os prazos de maio", "Prazos de maio", TERMS),
    ("quero uma planilha de contatos dos clientes", "Contatos dos clientes", CONTACTS),
    ("tem como vc abrir uma planilha pra eu lançar as custas?", "Custas", COSTS),
    ("bom dia, me faz uma planilha de reembolso de combustível",
     "Reembolso de combustível", COSTS),
    ("planilha de gastos, rápido", "Gastos", COSTS),
    ("PLANILHA DE CUSTAS DO CASO ALVES", "Custas do caso Alves", COSTS),
    ("CRIA PLANILHA DE PRAZOS URGENTE", "Prazos", TERMS),
    ("qro uma planilha dos prazo da semana", "Prazo da semana", TERMS),
    ("bota numa planilha as custas do agravo", "Custas do agravo", COSTS),
    ("quero planilhar as despesas do caso Agropecuária Sol",
     "Despesas do caso Agropecuária Sol", COSTS),
    ("me arranja um excel pra anotar os gastos com perito", "Gastos com perito", COSTS),
    ("cria um controle de honorários no sheets", "Honorários", FEES),
    ("só uma planilha de custas mesmo, sem frescura", "Custas", COSTS),
    ("oxe faz uma planilha dessas custas que eu tô perdido", "Custas", COSTS),
    ("queria deixar as custas do inventário numa planilha, cria aí",
     "Custas do inventário", COSTS),
    ("📊 planilha de honorários maio", "Honorários maio", FEES),
    ("planilha aij agosto", "AIJ agosto", HEARINGS),
    ("opa, sobe um excelzinho com as audiências da equipe",
     "Audiências da equipe", HEARINGS),
    ("plan custas, rápido q vou entrar em aud", "Custas", COSTS),
    ("cria uma planilha em branco com o nome Mutirão INSS", "Mutirão INSS", GENERAL),
    ("cria planilha chamada Audiências Junho", "Audiências Junho", HEARINGS),
    ("planilha de documentos pendentes por cliente",
     "Documentos pendentes por cliente", PAPERS),
    ("prepara uma planilha de custas iniciais pra eu mandar pro cliente",
     "Custas iniciais", COSTS),
    ("faz uma planilha pra eu dividir as audiências com o Cássio e a Lourença",
     "Audiências com o Cássio e a Lourença", HEARINGS),
    ("mais uma: inadimplentes do primeiro semestre",
     "Inadimplentes do primeiro semestre", FEES),
    ("organiza os contatos dos peritos num excel", "Contatos dos peritos", CONTACTS),
    ("arma aí um quadro de prazos no google planilhas", "Prazos", TERMS),
    ("outra planilha, essa é pros correspondentes e quanto cobram por comarca",
     "Correspondentes e quanto cobram por comarca", CONTACTS),
    ("bom dia minha querida hoje eu preciso que você monte uma planilha com todos os "
     "honorários que a gente tem pra receber esse semestre separando por cliente com o "
     "valor da parcela a data do vencimento e se já pagou ou não",
     "Todos os honorários", FEES),
    ("olha faz uma planilha nova chamada custas Imperatriz não custas Imperatriz e "
     "Açailândia", "Custas Imperatriz e Açailândia", COSTS),
    ("planilha de férias da equipe", "Férias da equipe", GENERAL),
    ("cria mais uma planilha igual de custas só que pro caso Moacir",
     "Custas pro caso Moacir", COSTS),
    ("joga isso numa planilha: cópias 45 reais, uber 32, cartório 120",
     "Cópias 45 reais, uber 32, cartório 120", COSTS),
]  # fmt: skip


@pytest.mark.parametrize(("said", "title", "columns"), USUAL)
def test_without_columns_the_usual_ones_of_the_subject_are_offered(
    said, title, columns
):
    made = plan(said)

    assert (made.title, made.columns) == (title, columns)


@pytest.mark.parametrize(
    "said",
    ["cria uma planilha", "nova planilha", "faz uma planilha ai", "planilha em branco",
     "abre um excel aí pra mim", "criar excel", "cria uma planilha zerada", "", "?!"],
)  # fmt: skip
def test_sentence_that_says_no_purpose_names_none(said):
    made = plan(said)

    assert not made.is_named
    assert made.columns == GENERAL


def test_names_are_written_as_they_are_known():
    made = plan("planilha de prazos da josé d'ávila", names=["josé d'ávila"])

    assert made.title == "Prazos da José D'ávila"


def test_title_ends_at_a_word():
    made = plan("planilha de " + "custas judiciais " * 20)

    assert len(made.title) <= LONGEST_TITLE
    assert made.title.endswith(("custas", "judiciais"))


def test_signs_that_would_be_markup_are_left_out_of_the_title():
    assert plan("planilha de *custas* do caso _Souza_").title == "Custas do caso Souza"


def test_columns_have_an_end():
    many = ", ".join(f"campo {chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(60))

    assert len(plan(f"planilha de custas, colunas {many}").columns) == MOST_COLUMNS


@given(st.text(max_size=300))
def test_whatever_is_written_makes_a_sheet(said):
    made = plan(f"planilha {said}")

    assert len(made.title) <= LONGEST_TITLE
    assert 0 < len(made.columns) <= MOST_COLUMNS
    assert all(0 < len(each) <= LONGEST_COLUMN + 1 for each in made.columns)
    assert made.title == made.title.strip()
    assert made == plan(f"planilha {said}")


def test_list_is_parted_as_people_speak():
    said = "data; o valor, quem pagou e também se reembolsou, e mais nada"

    assert listed(said) == ["data", "valor", "quem pagou", "reembolsou?"]
