# Every target can be run again at any time. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

STATE := .harvis
VENV := $(STATE)/venv
DEV := $(STATE)/dev
# Of the unit tests. Some wait for what a real server does within seconds: more than there are cores is too many.
PROCESSES ?= 2
PLAYBOOK = PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(VENV)/bin/ansible-playbook $(ARGS)

.PHONY: help up verify down purge test unit molecule molecule-gpu chaos lint peers bench-redeploy lock

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(VENV)/.ready ## Bring the whole platform up, or bring it up to date (ARGS="-e …" is handed on)
	@$(PLAYBOOK) playbooks/site.yml
	@tools/next-steps $(STATE)

verify: $(VENV)/.ready ## Prove from outside that the platform works
	@$(PLAYBOOK) playbooks/verify.yml

down: $(VENV)/.ready ## Give the host back; packages, caches and data are kept
	@$(PLAYBOOK) playbooks/teardown.yml

purge: $(VENV)/.ready ## As down, and delete the data after naming it (CONFIRM=yes skips the question)
	@$(PLAYBOOK) playbooks/teardown.yml -e teardown_purge=true $(if $(filter yes,$(CONFIRM)),-e teardown_confirm=yes)

# The charts' unit tests need a helm, which Molecule's run leaves in the cache.
test: lint molecule unit ## Run lint, the whole platform in a container, and the unit tests

unit: $(DEV)/.ready ## Run the unit tests
	@HELM_BIN="$${HELM_BIN:-$$(ls -t ~/.cache/harvis/programs/kubernetes-*/bin/helm 2>/dev/null | head -n 1)}" \
		PATH="$(CURDIR)/$(DEV)/bin:$$PATH" $(DEV)/bin/pytest -n $(PROCESSES) --dist loadfile

molecule: $(DEV)/.ready ## Bring the platform up in a bare Debian container, check it, take it down
	@PATH="$(CURDIR)/$(DEV)/bin:$$PATH" tools/molecule-test

molecule-gpu: $(DEV)/.ready ## Install, change and remove the real driver and container runtime in bare Debian containers
	@PATH="$(CURDIR)/$(DEV)/bin:$$PATH" tools/molecule-test test --scenario-name gpu_host

chaos: $(DEV)/.ready ## Make faults in a running platform, one after another, and write docs/reliability.md
	@PATH="$(CURDIR)/$(DEV)/bin:$$PATH" tools/molecule-test test --scenario-name chaos

lint: $(DEV)/.ready ## Run ruff, yamllint and ansible-lint
	@$(DEV)/bin/ruff format --check . && $(DEV)/bin/ruff check .
	@$(DEV)/bin/yamllint --strict .
	@PATH="$(CURDIR)/$(DEV)/bin:$$PATH" $(DEV)/bin/ansible-lint --offline -q

peers: $(DEV)/.ready ## Set what the audit finds beside helm lint and kube-score
	@PYTHONPATH=collections $(DEV)/bin/python bench/peers/run.py --helm "$${HELM_BIN:-.harvis/bin/helm}"

bench-redeploy: $(VENV)/.ready $(DEV)/.ready ## Time redeploys on the platform that runs here, beside two other ways (ARGS="--runs 5 …")
	@env -u PYTHONDONTWRITEBYTECODE $(DEV)/bin/python bench/redeploy/run.py $(ARGS)

lock: $(VENV)/.ready ## Lock the Python requirements again, with hashes and without addresses
	@tools/lock-requirements $(VENV)/bin/uv

$(VENV)/.ready: requirements/uv.txt requirements/runtime.txt requirements/host.txt
	@tools/make-venv $(VENV) requirements/runtime.txt requirements/host.txt

$(DEV)/.ready: requirements/uv.txt requirements/dev.txt
	@tools/make-venv $(DEV) requirements/dev.txt
