# SPDX-License-Identifier: Apache-2.0
#
# `make help` lists the targets. V=1 shows the commands; SAN=asan|tsan, WERROR=1 and CC=clang do what they say.
# Sources, tests, fixtures and man pages are found by their names: a new file needs no line here.

BUILD   ?= build$(if $(SAN),-$(SAN))
# One name for one place: what depends on what is remembered by name.
override BUILD := $(patsubst $(CURDIR)/%,%,$(BUILD))
CC       = gcc
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
DESTDIR ?=
PYTHON  ?= /usr/bin/python3
BPF_CC  ?= clang
# Whether what runs in the kernel is built in: "no" where what it takes is missing, or where one says so.
ifndef BPF
BPF     := $(shell pkg-config --exists libbpf && command -v $(BPF_CC) >/dev/null && echo yes || echo no)
endif

VERSION := 0.1.0
HAS_BPF := $(filter-out no,$(BPF))
MODULES := glib-2.0 gio-unix-2.0 json-glib-1.0 libseccomp libunwind libelf libdw libcgraph libgvc zlib $(if $(HAS_BPF),libbpf)

PACKAGES := gcc clang make pkg-config libglib2.0-dev libjson-glib-dev libseccomp-dev libunwind-dev \
	libelf-dev libdw-dev libbpf-dev libgraphviz-dev zlib1g-dev
# What tests, demo and bench run: real programs, and the tools they are driven, compared and checked with.
PACKAGES += graphviz bats perl nginx-light apache2-bin redis-server redis-tools sqlite3 libsqlite3-dev python3 wrk curl runsc \
	strace linux-perf golang-go openssh-server postgresql-15 libclang-rt-14-dev openssl util-linux libcap2-bin procps man-db chromium clang-format clang-tidy cppcheck shellcheck
# The virtual machine: emulator, its first files, and what takes the kernel out of its package.
PACKAGES += qemu-system-x86 busybox-static xz-utils zstd

# What sets up by itself uses all processors, unless one has said how many.
ALONGSIDE = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

Q := $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-6s %s\n' $(1) $(2))

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
	-Wformat=2 -Wundef -Wvla -Wno-unused-parameter $(if $(WERROR),-Werror)
# A comma inside $(if …) would end its branch.
, := ,
SANITIZE := $(if $(filter asan,$(SAN)),-fsanitize=address$(,)undefined -fno-sanitize-recover=undefined) \
	$(if $(filter tsan,$(SAN)),-fsanitize=thread)
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DGAIT_VERSION='"$(VERSION)"' -DG_LOG_DOMAIN='"sysgait"' \
	$(if $(HAS_BPF),-DGAIT_BPF_DIRECTORY='"$(abspath $(BUILD))"',-DGAIT_WITHOUT_BPF) -Iinclude -I. \
	$(WARNINGS) $(SANITIZE) -fno-omit-frame-pointer -fstack-protector-strong \
	$(if $(SAN),,-D_FORTIFY_SOURCE=2) $(CFLAGS) $(PKG_CFLAGS)
# libunwind-x86_64 is the part of libunwind that unwinds other processes.
ALL_LIBS = $(PKG_LIBS) -lunwind-x86_64 -lpthread -lm
# Asked when first needed, and then once: `make deps` has to run before there is an answer.
ask_pkg = $(or $(shell pkg-config $(1) $(MODULES)),$(error a library is missing: run `make deps`))
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(call ask_pkg,--cflags))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(call ask_pkg,--libs))$(PKG_LIBS)

