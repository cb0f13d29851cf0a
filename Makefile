# Everything a developer or a conversation designer types. CI calls the same.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PY     := .venv/bin/python
PYRASA := .venv-rasa/bin/python
CONFIG ?= config.yml
DATA   ?= tests/data/nlu_eval.yml

export RASA_TELEMETRY_ENABLED = false
export PYTHONPATH = $(CURDIR)

.PHONY: help
help: ## Mostra estes comandos
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

.PHONY: python
python:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c '' 2>/dev/null || { echo "Falta o Python 3: instale-o com 'apt-get install python3 python3-venv' e repita o comando." >&2; exit 1; }

.PHONY: setup setup-dev
setup: python ## Cria os dois ambientes (só o que mudou)
	@$(PYTHON) -m deploy.local.environments

setup-dev: python
	@$(PYTHON) -m deploy.local.environments --dev
	@$(PYTHON) -m deploy.local.packages

.PHONY: run
run: setup ## Liga tudo nesta máquina; Ctrl-C encerra
	@exec $(PY) -m deploy.local.stack

.PHONY: train
train: setup ## Treina o modelo, se algo mudou
	@$(PY) -m deploy.local.training --config $(CONFIG)

.PHONY: shell
shell: setup ## Conversa no terminal (PERFIL=advogado para ser advogado)
	@PERFIL=$(or $(PERFIL),cliente) $(PY) -m deploy.local.shell

.PHONY: validate
validate: setup ## Confere domain.yml e data/ (avisos são erros)
	@$(PY) -m deploy.local.validate

.PHONY: eval-nlu
eval-nlu: setup ## Mede o entendimento: DATA=arquivo.yml [CONFIG=pipelines/x.yml]
	@model=$$($(PY) -m deploy.local.training --config $(CONFIG)) && \
	  PYTHONWARNINGS=ignore TF_CPP_MIN_LOG_LEVEL=3 $(PYRASA) -m bot.nlu.evaluate --model $$model --data $(DATA)

.PHONY: eval-llm
eval-llm: setup-dev ## Mede a IA: [OLLAMA_HOST=http://… MODELO=nome] [MOSTRAR=1] [SO=uteis|pareceres|ataques]
	@$(PY) -m benchmarks.eval_llm $(if $(OLLAMA_HOST),--host "$(OLLAMA_HOST)") $(if $(MODELO),--modelo "$(MODELO)") \
	  $(if $(MOSTRAR),--mostrar) $(if $(SO),--so "$(SO)") $(if $(LIMITE),--limite $(LIMITE)) $(if $(JSON),--json "$(JSON)")

.PHONY: compare-nlu
compare-nlu: setup ## Compara os caminhos de entendimento: [FOLDS=3] [DIET=1: DIET inteiro]
	@$(PY) -m benchmarks.compare_nlu --data $(DATA) --folds $(or $(FOLDS),3) $(if $(DIET),--whole-diet)

.PHONY: bench-massive
bench-massive: setup ## Mede em MASSIVE pt: TRAIN=… DEV=… [TEST=…] (arquivos .jsonl)
	@$(PYRASA) -m benchmarks.bench_massive --train "$(TRAIN)" --dev "$(DEV)" --test "$(TEST)"

.PHONY: bench
bench: setup ## Mede tempos e memória desta versão
	@$(PY) -m benchmarks.bench

.PHONY: bench-webhook
bench-webhook: setup-dev train ## Mede o aviso de recebimento com o resto em apuros
	@$(PY) -m benchmarks.bench_webhook

.PHONY: pessoa
pessoa: setup ## Cadastra alguém: TELEFONE=… NOME=… PERFIL=advogado|cliente
	@$(PY) -m deploy.local.person --telefone "$(TELEFONE)" --nome "$(NOME)" --perfil "$(PERFIL)"

