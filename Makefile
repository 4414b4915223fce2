# make enhance [IMAGE=photo.jpg]   set up .venv, enhance a photo, say where the result is
# make test                        set up .venv, lint, check types, test
# make test-long                   the tests that take long, alone
# make strangers                   test the plugins that are distributions of their own, in .venv-strangers
# make faults                      the tests of downloads and caches that fail, alone
# make security                   the tests of files that mean harm, alone
# make audit                      ask the advisory database of PyPI about what constraints.txt pins
# make docs                        write the generated parts of README and docs again

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
OUT    ?= enhanced
IMAGE  ?=
TESTERS ?= 2
APART  := .venv-strangers
GUESTS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/vaezoo-*/pyproject.toml))

export OMP_NUM_THREADS ?= 1

.PHONY: enhance test test-long strangers faults security audit olah lint docs bench clean

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

enhance: $(VENV)/ready
	@mkdir -p $(OUT)
	@$(BIN)/python -m benchmarks.example $(OUT) $(IMAGE)

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -m 'not long' -n $(TESTERS) --dist loadfile
	@$(MAKE) --no-print-directory strangers

test-long: $(VENV)/ready
	$(BIN)/python -m pytest -m long -n $(TESTERS)

# Borrows all of .venv, so that only what the strangers themselves need is installed.
$(APART)/ready: $(VENV)/ready $(GUESTS:%=%/pyproject.toml)
	$(BIN)/python -m venv --clear --without-pip $(APART)
	@$(BIN)/python -c "import sysconfig; print('import site; site.addsitedir(%r)' % sysconfig.get_path('purelib'))" \
	  > "$$($(APART)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/borrowed.pth"
	PIP_CONSTRAINT=constraints.txt $(APART)/bin/python -m pip install --quiet --disable-pip-version-check $(GUESTS:%=-e ./%)
	@touch $@

strangers: $(APART)/ready
	@set -e; for guest in $(GUESTS); do echo "$$guest"; \
	  (cd $$guest && $(CURDIR)/$(APART)/bin/python -m pytest -p no:cacheprovider); done

faults: $(VENV)/ready
	$(BIN)/python -m pytest tests/faults

security: $(VENV)/ready
	$(BIN)/python -m pytest tests/security

# in an environment of its own; needs the network, and says so where the database is out of reach
audit: .venv-audit/ready
	.venv-audit/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip

.venv-audit/ready:
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	@touch $@

# a hub-protocol server for the tests, in an environment of its own because of what it pins
olah: .venv-olah/ready

.venv-olah/ready:
	$(PYTHON) -m venv .venv-olah
	.venv-olah/bin/python -m pip install --quiet --disable-pip-version-check --retries 1 --timeout 15 olah==0.5.4
	@touch $@

docs: $(VENV)/ready
	$(BIN)/python -m benchmarks.pages.readme
	$(BIN)/python -m benchmarks.pages.zoo
	$(BIN)/python -m benchmarks.pages.parts
	$(BIN)/python -m benchmarks.pages.licences
	$(BIN)/python -m benchmarks.recipes

bench: $(VENV)/ready
	$(BIN)/python -m benchmarks.restoration
	$(BIN)/python -m benchmarks.generative

clean:
	rm -rf $(VENV) $(APART) $(OUT)
