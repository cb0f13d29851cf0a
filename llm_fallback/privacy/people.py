"""Finds people's names in a message, so that they can be masked.

No learned tagger here (Rasa's environment has one): names that are known, names
behind words that lead up to one ("me chamo", "minha mãe", "contra"), and common given
names with the family names after them. Without capitals a name that is no common one
and follows no such word is not found.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from bot.core.entities.found import fold
from bot.core.entities.person_names import (
    BEGIN,
    INSIDE,
    OUTSIDE,
    NameWords,
    Token,
    names_from,
    tokenise,
)
from bot.core.texts import name_words

Span = tuple[int, int]

_SHORTEST_PART = 3
_MOST_NAME_WORDS = 4
_FAR = 5
_PARTICLES = frozenset("da das de do dos e".split())
_TITLES = frozenset("dr dra doutor doutora sr sra senhor senhora dona seu don".split())
_NAME_SHAPE = re.compile(r"[^\W\d_]+(?:[ '’-][^\W\d_]+)*")
_CUE = re.compile(
    r"\b(?:sou(?: eu ,?)? (?:o|a)|aqui (?:e|eh) (?:o|a)|quem fala (?:aqui )?e (?:o|a)"
    r"|(?:minha|meu) (?:mae|pai|filh[oa]|marido|esposa|mulher|irmao|irma|avo|tia|tio"
    r"|prim[oa]|sogr[oa]|cunhad[oa]|net[oa]|ex|chefe|patrao|patroa|vizinh[oa]|soci[oa]"
    r"|amig[oa]|namorad[oa]|genro|nora|padrasto|madrasta|sobrinh[oa])"
    r"|(?:contra|reu|re|autora?|vitima|testemunha|inventario de|falecid[oa]|chamad[oa]"
    r"|conhecid[oa] como|processar|por|pel[oa])(?: (?:o|a))?) (?=\w)"
)
"""What leads up to a name where a capital follows; in folded words, one space apart."""

_GIVEN = frozenset(
    """
    adilson adriana adriano ailton alan alberto alessandra alex alexandre alice
    aline aloisio amanda amelia ana anderson andre andreia andressa angela antonia
    antonio aparecida ariane arnaldo arthur artur augusto beatriz benedito bernardo
    bianca breno bruna bruno caio camila carla carlos carolina caroline cassia
    cassio catarina cecilia celia celso cesar cicera cicero cida claudia claudio
    cleber cleide cleiton cristiane cristiano cristina daiane daniel daniela danilo
    davi debora denise diego diogo dora douglas edilson edmilson edna edson eduarda
    eduardo elaine eliana eliane elias elisa elisangela elza emerson emilia enzo
    erica erick ernesto ester eunice eva evandro everton fabiana fabiano fabio
    fatima felipe fernanda fernando flavia flavio francisca francisco gabriel
    gabriela geralda geraldo gilberto gilmar gilson giovana gisele giselle graziela
    guilherme gustavo heitor helena helio heloisa henrique hugo iara igor ines
    ingrid iracema irene isabel isabela isadora ismael ivan ivone jair janaina
    jandira jaqueline jessica joana joao joaquim joel jonas jonathan jorge jose
    josefa josiane julia juliana juliano julio jussara karen karina katia kelly lais
    lara larissa laura leandro leila lenice leonardo leticia lidia lilian lorena
    lourdes luan luana lucas lucia luciana luciano lucio luis luisa luiz luiza luzia
    magali maiara manoel manuel manuela marcela marcelo marcia marcio marcos
    margarete maria mariana mariane marina mario marisa marlene marli marta mateus
    matheus mauricio mauro mayara michele miguel milena milton mirela mirian moacir
    moises monica murilo nadia natalia neide neusa nicolas nilson nilton nivaldo
    odete olga orlando osvaldo otavio pablo paloma pamela patricia paula paulo pedro
    priscila rafael rafaela raimunda raimundo raquel rebeca regiane regina reginaldo
    reinaldo renan renata renato ricardo rita roberta roberto robson rodrigo rogerio
    ronaldo roque rosana rosane rosangela roseli rosilene rubens rute ruth samara
    samuel sandra sandro sara sarah sebastiana sebastiao sergio severino sheila
    silvana silvia silvio simone sofia solange sonia sueli suely susana suzana taina
    tania tatiana tatiane teresa terezinha thais thales thiago tiago tulio valdemar
    valdir valentina valeria valter vanda vanderlei vanessa vera vicente victor
    vilma vinicius vitor viviane wagner waldir walter wanderson washington
    wellington wesley william wilson yasmin yuri zelia zilda
    """.split()
)
_FAMILY = frozenset(
    """
    albuquerque almeida alves amaral andrade antunes aragao araujo arruda assis
    azevedo barbosa barros bastos batista bezerra bittencourt borges botelho braga
    brandao brito cabral caldas camargo campos cardoso carneiro carvalho castro
    cavalcante cavalcanti chagas coelho cordeiro correia costa coutinho couto cunha
    dantas dias diniz duarte esteves farias feitosa fernandes ferraz ferreira
    figueiredo fonseca fontes franco freire freitas furtado gomes goncalves guedes
    guerra guimaraes gusmao leal leite lemos lima lins lobo lopes macedo machado
    magalhaes maia marques martins matos medeiros meireles melo mendes mendonca
    menezes mesquita miranda monteiro moraes morais moreira moura nascimento neves
    nogueira novaes nunes oliveira pacheco paiva paixao passos peixoto pereira
    pessoa pimentel pinheiro pinto pires porto prado queiroz ramos rangel rego reis
    rezende ribeiro rocha rodrigues sales sampaio santana santiago santos saraiva
    silva silveira siqueira soares sobral sousa souza tavares teixeira teles toledo
    torres valente vargas vasconcelos veiga viana vidal vieira vilela xavier
    """.split()
)
_EVERYDAY = frozenset(
    """
    abencoe aberto abraco abre abrem abrir acabei acabou acao aceita aceitam aceito
    acesso achei acho acidente acompanhar acontece aconteceu acordo adv advogada
    advogado agenda agendamento agendar agora agosto agradecer agradeco agravo agua
    ah ai aij ainda ajuda ajudou alem algo alguem algum alguma almoco alo aluguel
    alvara amanha amor anda andamento andar anexo aniversario ano anos anota antes
    antigo ao aos apaga apagar apaguem aparece apareceu apartamento aplicativo
    aposentado aposentadoria aquela aquele aqui area arquiva arquivo arruma
    artificial as assim assinada assinar assinei assinou assistente assumir assumo
    assunto ate atencao atende atendem atendendo atendente atender atendeu atendida
    atendido atendimento atendo atras atuam aud audiencia audiencias audio audios
    automatica automatico autor autora autorizacao autorizo auxilio avisa avisar
    aviso avo azul bah bairro balcao banco banheiro base bateu bebe bem beneficio
    bens blz boa boleto bom bot bota botar br brasil briga busca buscar cabe cabeca
    cabo cachorro cada cadastro cade cadeia cai caiu caixa calculo calendario campos
    cancela cancelar cara carne carro carta cartao carteira cartorio casa casado
    casamento casar caso causa causas cedo celular cento certidao certinho certo ces
    ceu chama chamada chamado chamar chamou chefe chega chegar chego chegou cheguei
    cheque cidade cima cinco cirurgia civel claro cliente clientes cnh cobra cobram
    cobranca cobrando cobrar coisa coisas colega coloca colocar colunas com
    combinado comeca comecar comeco comigo como completo compra comprei compromisso
    compromissos comprovante computador conciliacao concurso condominio confere
    confirmacao confirmado confirmar conhecido consegue conseguem consegui conseguir
    consentimento consigo construtora consulta consultar conta contador contar
    contato contatos contei contestacao continua continuar contou contra contratar
    contrato contratos controle convenio conversa conversar conversei copia cpf cria
    crianca criancas criar crime criminal cuida cuidam culpa cunhada cunhado custa
    custas da dado dados dai dao daqui dar das data de declaracao defendem defesa
    deixa deixar deixou dela dele delegacia demais demissao demora dentro depois
    deram desconto desculpa desde desejo desempregada desisti desistir desisto
    desmarca desmarcar despacho despejo despesas dessa desse deu deus devolve
    devolver dez dia dias diferenca diga digital dinheiro direitinho direito
    direitos direto disse disso divida divorciada divorcio diz dizer do documento
    documentos doenca dois domestica domingo dona dono dormir dos doutor doutora dr
    dra drive duas duvida egua eh ela ele eles em email embora emprego empresa
    emprestimo endereco enquanto entao entendeu entendi entra entrada entrar entre
    entrega entrei entrou enviar envio equipe era errada errado escola escreve
    escrever escreveu escrevi escrevo escrito escritorio escritura espera esperanca
    esperando esperar esposa esposo esquece esqueci essa essas esse esta estado
    estagiario estao estar estavel este estou eu ex exame excel exclui execucao
    exemplo existe expediente explica explicar extra extrato faco fala falando falar
    falaram faleceu falecido falei falo falou falta faltar familia favor faz fazem
    fazenda fazendo fazer fecha fechou feira feito feriado ferias fez fgts fica
    ficam ficar ficha fico ficou fila filha filho filhos fim final fiquei firma
    fiscal fiz fizeram flor flores foi for fora forum foto fotos franco frente fui
    funciona ganha ganho ganhou gato gente gentileza gera gerente gloria golpe
    google gostaria graca gracas grande gratis gratuita gravida grupo guarda
    guardado guardam guerra ha hein heranca herda historia hj hoje homem honorarios
    hora horario horas hospital humano ia idade ideia identidade idosa idoso igual
    imovel imposto indenizacao indo informacoes informar inicial inquilino inss
    instagram instrucao inteligencia internet intimacao inventario ir irma irmao
    irmaos isso ja jeito joga judicial juiz juizado julgamento junho junior junto
    juri juros justa justica kkk kkkk la lado lanca laudo le leads leal legal lei
    leilao leite lembra lembrete lembro ler leva levar levo levou lgpd libera
    licenca liga ligacao ligar liguei linha link lista livre logo loja longe lugar
    luz machado madrugada mae maia maio mais mal manda mandado mandando mandar
    mandaram mandei mando mandou manha mano manual mao maquina marca marcada marcado
    marcar marcou marido marquei mas maternidade matricula me medico medida medo
    meia meio melhor melo menina menino menor menos mensagem mensagens menu mes
    meses mesma mesmo metade meu meus mexe mexem mexer mil mim minha minhas minutos
    moca moco modo mora moral moro morreu mostra moto motorista msg msm muda mudar
    mudou muita muito mulher multa mundo na nada nao nascimento natal ne negocio nem
    nenhum nenhuma nessa nesse neto ninguem nisso no noite nome normal nos nossa
    nota notificacao nova nove novo novos num numa numero nunca oab obrigada
    obrigado oficial oi oito ok ola olha onde onibus online ontem opa opcao opcoes
    oq ordem os ou outra outro outros oxe padaria paga pagamento pagar pago pagou
    paguei pai paixao palavra papeis papel papo para parabens parado parar parcela
    parcelas pare parte particular partir passa passado passagem passar passei passo
    passos passou pasta patrao pausa pauta paz pdf pe peco pede pedi pedido pedir
    pediram pediu pega pegam pegar pego pela pelo pena pensao pensionista perco
    perde perder perdi pergunta perguntar pericia periodo perito perto pessoa
    pessoais pessoal pessoalmente pessoas peticao pf pfv pinto pires pix planilha
    plano plantao pode podem podemos poder poderia poe policia ponto por porque
    porta porto possivel posso posto pouco pq pra prado prazo prazos precisa
    precisam preciso preco predio prefeitura prefiro presa presencial preso prezados
    primeira primeiro print prisao pro problema processar processo processos
    procuracao professora promocao pronto propaganda prova provas proxima proximo
    publico qro quais qual qualquer quando quantas quanto quantos quarta quatro que
    quebrou quem quer querem querer queria querida quero quieto quinta ramos rapaz
    rapido reais recebe receber recebi recebo receita recepcao recesso recibo
    recorrer recurso reforma registro reis remarcar remedio renda rescisao resolve
    responda responde respondendo responder respondeu respondo responsavel resposta
    resultado resume resumo retorno reu reuniao revisao rg robo roca rocha rosa
    rosas rua ruim rural sabado sabe sabendo saber sai saindo saio sair saiu sala
    salario salva salvar santos sao saude se secretaria segue seguinte segunda
    seguro sei sem semana sempre sendo senha senhor senhora sentenca separacao ser
    sera seria serra serve servico servidor sete seu sexta show sim simples
    sindicato sindico sistema site sitio situacao so sobre sobrenome sobrinho social
    socio sogra sogro soldado solicito solteira somos sou sozinho sua sumiu ta
    tabela tambem tanto tao tarde tava taxa tchau tche te telefone tem tempo tenho
    ter terca terminei termo terra terreno testemunha testemunhas teve tia tinha tio
    tipo tira tirar tiro tiver to toda todo todos tomar total trabalha trabalham
    trabalhar trabalhei trabalhista trabalho transito trem tres tribunal troca
    trocar tu tudo uai ultima um uma umas uniao uns urgente usar uso usucapiao vaga
    vai vale valente valeu valor vamos vao vara vc vcs ve veio vem vence vendedor
    vender vendo ver verdade vergonha vez vezes vi viagem viajar vida video
    videochamada vim vinte virtual visita vitima viu viuva viuvo vizinha vizinho vo
    voce voces volta voltar voltou voo vou whatsapp zap
    """.split()
)
"""Words that messages use otherwise, names though some of them may be."""
_ALSO_GIVEN = frozenset(
    "rosa graca gloria vitoria esperanca flor luz barbara clara divina marco".split()
)
"""Words of every day that a display name may well begin with."""
_NO_PEOPLE = frozenset(
    """
    brasil portugal bahia parana goias ceara amazonas sergipe alagoas paraiba para
    pernambuco acre maranhao piaui tocantins roraima rondonia itau bradesco santander
    nubank serasa procon spc inss detran ibama unimed magalu latam gol uber ifood vivo
    claro tim correios google facebook instagram telegram shopee amazon estado uniao
    municipio constituicao codigo estatuto
    """.split()
)
"""What capitals and these cues are written of as well."""
_WORDS = NameWords(
    given=_GIVEN,
    family=_FAMILY - _EVERYDAY,
    everyday=_EVERYDAY,
    not_people=frozenset(
        tuple(name.split())
        for name in (
            "maria da penha", "santa maria", "santo andre", "sao paulo", "santa rita",
            "sao jose", "joao pessoa", "mato grosso", "minas gerais", "rio de janeiro",
            "espirito santo", "belo horizonte", "porto alegre", "banco do brasil",
            "caixa economica", "meu inss", "receita federal", "ministerio publico",
            "casas bahia", "magazine luiza", "mercado livre", "nossa senhora",
            "jesus cristo",
        )
    ),
)  # fmt: skip


def is_name(name: str) -> bool:
    """Says whether a text looks like a person's name, as display names often do not.

    >>> is_name("Maria Aparecida da Silva"), is_name("Ganhou 50% de desconto")
    (True, False)
    """
    return bool(first_name(name))


def first_name(name: str) -> str:
    """Returns how a person is called by name, with a capital; "" for no name.

    >>> first_name("DRA. HELENA MODELO")
    'Helena'
    """
    bare = re.sub(r"\.(?=\s|$)", "", name.strip())
    words = [word for word in bare.split() if fold(word) not in _PARTICLES | _TITLES]
    if (
        not _NAME_SHAPE.fullmatch(bare)
        or not 0 < len(words) <= _MOST_NAME_WORDS
        or fold(words[0]) in _EVERYDAY - _ALSO_GIVEN
    ):
        return ""
    if not (words[0].islower() or words[0].isupper()):
        return words[0]
    return re.sub(r"[^\W\d_]+", lambda part: part[0].capitalize(), words[0])


def parts_of(name: str) -> frozenset[str]:
    """Returns the folded words of a name that alone give the person away."""
    words = name_words(name)
    return frozenset(
        word
        for word in words
        if len(word) >= _SHORTEST_PART and word not in _EVERYDAY | _TITLES
    )


def known_names(tokens: Sequence[Token], parts: Collection[str]) -> list[Span]:
    """Returns the spans (characters) of words that are parts of known names.

    Particles and words with capitals between two parts belong to the name.
    """
    spans: list[Span] = []
    for place, token in enumerate(tokens):
        if token.bare in parts:
            spans.append((place, place + 1))
    return _joined(spans, tokens)


def found_names(text: str, tokens: Sequence[Token]) -> list[Span]:
    """Returns the spans (characters) of names that nobody told us of."""
    is_shouted = text.isupper() and len(text.lower()) == len(text)
    read = tokenise(text.lower()) if is_shouted else tokens
    labels = _labels(read)
    spans = [(each.start, each.end) for each in names_from(text, read, labels, _WORDS)]
    return [*spans, *_cued(read)]


def _labels(tokens: Sequence[Token]) -> list[str]:
    labels = [OUTSIDE] * len(tokens)
    place = 0
    while place < len(tokens):
        if tokens[place].bare not in _GIVEN:
            place += 1
            continue
        labels[place] = BEGIN
        place += 1
        while place < len(tokens) and _goes_on(tokens, place):
            labels[place] = INSIDE
            place += 1
    return labels


def _goes_on(tokens: Sequence[Token], place: int) -> bool:
    token = tokens[place]
    if token.bare in _PARTICLES:
        following = tokens[place + 1] if place + 1 < len(tokens) else None
        return following is not None and _is_of_name(following)
    return _is_of_name(token)


def _is_of_name(token: Token) -> bool:
    is_capital = token.text[:1].isupper() and not token.text.isupper()
    is_listed = token.bare in _FAMILY or token.bare in _GIVEN
    return token.text[:1].isalpha() and (is_listed or is_capital)


def _cued(tokens: Sequence[Token]) -> Iterator[Span]:
    line, at = _line(tokens)
    for match in _CUE.finditer(line):
        first = at[match.end()]
        while first < len(tokens) and tokens[first].bare in _TITLES | {"."}:
            first += 1
        behind = first
        while behind < len(tokens) and (
            _may_be_name(tokens[behind])
            or (behind > first and _goes_on(tokens, behind))
        ):
            behind += 1
        if behind > first:
            yield tokens[first].start, tokens[behind - 1].end


def _may_be_name(token: Token) -> bool:
    return (
        token.text[0].isupper()
        and len(token.bare) >= _SHORTEST_PART
        and token.bare not in _EVERYDAY | _TITLES | _NO_PEOPLE
        and not token.text.isupper()
    )


def _line(tokens: Sequence[Token]) -> tuple[str, dict[int, int]]:
    pieces, at, length = [], {}, 0
    for place, token in enumerate(tokens):
        at[length] = place
        pieces.append(token.bare + " ")
        length += len(token.bare) + 1
    return "".join(pieces), at


def _joined(spans: Sequence[Span], tokens: Sequence[Token]) -> list[Span]:
    """Returns spans of characters, with particles and capitals between parts."""
    joined: list[list[int]] = []
    for first, behind in spans:
        between = tokens[joined[-1][1] : first] if joined else ()
        is_near = joined and len(between) <= _FAR
        if is_near and all(
            each.bare in _PARTICLES or each.text[:1].isupper() for each in between
        ):
            joined[-1][1] = behind
        else:
            joined.append([first, behind])
    return [(tokens[first].start, tokens[behind - 1].end) for first, behind in joined]