DIRS     := model process kernel learn enforce
PROGRAMS := $(foreach d,$(DIRS),$(wildcard $(d)/*.bpf.c))
# What stands in for what needs libbpf, and that.
ABSENT   := $(wildcard $(DIRS:%=%/*absent.c))
PRESENT  := $(filter-out kernel/absent.c,$(wildcard kernel/*.c)) enforce/notify-asleep.c
SOURCES  := $(filter-out $(PROGRAMS) $(if $(HAS_BPF),$(ABSENT),$(PRESENT)),$(foreach d,$(DIRS),$(wildcard $(d)/*.c)))
OBJECTS  := $(SOURCES:%.c=$(BUILD)/%.o)
UNIT     := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test-*.c))
FUZZ     := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz-*.c))
TOOLS    := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))
VM_TOOLS := $(patsubst tests/vm/%.c,$(BUILD)/vm/%,$(filter-out %.bpf.c,$(wildcard tests/vm/*.c)))
JUDGES   := $(patsubst tests/attribution/%.c,$(BUILD)/attribution/%,$(wildcard tests/attribution/*.c))
MANPAGES := $(wildcard $(DIRS:%=%/*.1))

.PHONY: all deps demo check check-unit check-attacks check-vm check-layers vm fuzz bench soak lint format install clean help fixtures
.DEFAULT_GOAL := all

all: $(BUILD)/sysgait ## build build/sysgait

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# What runs in the kernel is compiled by clang, and becomes part of the source that loads it.
$(BUILD)/%.bpf.o: %.bpf.c Makefile
	@mkdir -p $(@D)
	$(call say,BPF,$<)
	$(Q)$(BPF_CC) -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Wno-unused-parameter $(if $(WERROR),-Werror) -Iinclude -I. \
		-I/usr/include/$(shell $(CC) -print-multiarch) -MMD -MP -c -o $@ $<

$(BUILD)/enforce/notify-asleep.o: $(BUILD)/enforce/asleep.bpf.o
$(BUILD)/kernel/tier.o: $(BUILD)/kernel/gait.bpf.o
$(BUILD)/kernel/denial-load.o: $(BUILD)/kernel/denial.bpf.o
$(BUILD)/unit/test-walk-kernel: $(if $(HAS_BPF),$(BUILD)/tests/unit/walk-kernel.bpf.o)
$(BUILD)/unit/test-own-memory: $(if $(HAS_BPF),$(BUILD)/tests/unit/own-memory.bpf.o)

# Built with it and then without, or the other way round, it is linked anew.
WAY      := $(BUILD)/$(if $(HAS_BPF),with,without)-bpf
$(WAY):
	@mkdir -p $(@D) && rm -f $(BUILD)/with-bpf $(BUILD)/without-bpf && touch $@
$(BUILD)/main.o: $(WAY)

$(BUILD)/sysgait: $(OBJECTS) $(BUILD)/main.o
	$(call say,LD,$@)
	$(if $(HAS_BPF),,@echo 'sysgait is built without its in-kernel tier (BPF=no); `make deps` installs libbpf and clang')
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(BUILD)/unit/%: tests/unit/%.c $(OBJECTS)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -MMD -MP -MF $@.d -o $@ $< $(OBJECTS) $(ALL_LIBS)

$(BUILD)/bench/empty-tracepoint: $(BUILD)/tests/bench/empty-tracepoint.bpf.o

$(BUILD)/bench/%: tests/bench/%.c $(OBJECTS)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -MMD -MP -MF $@.d -o $@ $< $(OBJECTS) $(ALL_LIBS)

$(BUILD)/attribution/%: tests/attribution/%.c $(OBJECTS)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -MMD -MP -MF $@.d -o $@ $< $(OBJECTS) $(ALL_LIBS)

# Fixtures have a Makefile of their own: each is built in its own peculiar way.
fixtures: ## build the small programs that tests run
	$(Q)$(MAKE) $(ALONGSIDE) --no-print-directory -C tests/fixtures BUILD=$(abspath $(BUILD))/fixtures CC=$(CC) Q=$(Q)

deps: ## install what sysgait is built with and tested on (Debian packages)
	$(Q)tests/install-deps $(PACKAGES)

check: deps ## set up, build and run all tests
	$(Q)$(MAKE) $(ALONGSIDE) --no-print-directory all check-unit-binaries fixtures check-layers vm-where-possible
	$(Q)SYSGAIT=$(abspath $(BUILD))/sysgait BUILD=$(abspath $(BUILD)) PYTHON=$(PYTHON) \
		tests/check-all $(UNIT) $(sort $(wildcard tests/e2e/*.bats)) tests/e2e/enforce-ptrace tests/e2e/enforce-bpf $(ATTACKS) $(VM)

.PHONY: check-unit-binaries
check-unit-binaries: $(UNIT) $(if $(HAS_BPF),$(JUDGES) $(VM_TOOLS))

.PHONY: vm-where-possible
vm-where-possible:
	$(Q)$(MAKE) --no-print-directory vm || echo 'check: no virtual machine, so what needs it is skipped'

check-unit: $(UNIT) fixtures ## run the unit tests only
	$(Q)BUILD=$(abspath $(BUILD)) prove $(UNIT)

ATTACKS := $(wildcard tests/attacks/*.t)

check-attacks: all fixtures ## attack live servers, free and enforced; ends with a table of what came of each attack
	$(Q)rm -rf $(BUILD)/attacks
	$(Q)SYSGAIT=$(abspath $(BUILD))/sysgait BUILD=$(abspath $(BUILD)) prove --timer -j2 $(ATTACKS); \
		status=$$?; cat $(BUILD)/attacks/*.txt; exit $$status

VM := $(sort $(wildcard tests/vm/*.bats tests/vm/*.t))

check-vm: all fixtures $(VM_TOOLS) vm ## run what needs another kernel (Debian's 6.1 and 6.12) in a virtual machine
	$(Q)SYSGAIT=$(abspath $(BUILD))/sysgait BUILD=$(abspath $(BUILD)) prove --timer $(VM)

vm: $(BUILD)/vm/vmlinux $(BUILD)/vm/backports/vmlinux ## make that machine, of Debian's kernel packages, which are fetched once

$(BUILD)/vm/vmlinux: tests/vm/make-image tests/vm/init
	$(call say,VM,$@)
	$(Q)tests/vm/make-image $(BUILD)/vm

$(BUILD)/vm/backports/vmlinux: tests/vm/make-image tests/vm/init
	$(call say,VM,$@)
	$(Q)tests/vm/make-image $(BUILD)/vm/backports backports

$(VM_TOOLS): $(BUILD)/tests/vm/judge.bpf.o

$(BUILD)/vm/%: tests/vm/%.c $(OBJECTS)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -MMD -MP -MF $@.d -o $@ $< $(OBJECTS) $(ALL_LIBS)

check-layers: ## fail on an include that crosses the layers
	$(Q)tests/check-layers

demo: deps ## set up, build, and show the main job on nginx: train, draw, enforce, attack
	$(Q)$(MAKE) $(ALONGSIDE) --no-print-directory all fixtures
	$(Q)BUILD=$(abspath $(BUILD)) traces/demo

fuzz: ## fuzz every parser for FUZZ_SECONDS (60) under ASan and UBSan
	$(Q)$(MAKE) $(ALONGSIDE) --no-print-directory BUILD=build-fuzz CC=clang SAN=asan \
		CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' BPF=no fuzz-binaries
	$(Q)tests/fuzz/run build-fuzz/fuzz $${FUZZ_SECONDS:-60}

.PHONY: fuzz-binaries
fuzz-binaries: $(FUZZ)

# Nothing of enforce/ reads what somebody else has written, but by way of model/ and process/.
FUZZED := $(filter-out $(BUILD)/enforce/%,$(OBJECTS))

$(BUILD)/fuzz/%: tests/fuzz/%.c $(FUZZED)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -MMD -MP -MF $@.d -o $@ $< $(FUZZED) $(ALL_LIBS)

bench: all $(TOOLS) fixtures ## measure cost and speed as ratios in one run
	$(Q)BUILD=$(abspath $(BUILD)) tests/bench/run

soak: all fixtures ## see that no supervisor grows, for SOAK_SECONDS (300) each
	$(Q)BUILD=$(abspath $(BUILD)) tests/bench/soak $${SOAK_SECONDS:-300}

lint: deps check-layers ## formatting, shellcheck, clang-tidy, cppcheck, and all warnings as errors by gcc and clang
	$(Q)clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')
	$(Q)shellcheck $$(git grep -lE '^#!(/bin/sh|/usr/bin/env bash)')
	$(Q)printf '%s\n' main.c $(SOURCES) $(ABSENT) $(filter-out %.bpf.c,$(wildcard tests/bench/*.c tests/unit/*.c tests/attribution/*.c tests/fuzz/*.c tests/vm/*.c)) | \
		xargs -P2 -I@ clang-tidy --quiet @ -- $(ALL_CFLAGS) 2>/dev/null
	$(Q)cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr --library=gtk \
		--suppress=missingInclude '-DLIBBPF_OPTS(type,name,...)=struct type name={0}' -Iinclude -I. $(SOURCES) $(ABSENT) main.c
	$(Q)$(MAKE) $(ALONGSIDE) --no-print-directory BUILD=build-lint-gcc CC=gcc WERROR=1 all check-unit-binaries
	$(Q)$(MAKE) $(ALONGSIDE) --no-print-directory BUILD=build-lint-clang CC=clang WERROR=1 all check-unit-binaries

format: ## put every source into the one format
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h')

install: all ## install program and man pages below $(PREFIX)
	install -D -m 755 $(BUILD)/sysgait $(DESTDIR)$(PREFIX)/bin/sysgait
	$(if $(MANPAGES),install -d $(DESTDIR)$(PREFIX)/share/man/man1)
	$(if $(MANPAGES),install -m 644 $(MANPAGES) $(DESTDIR)$(PREFIX)/share/man/man1)

clean: ## remove everything built
	rm -rf build build-* demo

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

-include $(OBJECTS:.o=.d) $(PROGRAMS:%.c=$(BUILD)/%.d) $(BUILD)/main.d $(UNIT:=.d) $(patsubst %.c,$(BUILD)/%.d,$(wildcard tests/unit/*.bpf.c)) $(TOOLS:=.d) $(JUDGES:=.d) $(FUZZ:=.d) $(VM_TOOLS:=.d)
