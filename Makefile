# The commands of this project; `make help` lists them. What they do is in sql/server/, in Python.

# The first Python on PATH that is new enough; PYTHON= overrides.
new_enough := import sys; sys.exit(sys.version_info < (3, 11))
ifeq ($(origin PYTHON), undefined)
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
    $$python -c '$(new_enough)' 2> /dev/null && echo $$python && break; done)
endif
server = exec $(PYTHON) -m sql.server
venv = .venv/bin/python
# What was said as NAME=value, as an option of a program.
option = $(if $($1),$2 '$($1)')
# Who wants no bytecode beside the sources gets it where everything generated is: without, each process of the tests takes
# 6 s longer to read them.
bytecode = $(if $(PYTHONDONTWRITEBYTECODE),PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX='$(CURDIR)/.flashsale/bytecode')
# make has a variable AS of its own, the assembler.
ifneq ($(filter default undefined, $(origin AS)),)
AS := dba
endif

.DEFAULT_GOAL := help
.PHONY: help run cluster cluster-status cluster-kill cluster-start cluster-mysql test test-long test-faults test-cluster soak stop clean mysql backup restore migrate seed webhook notifications examples reference picture lint loadtest bench bench-cluster python

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: python ## serve the sale on http://127.0.0.1:$PORT (8000) until Ctrl-C, from an empty machine
	@$(server) run

cluster: python ## the same on a group of three MySQL nodes, one of which may die
	@$(PYTHON) -m sql.server venv
	@exec $(venv) -m sql.group run

cluster-status cluster-start cluster-kill: python
	@$(PYTHON) -m sql.server venv
	@exec $(venv) -m sql.group $(@:cluster-%=%)

cluster-status: ## role, state, lag and EVENT of each node

cluster-kill: ## kill -9 of the node that sells

cluster-start: ## start the nodes that do not run, and let them join

cluster-mysql: python ## `make mysql` on the node that sells
	@$(PYTHON) -m sql.server venv
	@exec $(venv) -m sql.group client $(AS)

test: python ## the tests, in parallel, each process on a MySQL of its own; ARGS= goes to pytest
	@$(PYTHON) -m sql.server venv test
	@$(PYTHON) -m sql.server programs
	@$(venv) -m tests.support.chromium
	@exec env $(bytecode) $(venv) -m pytest -n auto $(ARGS)

test-long: python ## a sale of 30,000 random steps beside its model, about 10 minutes, new ones each time
	@$(PYTHON) -m sql.server venv test
	@$(PYTHON) -m sql.server programs
	@exec env FLASHSALE_TEST_PROFILE=long $(venv) -m pytest -s tests/sql/test_stateful_sale.py $(ARGS)

test-faults: python ## everything that can break, broken again and again, for up to 15 minutes; nothing may be lost
	@$(PYTHON) -m sql.server venv test
	@$(PYTHON) -m sql.server programs
	@exec env FLASHSALE_FAULTS=long $(venv) -m pytest --timeout=240 --session-timeout=900 \
	    tests/faults tests/hostile tests/sql/test_procedure_fuzz.py $(ARGS)

test-cluster: python ## three nodes, killed, frozen, parted and switched in the middle of sales, for up to 10 minutes
	@$(PYTHON) -m sql.server venv test
	@$(PYTHON) -m sql.server programs
	@exec env FLASHSALE_CLUSTER=long $(venv) -m pytest -s --timeout=360 --session-timeout=900 tests/cluster $(ARGS)

soak: python ## a sale for SECONDS= (600); fails if the memory of the API or of MySQL grows
	@$(PYTHON) -m sql.server venv
	@$(PYTHON) -m sql.server programs
	@exec $(venv) -m loadtest.soak $(SECONDS)

stop: python ## stop what `make run`, `make cluster` and the others left running; the data stays
	@$(server) stop
	@if [ -d .flashsale/cluster ] && [ -x $(venv) ]; then exec $(venv) -m sql.group stop; fi

clean: ## delete the database and everything else that was generated; asks first, unless FORCE=1
	@if [ -z "$(FORCE)$(YES)" ]; then \
	    [ -t 0 ] || { echo 'make clean deletes the database: say FORCE=1 make clean' >&2; exit 1; }; \
	    printf 'Delete the database, the MySQL programs and the virtual environment? [y/N] '; \
	    read answer; case $$answer in y|Y|yes) ;; *) echo 'nothing deleted'; exit 1;; esac; \
	fi
	@if [ -d .flashsale ]; then $(MAKE) --no-print-directory stop; fi
	@rm -rf .flashsale .venv .pytest_cache .mypy_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

mysql: python ## a mysql session as the DBA; AS=api and AS=admin for the others; SQL can be piped in
	@$(server) client $(AS)

