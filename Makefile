# Two commands do everything: `make run` and `make test`. Both make the environment first.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q
XVFB   := xvfb-run --auto-servernum --server-args="-screen 0 1920x1080x24 -nolisten tcp"

.PHONY: run test check screenshots bare-machine clean

run: $(VENV)/ready       ## open the viewer on the sample patient (without a screen: pictures and meshes in out/)
	$(BIN)/arviewer demo

test: $(VENV)/ready-tests ## the whole test suite, windows included (in a virtual screen of its own)
	$(XVFB) $(BIN)/python -m pytest -n 2 $(ARGS)

check: $(VENV)/ready-tests ## linter, types, import contracts
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

screenshots: $(VENV)/ready-tests ## take the pictures of the docs anew
	$(XVFB) $(BIN)/python -m tools.screenshots --output docs/pictures

bare-machine:            ## prove both commands in a minimal Debian 13 (as root; needs debootstrap)
	tools/bare_machine.sh

$(VENV)/ready: pyproject.toml constraints.txt tools/system_packages.py
	$(PYTHON) tools/system_packages.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install -c constraints.txt pip
	$(PIP) install -c constraints.txt -e .
	touch $@

$(VENV)/ready-tests: $(VENV)/ready
	$(PYTHON) tools/system_packages.py --for-tests
	$(PIP) install -c constraints.txt --group tests
	touch $@

clean:
	rm -rf $(VENV) out
