# make                 build/ragged and its helpers (release)
# make check           unit, contract and end-to-end tests of this build
# make lint            format, include edges, banned calls, self-contained headers
# make check-arm64     the encoder's unit tests, built for ARM and run by qemu-user
# make fuzz            hostile model files, FUZZ_SECONDS=5 each; T="tokenizer vocabulary": only these
# make gate            instructions and allocations of fixed work against test/gate/baseline.tsv
# make campaign        kills, power cuts, injected failures and corruption in depth: an hour or two;
#                      RAGGED_CAMPAIGN_SCALE=10: a tenth of it
# make cover           lines and branches that the tests reach, as a table: docs/coverage.md
# make mutants         small mistakes planted one at a time: the tests must see them, docs/mutants.md
# make plants          slowdowns planted in a copy: each must turn `make gate` red (minutes)
# make install         DESTDIR= PREFIX=/usr/local; make uninstall takes it away
# make llama           the optional ragged-llm helper (local GGUF models)
#
# Knobs: DEBUG=1, SANITIZE=address,undefined|thread, FAULT=1 (fault injection), COVERAGE=1,
#        CC=gcc|clang, BUILD=folder, V=1 (show commands).

CC      ?= cc
AR      ?= ar
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := $(shell cat VERSION)

empty :=
comma := ,
variant := $(if $(DEBUG),debug)$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))$(if $(FAULT),-fault)$(if $(COVERAGE),-coverage)$(if $(filter clang%,$(CC)),-clang)
BUILD ?= build/$(if $(variant),$(patsubst -%,%,$(variant)),release)

PACKAGES := sqlite3 jansson libutf8proc libxxhash libsodium yaml-0.1
WORKER_PACKAGES := gumbo md4c uchardet libseccomp
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) $(WORKER_PACKAGES))
PKG_LIBS := $(shell pkg-config --libs $(PACKAGES) $(WORKER_PACKAGES)) -lstemmer

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes -Wvla \
            -Wpointer-arith -Wwrite-strings -Wundef -Wformat=2 -Wcast-qual -Werror
HARDEN   := -fstack-protector-strong -fPIE
CPPFLAGS += -Isrc -D_GNU_SOURCE -DRAGGED_VERSION='"$(VERSION)"' -DRAGGED_PREFIX='"$(PREFIX)"' \
            $(if $(FAULT),-DRAGGED_FAULT) $(PKG_CFLAGS)
CFLAGS   += -std=c17 $(if $(DEBUG),-O1 -fno-omit-frame-pointer,-O2 -fno-math-errno -fno-trapping-math -D_FORTIFY_SOURCE=2) \
            -g -pthread $(WARNINGS) $(HARDEN) \
            $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all) $(if $(COVERAGE),--coverage -fprofile-update=atomic)
LDFLAGS  += -pthread -pie -Wl,--as-needed -Wl,-z,relro,-z,now \
            $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(if $(COVERAGE),--coverage -Wl$(comma)--wrap=_exit -Wl$(comma)--wrap=kill)
LIBS     := $(PKG_LIBS) -lm -ldl