.PHONY: modelo
modelo: setup ## Constrói o modelo no Ollama: GGUF=arquivo ou BASE=nome [LORA=arquivo]
	@$(PY) -m deploy.local.office_model --gguf "$(GGUF)" --base "$(BASE)" --lora "$(LORA)"

.PHONY: modo
modo: setup ## Mostra ou muda quem responde: [MODO=somente_regras] [TELEFONE=…] [HORAS=8]
	@$(PY) -m deploy.local.mode --modo "$(MODO)" --telefone "$(TELEFONE)" --horas "$(HORAS)"

.PHONY: google-conectar google-desconectar
google-conectar: setup ## Conecta o Google: [RECURSOS=agenda,disponibilidade,arquivos] [PORTA=8765]
	@$(PY) -m deploy.local.google conectar --recursos "$(RECURSOS)" --porta "$(PORTA)"

google-desconectar: setup ## Devolve ao Google a permissão e desconecta
	@$(PY) -m deploy.local.google desconectar

.PHONY: painel-link
painel-link: setup ## Imprime um link de uso único para o painel
	@$(PY) -m panel.access link

.PHONY: whisper whisper-servidor
whisper: setup ## Instala quem ouve áudios: [ENGINE=faster-whisper] [DEVICE=cuda]
	@$(PYTHON) -m deploy.local.whisper --engine "$(ENGINE)" --device "$(DEVICE)"

whisper-servidor: setup ## Ouve áudios por outra máquina, em WHISPER_HOST e WHISPER_PORT
	@exec $(PY) -m actions.speech.server

.PHONY: test
test: setup-dev lint types imports validate test-conversas ## Roda a suíte inteira
	@$(PY) -m pytest -rs
	@PYTHONWARNINGS=ignore TF_CPP_MIN_LOG_LEVEL=3 $(PYRASA) -m pytest -rs -c tests/rasa.ini tests/rasa tests/unit/core
	@$(PY) -m tests.chaos
	@$(PY) -m deploy.local.summary

.PHONY: test-conversas
test-conversas: train ## Segue as conversas de tests/conversas
	@$(PY) -m deploy.local.conversations

.PHONY: dialogos
dialogos: setup-dev train ## Escreve docs/dialogos.md a partir de tests/dialogos
	@POCKETMKT_ESCREVE_DIALOGOS=1 PYTHONWARNINGS=ignore TF_CPP_MIN_LOG_LEVEL=3 \
	  $(PYRASA) -m pytest -q -c tests/rasa.ini tests/rasa/test_dialogues.py

.PHONY: test-speech compare-speech
test-speech: setup-dev ## Testa os motores de voz com pesos: WHISPER_MODEL=caminho
	@$(PY) -m pytest -rs tests/speech

compare-speech: setup-dev ## Compara os motores de voz: WHISPER_MODEL=caminho ou nome
	@$(PY) -m benchmarks.compare_speech $(if $(WHISPER_MODEL),--model "$(WHISPER_MODEL)")

.PHONY: chaos
chaos: setup-dev train ## Mata processos sob carga e conta perdas: [CHAOS="--seed 2" ou "--long"]
	@$(PY) -m tests.chaos $(CHAOS)

.PHONY: check
check: setup-dev lint types imports validate ## O que cada commit deve passar
	@$(PY) -m pytest tests/unit tests/contract

.PHONY: lint types imports format
lint: setup-dev
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m yamllint -s *.yml data pipelines

types: setup-dev
	@$(PY) -m mypy bot/core bot/store bot/web.py bot/wake.py connectors actions llm_fallback panel

imports: setup-dev
	@.venv/bin/lint-imports --no-cache

format: setup-dev ## Arruma o formato do código
	@$(PY) -m ruff check --fix -q . ; $(PY) -m ruff format -q .

.PHONY: clean
clean: ## Apaga ambientes, modelos e registros; o banco e os segredos ficam em var/
	rm -rf .venv .venv-rasa models/*.tar.gz models/*.sha256 var/models var/logs .pytest_cache .mypy_cache .ruff_cache .rasa