backup: python ## the sale as it is at this moment, while it goes on; FILE=, else a new one below .flashsale/backups
	@$(PYTHON) -m sql.server venv
	@$(PYTHON) -m sql.server tools
	@$(server) exec $(CURDIR)/$(venv) -m sql.deploy.backup save $(if $(FILE),'$(abspath $(FILE))')

restore: python ## FILE=<a backup> and all that the binary log has since [LOGS=<folder> UNTIL=<UTC time>]; asks first, unless FORCE=1
	@if [ -z "$(FORCE)$(YES)" ]; then \
	    [ -t 0 ] || { echo 'make restore replaces the database: say FORCE=1 make restore' >&2; exit 1; }; \
	    printf 'Replace the database by the backup? [y/N] '; \
	    read answer; case $$answer in y|Y|yes) ;; *) echo 'nothing restored'; exit 1;; esac; \
	fi
	@$(PYTHON) -m sql.server venv
	@$(PYTHON) -m sql.server tools
	@$(server) exec $(CURDIR)/$(venv) -m sql.deploy.backup restore $(if $(FILE),'$(abspath $(FILE))') \
	    $(if $(LOGS),--logs '$(abspath $(LOGS))') $(call option,UNTIL,--until)

migrate: python ## bring tables, procedures and accounts up to date
	@$(PYTHON) -m sql.server venv
	@$(server) exec $(venv) -m sql.deploy migrate

seed: migrate ## put one product on sale, if there is none
	@$(server) exec $(venv) -m sql.deploy seed

webhook: python ## a signed payment event: ORDER=<id> [PAYMENT= STATUS= AMOUNT= CURRENCY= KEY= PROVIDER= PORT=]
	@$(PYTHON) -m sql.server venv
	@exec $(venv) -m api.providers send '$(ORDER)' $(call option,PAYMENT,--payment) $(call option,STATUS,--status) \
	    $(call option,AMOUNT,--amount) $(call option,CURRENCY,--currency) $(call option,KEY,--key) $(call option,PROVIDER,--provider) $(call option,PORT,--port)

notifications: python ## print what FLASHSALE_NOTIFY_URL is still to be told, signed as it would be sent
	@$(PYTHON) -m sql.server venv
	@$(server) exec $(venv) -m api.notify

examples: python ## write the areas of help(), the tables of sql/README.md, and what the sessions of sql/examples/ print on a MySQL of their own
	@$(PYTHON) -m sql.server venv
	@$(PYTHON) -m sql.server programs
	@exec $(venv) -m sql.examples

reference: python ## write docs/endpoints.md, errors.md and settings.md anew, from what the API reads
	@$(PYTHON) -m sql.server venv
	@exec $(venv) -m api.openapi.reference

picture: python ## take docs/board.webp anew: the board in the middle of a sale
	@$(PYTHON) -m sql.server venv test
	@$(PYTHON) -m sql.server programs
	@$(venv) -m tests.support.chromium
	@exec $(venv) -m tests.support.picture

lint: python ## ruff, mypy, sqlfluff, hadolint and the house rules of SQL
	@$(PYTHON) -m sql.server venv lint loadtest test
	@$(venv) -m ruff check .
	@$(venv) -m ruff format --check .
	@$(venv) -m mypy
	@$(venv) -m sql.lint
	@$(dir $(venv))hadolint Dockerfile && echo 'hadolint: Dockerfile is fine'

# An environment may have a HOST of its own.
loadtest_host = $(if $(findstring command,$(origin HOST))$(filter http%,$(HOST)),$(HOST))
loadtest_settings = $(foreach name,USERS SECONDS PROFILE WORKERS WEB KEY PRODUCTS STOCK,$(if $($(name)),LOADTEST_$(name)='$($(name))'))

loadtest: $(if $(loadtest_host),python,migrate) ## a sale at its boundary: HOST= USERS= SECONDS= PROFILE= WORKERS= WEB=1 KEY=; loadtest/plan.py
	@$(PYTHON) -m sql.server venv loadtest
	@exec env $(if $(loadtest_host),LOADTEST_HOST='$(loadtest_host)') $(loadtest_settings) \
	    $(if $(loadtest_host),,$(PYTHON) -m sql.server exec) $(venv) -m loadtest

bench: python ## buyers one by one and in sets against plain INSERTs, by CALL and by HTTP; OLD=<checkout> beside its API
	@$(PYTHON) -m sql.server venv loadtest
	@$(PYTHON) -m sql.server programs
	@exec $(venv) -m loadtest.bench

bench-cluster: python ## holds on one server and on a group of three, alone and in sets, and ten kills of the primary, in four minutes
	@$(PYTHON) -m sql.server venv loadtest
	@$(PYTHON) -m sql.server programs
	@exec $(venv) -m loadtest.cluster

python:
	@$(or $(PYTHON),false) -c '$(new_enough)' || { \
	    echo 'Python 3.11 or newer is needed: install it, or say where it is: PYTHON=/path/to/python make ...' >&2; exit 1; }