# A file named *_main.c is a program; ragged-llm needs llama.cpp and has its own target.
SRC      := $(sort $(wildcard src/*/*.c))
MAINS    := $(filter %_main.c,$(SRC))
LIB_SRC  := $(filter-out $(MAINS),$(SRC))
LIB_OBJ  := $(LIB_SRC:%.c=$(BUILD)/obj/%.o) $(if $(COVERAGE),$(BUILD)/obj/test/cover/flush.o)
LIB      := $(BUILD)/libragged.a
PROGRAMS := $(BUILD)/ragged $(BUILD)/ragged-parse $(BUILD)/ragged-monitor
TEST_SRC := $(sort $(wildcard test/unit/test_*.c test/contract/test_*.c))
TESTS    := $(TEST_SRC:test/%.c=$(BUILD)/test/%)
# Programs under test/tools are helpers that tests run (a jailed offender, a fault server).
TOOL_SRC := $(sort $(wildcard test/tools/*.c))
PRELOAD  := $(patsubst test/%.c,$(BUILD)/test/%.so,$(sort $(wildcard test/preload/*.c)))
TOOLS    := $(TOOL_SRC:test/%.c=$(BUILD)/test/%) $(PRELOAD)

Q := $(if $(V),,@)

# libFuzzer drivers over the readers of base/ and nn/.
FUZZ_SRC := $(sort $(wildcard test/fuzz/fuzz_*.c))
FUZZERS  := $(FUZZ_SRC:test/%.c=$(BUILD)/test/%)
FUZZ_OBJ := $(filter $(BUILD)/obj/src/base/% $(BUILD)/obj/src/nn/%,$(LIB_OBJ))
FUZZ_SECONDS ?= 5

.PHONY: all check check-unit check-e2e check-arm64 fuzz fuzz-run gate plants mutants campaign preload cover lint install uninstall llama clean
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAMS)

# The encoder is tested with the real weights: without optimisation that takes hours, not minutes.
# Nor is each count of its loops worth a locked bus: one that is lost is no line that was not reached.
$(BUILD)/obj/src/nn/%.o: CFLAGS += -O2 $(if $(COVERAGE),-fprofile-update=single)
# Its sums over rows, between the kernels, are worth vectors.
$(BUILD)/obj/src/nn/forward.o: CFLAGS += $(if $(DEBUG),,-O3)
# Codes and cosines have the same bits on every CPU.
$(BUILD)/obj/src/vector/%.o: CFLAGS += $(if $(DEBUG),,-O3) -ffp-contract=off
# Scores are the same number from every kernel: nothing is contracted.
$(BUILD)/obj/src/lexical/%.o: CFLAGS += -ffp-contract=off
ifeq ($(shell uname -m),x86_64)
$(BUILD)/obj/%_avx2.o: CFLAGS += -mavx2 -mfma -mf16c
$(BUILD)/obj/%_avx512.o: CFLAGS += -mavx512f -mavx512bw -mavx512vl -mavx2 -mfma -mf16c
$(BUILD)/obj/%_avx2_fp32.o $(BUILD)/obj/%_avx2_int16.o: CFLAGS += -mavx2 -mfma
$(BUILD)/obj/%_avxvnni_int16.o: CFLAGS += -mavx2 -mfma -mavxvnni
$(BUILD)/obj/%_avx512_fp32.o: CFLAGS += -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma
$(BUILD)/obj/%_avx512_bf16.o: CFLAGS += -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512bf16 -mfma
$(BUILD)/obj/%_avx512_int16.o: CFLAGS += -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mfma
else ifeq ($(shell uname -m),aarch64)
$(BUILD)/obj/%_neon_bf16.o: CFLAGS += -march=armv8.2-a+bf16
endif

$(BUILD)/obj/%.o: %.c Makefile VERSION
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC $<")
	$(Q)$(CC) $(CPPFLAGS) -DRAGGED_SOURCE='"$<"' -include src/base/file_mark.h $(CFLAGS) -MMD -MP -c $< -o $@

$(LIB): $(LIB_OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/ragged: $(BUILD)/obj/src/app/ragged_main.o $(LIB)
$(BUILD)/ragged-parse: $(BUILD)/obj/src/load/parse_main.o $(LIB)
$(BUILD)/ragged-monitor: $(BUILD)/obj/src/app/monitor_main.o $(LIB)
# Only what has a screen loads what draws on it.
$(BUILD)/ragged-monitor: LIBS += $(shell pkg-config --libs ncursesw)
$(PROGRAMS):
	$(if $(V),,@echo "  LD $@")
	$(Q)$(CC) $(LDFLAGS) $(filter %.o,$^) $(LIB) $(LIBS) -o $@

$(BUILD)/test/%: $(BUILD)/obj/test/%.o $(LIB)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD $@")
	$(Q)$(CC) $(LDFLAGS) $< $(LIB) $(LIBS) -lcmocka -o $@

# What a test puts between the program and its libraries is not the program: no sanitizer.
$(BUILD)/test/preload/%.so: test/preload/%.c Makefile
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC $<")
	$(Q)$(CC) -std=c17 -D_GNU_SOURCE -O2 -g -fPIC -shared $(WARNINGS) $< -o $@ -ldl

# llama.cpp comes prebuilt, pinned by hash (scripts/llama); its headers are kept outside the tree.
LLAMA_CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ragged/llama-cpp-0.5.0
LLAMA_LIBS  := -l:libllama.v0.5.0.so -l:libggml.v0.5.0.so -l:libggml-base.so

llama: $(BUILD)/ragged-llm

$(BUILD)/llama/.complete: scripts/llama
	$(Q)scripts/llama $(LLAMA_CACHE) $(@D)

$(BUILD)/obj/src/generate/llm_main.o: CPPFLAGS += -isystem $(LLAMA_CACHE)/include
$(BUILD)/obj/src/generate/llm_main.o: $(BUILD)/llama/.complete

$(BUILD)/ragged-llm: $(BUILD)/obj/src/generate/llm_main.o $(LIB)
	$(if $(V),,@echo "  LD $@")
	$(Q)$(CC) $(LDFLAGS) $< $(LIB) -L$(BUILD)/llama $(LLAMA_LIBS) -Wl,-rpath,'$$ORIGIN/llama' $(LIBS) -o $@

check: check-unit check-e2e

check-unit: all $(TESTS) $(TOOLS)
	$(Q)RAGGED_BUILD=$(BUILD) test/run-unit $(TESTS)

check-e2e: all $(TOOLS)
	$(Q)RAGGED_BUILD=$(BUILD) python3 -m pytest -q test/cli

# What the ARM kernels rest on, and no more.
ARM64_CC    := aarch64-linux-gnu-gcc
ARM64_TESTS := $(patsubst %,build/arm64/%,test_kernel test_forward test_vector test_vector_index)

ARM64_ROOMS := nn vector segment base

build/arm64/%: test/unit/%.c $(wildcard $(ARM64_ROOMS:%=src/%/*.[ch]))
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC $< (arm64)")
	$(Q)$(ARM64_CC) $(CPPFLAGS) $(CFLAGS) -march=armv8.2-a+bf16 -ffp-contract=off $(filter %.c,$^) \
	    -lcmocka -ljansson -lutf8proc -lxxhash -lsodium -lm -o $@

check-arm64: $(ARM64_TESTS)
	$(Q)for t in $^; do qemu-aarch64 -cpu max -L /usr/aarch64-linux-gnu $$t || exit 1; done

fuzz:
	$(Q)$(MAKE) -s fuzz-run CC=clang DEBUG=1 SANITIZE=fuzzer-no-link,address,undefined BUILD=build/fuzz

fuzz-run: $(FUZZERS)
	$(Q)test/fuzz/run $(BUILD)/test/fuzz $(FUZZ_SECONDS) $(T)

$(BUILD)/test/fuzz/%: $(BUILD)/obj/test/fuzz/%.o $(FUZZ_OBJ)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD $@")
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer $^ $(LIBS) -o $@

# Kills want a build without faults too, power cuts one that writes as users' do.
campaign:
	$(Q)$(MAKE) -s all preload $(BUILD)/test/unit/test_query_cache_twin
	$(Q)$(MAKE) -s all preload FAULT=1
	$(Q)RAGGED_TWIN_STEPS=1000000 $(BUILD)/test/unit/test_query_cache_twin
	$(Q)$(MAKE) -s all DEBUG=1 SANITIZE=address,undefined FAULT=1
	$(Q)test/campaign

preload: $(PRELOAD)

gate: all $(TOOLS)
	$(Q)RAGGED_BUILD=$(BUILD) test/gate/run

mutants:
	$(Q)test/mutants/run --write

plants: all $(TOOLS)
	$(Q)test/gate/selftest

cover:
	$(Q)MAKE="$(MAKE)" test/cover/run

# For the coverage of what reads documents: see test/cover/open_parser.c.
$(BUILD)/open-parse: $(BUILD)/obj/src/load/parse_main.o $(BUILD)/obj/test/cover/open_parser.o $(LIB)
	$(if $(V),,@echo "  LD $@")
	$(Q)$(CC) $(LDFLAGS) -Wl,--wrap=jail_enter -Wl,--wrap=sink_end -Wl,--wrap=sink_fail $(filter %.o,$^) $(LIB) $(LIBS) -o $@

lint:
	$(Q)test/lint/run

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/ragged $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(BUILD)/ragged $(DESTDIR)$(PREFIX)/bin/ragged
	install -m 755 $(BUILD)/ragged-parse $(DESTDIR)$(PREFIX)/libexec/ragged/ragged-parse
	install -m 755 $(BUILD)/ragged-monitor $(DESTDIR)$(PREFIX)/libexec/ragged/ragged-monitor
	install -m 644 docs/man/ragged.1 $(DESTDIR)$(PREFIX)/share/man/man1/ragged.1
	$(if $(wildcard $(BUILD)/ragged-llm),install -m 755 $(BUILD)/ragged-llm $(DESTDIR)$(PREFIX)/libexec/ragged/ragged-llm)
	$(if $(wildcard $(BUILD)/ragged-llm),install -d $(DESTDIR)$(PREFIX)/libexec/ragged/llama)
	$(if $(wildcard $(BUILD)/ragged-llm),install -m 644 $(BUILD)/llama/*.so $(BUILD)/llama/LICENSE $(DESTDIR)$(PREFIX)/libexec/ragged/llama)

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/ragged $(DESTDIR)$(PREFIX)/share/man/man1/ragged.1
	rm -rf $(DESTDIR)$(PREFIX)/libexec/ragged

clean:
	rm -rf build

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
