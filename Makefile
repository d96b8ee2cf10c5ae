# `make help` says what there is to make. Everything runs in .venv; nothing else needs activating.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules
# nbgrader runs `alembic` by name, so the environment's programs must be on PATH.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

PYTHON ?=
ARGS ?=
CHAPTER ?=
IN_PARALLEL := -n $(shell nproc 2>/dev/null || echo 2) --dist loadfile
CLASS := _build/sample-class
ASSIGNMENT := dynamic-programming

.PHONY: help
help: ## List these targets
	@echo "Usage: make TARGET [PYTHON=/path/to/python3] [ARGS='-k words'] (ARGS go to pytest, or to grader audit)"
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' Makefile | \
	while IFS='|' read -r target what; do printf '  %-12s %s\n' "$$target" "$$what"; done

.PHONY: course
course: parts setup release book ## Build the book, release the assignment, grade a sample class
	.venv/bin/python -m grader.audit.sample_class $(CLASS) $(ASSIGNMENT)
	.venv/bin/grader --course $(CLASS) grade $(ASSIGNMENT)
	.venv/bin/grader --course $(CLASS) feedback $(ASSIGNMENT)
	.venv/bin/grader --course $(CLASS) report $(ASSIGNMENT)
	@first() { find $(CLASS) -name '*.html' "$$@" | sort | head -n 1; }; \
	printf '\nDone. Open in a browser:\n'; \
	printf '  %-14s %s\n' 'the book' _build/html/index.html \
		'class report' "$$(first -path '*report*')" \
		'one feedback' "$$(first -path '*/feedback/*/*' -not -path '*report*')"

.PHONY: setup
setup: .venv/.ready ## Create .venv and install what requirements.txt pins

.PHONY: release
release: setup ## Make exercises/ from solutions/, for every assignment
	.venv/bin/grader release

.PHONY: book
book: setup ## Build the book into _build/html; a warning is an error
	.venv/bin/python book/extensions/build.py

.PHONY: chapter
chapter: setup ## Lay down a new chapter and its assignment: CHAPTER=rl/exploration
	.venv/bin/python book/extensions/skeleton.py $(CHAPTER)

.PHONY: published
published: setup ## Make what the notebooks' branch holds, in _build/published
	.venv/bin/python book/extensions/publish.py

.PHONY: test
test: test-parts setup ## Run all tests, or with CHAPTER=rl/exploration those of one chapter
	.venv/bin/python -m pytest $(IN_PARALLEL) $(if $(CHAPTER),--chapter=$(CHAPTER)) $(ARGS)

.PHONY: test-quick
test-quick: setup ## Run the tests that start no cluster, browser, build or second grader
	.venv/bin/python -m pytest $(IN_PARALLEL) -m "not system" $(ARGS)

.PHONY: lint
lint: setup ## Check style, format and types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

.PHONY: audit
audit: parts setup ## Grade the tests of every assignment, and write what is found beside it
	.venv/bin/grader audit $(ARGS)

.PHONY: bench
bench: parts setup ## Run every benchmark in grader/benchmarks
	@for file in grader/benchmarks/[!_]*.py; do \
		[ -e "$$file" ] || { echo "grader/benchmarks holds no benchmark." >&2; exit 1; }; \
		echo "== $$file"; .venv/bin/python "$$file" || exit 1; \
	done

.PHONY: clean
clean: ## Remove what was built, never submissions, grades or .venv
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find grader book solutions -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# --- What the operating system provides -------------------------------------------------------
# $(call part,Debian package,shell test that it is there)
part = { $(2); } >/dev/null 2>&1 || missing="$$missing $(1)";
apt_install = apt-get update -qq </dev/null && \
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends </dev/null

grading_parts = \
	$(call part,bubblewrap,command -v bwrap) \
	$(call part,libseccomp2,python3 -c 'import ctypes; ctypes.CDLL("libseccomp.so.2")')
server_parts = \
	$(call part,postgresql,command -v pg_ctl || ls /usr/lib/postgresql/*/bin/pg_ctl)
network_parts = \
	$(call part,iproute2,command -v ip) \
	$(call part,openssl,command -v openssl)
browser_parts = \
	$(call part,chromium,command -v chromium || command -v chromium-browser || command -v google-chrome) \
	$(call part,fontconfig,command -v fc-list) \
	$(call part,fonts-noto-cjk,fc-list :lang=ko | grep -q .)

# Installs what $(1) finds missing. Where it cannot, says so and goes on (except in CI): tests that
# need the part are skipped with that reason, and grading refuses to start.
define install
	@missing=; $(1) \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then \
		echo "Missing on this machine, by their Debian names:$$missing. Install them yourself." >&2; \
	elif [ "$$(id -u)" != 0 ]; then \
		echo "Missing on this machine:$$missing. To install: sudo apt-get install -y$$missing" >&2; \
	else \
		echo "Installing$$missing with apt-get"; $(apt_install) $$missing && exit 0; \
		echo "apt-get could not install:$$missing." >&2; \
	fi; \
	[ -z "$$CI" ]
endef

.PHONY: parts
parts: ## Install what grading needs from Debian (as root)
	$(call install,$(grading_parts))

.PHONY: test-parts
test-parts: ## Install what the tests need from Debian besides (as root)
	$(call install,$(grading_parts) $(network_parts) $(browser_parts) $(server_parts))

# --- The environment ---------------------------------------------------------------------------
PYTHONS := $(if $(PYTHON),"$(PYTHON)",python3 python3.14 python3.13 python3.12 python3.11)
RECENT := -c 'import sys; sys.exit(sys.version_info < (3, 11))'

# An environment that was copied here with its folder still points to where it came from.
ifneq ($(shell grep -sqF '$(CURDIR)/.venv' .venv/bin/activate && echo here),here)
.venv/.ready: FORCE
endif

.venv/.ready: requirements.txt pyproject.toml
	@if .venv/bin/python $(RECENT) 2>/dev/null && grep -sqF '$(CURDIR)/.venv' .venv/bin/activate; \
	then exit 0; fi; \
	for python in $(PYTHONS) ''; do "$$python" $(RECENT) 2>/dev/null && break; done; \
	if [ -z "$$python" ]; then \
		echo "Python 3.11 or newer is needed and none was found: install one, or name it with" \
			"make PYTHON=/path/to/python3." >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
		package=$$(basename "$$python")-venv; \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then $(apt_install) $$package; \
		else echo "$$python cannot make environments. To install that part:" \
			"sudo apt-get install -y $$package" >&2; exit 1; fi || exit 1; \
	fi; \
	"$$python" -m venv --clear .venv
	@echo "Installing what requirements.txt pins into .venv (some minutes the first time)"
	.venv/bin/python -m pip install -q --disable-pip-version-check -r requirements.txt
	.venv/bin/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch .venv/.ready

.PHONY: FORCE
FORCE:
