# photosearch: build, tests, demo, installation.
#
#   make demo     set everything up, build, index real photographs, ask a dozen questions
#   make check    set everything up, build, run every test (plainly, then under ASan and UBSan)
#   make help     the other targets
#
# Every variant of the build has a folder of its own (build/plain, build/asan, build/tsan, build/fuzz), so that none disturbs another.
# What a person wants to touch (photosearch, libphotosearch.*) is put into build/ itself.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:
SHELL := /bin/sh
JOBS ?= $(shell nproc 2>/dev/null || echo 1)
J = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))

# --- choices of the caller -----------------------------------------------------------------------------------------------------

ifeq ($(origin CC),default)
CC := gcc
endif
CC ?= gcc
PREFIX ?= /usr/local
DESTDIR ?=
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
LIBEXECDIR ?= $(PREFIX)/libexec
MANDIR ?= $(DATADIR)/man
VARIANT ?= plain
CHECK_ARGS ?=
CCACHE := $(shell command -v ccache 2>/dev/null)

# --- version: api/photosearch.h is the one place that states it ----------------------------------------------------------------

version_part = $(shell sed -n 's/^\#define PS_VERSION_$(1)  *\([0-9]*\).*/\1/p' api/photosearch.h 2>/dev/null | head -n 1)
MAJOR := $(or $(call version_part,MAJOR),0)
MINOR := $(or $(call version_part,MINOR),1)
PATCH := $(or $(call version_part,PATCH),0)
VERSION := $(MAJOR).$(MINOR).$(PATCH)
SONAME := libphotosearch.so.$(MAJOR)

# --- flags ---------------------------------------------------------------------------------------------------------------------

MACHINE := $(shell $(CC) -dumpmachine 2>/dev/null)
DEPS := build/deps
O := build/$(VARIANT)

# -ffp-contract=off: a product and a sum must round twice everywhere, or two instruction sets would give different embedding bits.
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Werror
BASE_FLAGS := -std=c11 -D_GNU_SOURCE -I. -isystem $(DEPS)/include -ffp-contract=off -fPIC -fvisibility=hidden -pthread -g \
              -ffile-prefix-map=$(CURDIR)=.
PACKAGES := sqlite3 zlib libturbojpeg libjpeg libexif expat libheif libwebp libxxhash jansson libutf8proc
OPTIMISE := -O2
SANITIZE :=
# Sanitizers rewrite expressions before the compiler looks at them, which brings warnings of their own.
ifneq ($(VARIANT),plain)
WARNINGS += -Wno-error
endif
ifeq ($(VARIANT),asan)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPTIMISE := -O1
endif
ifeq ($(VARIANT),tsan)
SANITIZE := -fsanitize=thread -fno-omit-frame-pointer
OPTIMISE := -O1
endif
ifeq ($(VARIANT),fuzz)
CC := clang
SANITIZE := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPTIMISE := -O1
endif

# pkg-config is asked once a run, and only for targets that compile: `make deps` must work before it is installed.
PLAIN_GOALS := deps clean distclean help uninstall
ifneq ($(filter-out $(PLAIN_GOALS),$(or $(MAKECMDGOALS),all)),)
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
endif
# Reading text in photos: OCR=1 wants it, OCR=0 leaves it out, else it is there when libtesseract is.
OCR ?= $(if $(shell pkg-config --exists tesseract 2>/dev/null && echo yes),1,0)
# Pulling models: PULL=1 wants it, PULL=0 leaves it out, else it is there when libcurl is. `make deps` gets libcurl unless PULL=0.
PULL_ASKED := $(if $(filter undefined default,$(origin PULL)),,$(PULL))
PULL ?= $(if $(shell pkg-config --exists libcurl 2>/dev/null && echo yes),1,0)
READER_CFLAGS = $(shell pkg-config --cflags tesseract)
READER_LIBS = $(shell pkg-config --libs-only-L tesseract 2>/dev/null) -ltesseract $(shell pkg-config --libs libseccomp 2>/dev/null) -lm -pthread
PULL_LIBS = $(shell pkg-config --libs libcurl 2>/dev/null) -pthread
DECODER_LIBS = $(shell pkg-config --libs libturbojpeg libjpeg libexif expat libheif libwebp libseccomp 2>/dev/null) -lm -pthread
CHECK_LIBS = $(shell pkg-config --libs check 2>/dev/null || echo -lcheck)

COMPILE_FLAGS = $(BASE_FLAGS) $(WARNINGS) $(OPTIMISE) $(SANITIZE) $(PKG_CFLAGS) $(CPPFLAGS) $(CFLAGS)
FAISS_LIBS := $(DEPS)/lib/libfaiss_c.a $(DEPS)/lib/libfaiss.a
LIBS = $(PKG_LIBS) -lstdc++ -lm -pthread

# --- sources -------------------------------------------------------------------------------------------------------------------

LIB_FOLDERS := base encoder encoder/package encoder/kernels encoder/plan encoder/families encoder/tokens encoder/import encoder/pixels \
               encoder/sandbox encoder/reading store search search/parse indexer api
# The decoder process is a program of its own, of the pixels' sources and these.
DECODER_SOURCES := encoder/sandbox/cage.c $(sort $(wildcard encoder/sandbox/decoder_*.c))
# So is the reader, which is not in every build.
READER_SOURCES := encoder/sandbox/cage.c encoder/reading/reader_engine.c encoder/reading/reader_main.c
# And the one that fetches models, which alone uses the network.
PULL_SOURCES := $(sort $(wildcard pull/*.c))
LIB_SOURCES := $(filter-out $(DECODER_SOURCES) $(READER_SOURCES),$(sort $(wildcard $(addsuffix /*.c,$(LIB_FOLDERS)))))
ifeq ($(filter x86_64%,$(MACHINE)),)
LIB_SOURCES := $(filter-out encoder/kernels/%_avx2.c encoder/kernels/%_avx512vnni.c,$(LIB_SOURCES))
endif
CLI_SOURCES := $(sort $(wildcard cli/*.c))
SAMPLE_SOURCES := $(sort $(wildcard samples/*.c samples/demo/*.c))
SUITE_SOURCES := $(sort $(wildcard tests/*/test_*.c))
TEST_SOURCES := tests/main.c $(sort $(wildcard $(addsuffix /*.c,$(filter-out tests/fuzz tests/bench tests/data tests/torture tests/sandbox,$(wildcard tests/*)))))
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_*.c))
# A program of its own, which uses the helpers of two suites.
TORTURE_SOURCES := $(sort $(wildcard tests/torture/*.c)) tests/indexer/gallery.c tests/store/library.c tests/store/inspect.c
FUZZ_FORMATS := jpeg png gif bmp tga psd hdr webp heif avif
BENCH_SOURCES := $(sort $(wildcard tests/bench/*.c))
VERIFY_SOURCES := $(sort $(wildcard train/verify/*.c))
MODELS := $(sort $(wildcard models/*.safetensors))

objects = $(patsubst %.c,$(O)/%.o,$(1))
LIB_OBJECTS := $(call objects,$(LIB_SOURCES)) $(O)/tables.o $(O)/search/vocabulary_text.o
CLI_OBJECTS := $(call objects,$(CLI_SOURCES))
TEST_OBJECTS := $(call objects,$(TEST_SOURCES)) $(O)/tests/suites.o
DECODER_OBJECTS := $(call objects,$(DECODER_SOURCES) $(filter base/% encoder/pixels/%,$(LIB_SOURCES)))
TEST_DECODER_OBJECTS := $(O)/tests/encoder/sandbox/decoder_main.o $(call objects,tests/sandbox/tricks.c tests/sandbox/attempts.c) \
                        $(filter-out %/decoder_main.o,$(DECODER_OBJECTS))
# The tests' reader has an engine that crashes, hangs and lies, and needs no libtesseract.
READER_OBJECTS := $(call objects,$(READER_SOURCES))
TEST_READER_OBJECTS := $(call objects,encoder/sandbox/cage.c encoder/reading/reader_main.c tests/sandbox/reader_tricks.c tests/sandbox/attempts.c)
PULL_OBJECTS := $(call objects,$(PULL_SOURCES) $(filter base/%,$(LIB_SOURCES))) $(O)/pull/published_text.o
# What of it the tests link: all that knows nothing of libcurl.
PULL_TESTED := $(call objects,$(addprefix pull/,part.c sha256.c table.c url.c)) $(O)/pull/published_text.o
ALL_OBJECTS := $(PULL_OBJECTS) $(READER_OBJECTS) $(TEST_READER_OBJECTS) $(DECODER_OBJECTS) $(TEST_DECODER_OBJECTS) $(LIB_OBJECTS) $(CLI_OBJECTS) $(TEST_OBJECTS) \
               $(call objects,$(SAMPLE_SOURCES) $(FUZZ_SOURCES) $(BENCH_SOURCES) $(VERIFY_SOURCES) $(TORTURE_SOURCES))

# --- what a person asks for ----------------------------------------------------------------------------------------------------

.PHONY: all help deps build variant demo check check-plain check-asan check-tsan check-fuzz run-check torture verify-models bench bench-programs fuzz \
        fuzz-programs install install-files uninstall clean distclean force

all: $(DEPS)/faiss.stamp $(DEPS)/gazetteer.stamp
	@$(MAKE) --no-print-directory build

help:
	@echo 'make deps        install the Debian packages that are missing and build FAISS (once)'
	@echo 'make all         build/photosearch, build/libphotosearch.so, build/libphotosearch.a, samples'
	@echo 'make demo        deps, all, then index real photographs and ask a dozen questions'
	@echo 'make check       deps, all, then every test: plainly, then under ASan and UBSan'
	@echo 'make check-plain | check-asan | check-tsan    one of them; CHECK_ARGS="--suite NAME" runs one suite'
	@echo 'make torture     an indexing process killed TORTURE_KILLS (1000) times; TORTURE_SEED repeats one'
	@echo 'make soak        a watch under SOAK_MINUTES (30) of changes: does its memory grow?'
	@echo 'make bench       the figures of docs/benchmarks.md, measured here'
	@echo 'make check-fuzz  10,000 inputs a fuzz target, the same ones every time'
	@echo 'make fuzz        each fuzz target for FUZZ_SECONDS (60) or FUZZ_RUNS inputs; FUZZ_TARGETS="png exif" chooses'
	@echo 'make verify-models   models at their real sizes against open_clip, timm and transformers; VERIFY_DATA=DIR, VERIFY_ARGS='
	@echo 'make install     to $$(DESTDIR)$$(PREFIX); uninstall takes it away again'
	@echo 'make clean       what was built here; distclean also FAISS, the demo and its photographs'
	@echo 'CC=gcc|clang  OCR=1|0  PULL=1|0  PREFIX=$(PREFIX)  DESTDIR=  CFLAGS=  CHECK_ARGS='

deps:
	@CC='$(CC)' JOBS=$(JOBS) OCR=$(OCR) PULL='$(PULL_ASKED)' tools/deps.sh

$(DEPS)/faiss.stamp:
	@CC='$(CC)' JOBS=$(JOBS) OCR=$(OCR) PULL='$(PULL_ASKED)' tools/deps.sh

$(DEPS)/gazetteer.stamp: tools/gazetteer.sh
	@CC='$(CC)' JOBS=$(JOBS) tools/deps.sh

# check and demo start a second make, because pkg-config can answer only once deps has run.
demo: deps
	@$(MAKE) --no-print-directory $(J) build
	@samples/demo/run.sh

check: deps
	@$(MAKE) --no-print-directory $(J) build
	@status=0; for each in check-plain check-asan; do $(MAKE) --no-print-directory $$each || status=1; done; exit $$status

check-plain: ; @$(MAKE) --no-print-directory $(J) VARIANT=plain run-check
check-asan: ; @$(MAKE) --no-print-directory $(J) VARIANT=asan run-check
check-tsan: ; @$(MAKE) --no-print-directory $(J) VARIANT=tsan run-check

run-check: variant $(O)/tests/check $(O)/tests/torture/torture
	@tools/run-check.sh $(O) $(CHECK_ARGS)

torture: all
	@$(MAKE) --no-print-directory $(J) build/$(VARIANT)/tests/torture/torture
	@tools/torture.sh $(O)

soak: all
	@tools/soak.sh

bench: all
	@$(MAKE) --no-print-directory $(J) bench-programs
	@tools/bench.sh

# Hours, and packages of Python: docs/verifying-models.md. What was compared once is kept under build/verify.
verify-models: all
	@test -x build/verify/venv/bin/python || python3 -m venv build/verify/venv
	@build/verify/venv/bin/pip install --quiet --requirement train/verify/requirements.txt
	@$(MAKE) --no-print-directory build/plain/train/verify/token_ids
	@nice -n 10 build/verify/venv/bin/python train/verify/tokens.py --out build/verify $(if $(VERIFY_DATA),--data $(VERIFY_DATA))
	@nice -n 10 build/verify/venv/bin/python train/verify/verify.py --program build/photosearch --out build/verify \
	    $(if $(VERIFY_DATA),--data $(VERIFY_DATA)) $(VERIFY_ARGS)

fuzz check-fuzz:
	@CC=clang JOBS=$(JOBS) OCR=$(OCR) PULL='$(PULL_ASKED)' tools/deps.sh
	@$(MAKE) --no-print-directory $(J) VARIANT=fuzz fuzz-programs
	@JOBS=$(JOBS) tools/fuzz.sh $@ build/fuzz $(FUZZ_TARGETS)

# --- compiling -----------------------------------------------------------------------------------------------------------------

# The kernels: the portable reference and one file for each instruction set. The rest of the library runs on any processor.
$(O)/encoder/kernels/%.o: OPTIMISE := -O3
$(O)/encoder/kernels/%_avx2.o: ISA := -mavx2 -mfma -mf16c
$(O)/encoder/kernels/%_avx512vnni.o: ISA := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx2 -mfma -mf16c
ifeq ($(VARIANT),fuzz) # clang 14 takes minutes for these with everything on, or fails
$(O)/encoder/kernels/%_avx2.o $(O)/encoder/kernels/%_avx512vnni.o: SANITIZE :=
endif

# A model that is not named is looked for in the source tree by what is built here, and in the prefix by what is installed: the one
# file that knows is compiled twice.
SOURCE_MODEL := -DPS_SOURCE_MODEL='"$(CURDIR)/models/photosearch.safetensors"' -DPS_SOURCE_PLACES='"$(CURDIR)/build/places.gazetteer"'
INSTALLED_DATA := -DPS_DATADIR='"$(DATADIR)"'
$(O)/api/lookup.o: ISA = $(SOURCE_MODEL)

# So does the file that looks for the programs.
$(O)/encoder/sandbox/program.o: ISA = -DPS_BUILT_PROGRAMS='"$(CURDIR)/$(O)"'
INSTALLED_DECODER := -DPS_LIBEXECDIR='"$(LIBEXECDIR)"'

$(O)/encoder/reading/reader_engine.o: ISA = $(READER_CFLAGS)
$(O)/pull/fetch.o: ISA = $(shell pkg-config --cflags libcurl 2>/dev/null)

# Programs may include <photosearch.h>, as they would when installed.
$(O)/samples/%.o $(O)/cli/%.o $(O)/tests/%.o: ISA := -Iapi

# Rewritten only when the command line of the compiler changed, so that every object can depend on it.
$(O)/flags: force
	@mkdir -p $(@D)
	@echo '$(CC) $(COMPILE_FLAGS)' | cmp -s - $@ || echo '$(CC) $(COMPILE_FLAGS)' >$@

$(O)/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	@echo '  CC    $@'
	@$(CCACHE) $(CC) $(COMPILE_FLAGS) $(ISA) -MMD -MP -c -o $@ $<

$(O)/install/folders: force
	@mkdir -p $(@D)
	@echo '$(DATADIR) $(LIBEXECDIR)' | cmp -s - $@ || echo '$(DATADIR) $(LIBEXECDIR)' >$@

$(O)/install/api/lookup.o: api/lookup.c $(O)/flags $(O)/install/folders
	@mkdir -p $(@D)
	@$(CCACHE) $(CC) $(COMPILE_FLAGS) $(INSTALLED_DATA) -MMD -MP -c -o $@ $<

$(O)/install/encoder/sandbox/program.o: encoder/sandbox/program.c $(O)/flags $(O)/install/folders
	@mkdir -p $(@D)
	@$(CCACHE) $(CC) $(COMPILE_FLAGS) $(INSTALLED_DECODER) -MMD -MP -c -o $@ $<

$(O)/install/cli/model_pull.o: cli/model_pull.c $(O)/flags $(O)/install/folders
	@mkdir -p $(@D)
	@$(CCACHE) $(CC) $(COMPILE_FLAGS) -Iapi $(INSTALLED_DECODER) -MMD -MP -c -o $@ $<

# The tests' decoder also crashes, hangs and lies when it is told to.
$(O)/tests/encoder/sandbox/decoder_main.o: encoder/sandbox/decoder_main.c $(O)/flags
	@mkdir -p $(@D)
	@$(CCACHE) $(CC) $(COMPILE_FLAGS) -DPS_DECODER_TEST -MMD -MP -c -o $@ $<

$(O)/tests/sandbox/%.o: ISA := -DPS_DECODER_TEST

# The built-in vocabulary of the tags, as a string of the library.
$(O)/search/vocabulary_text.c: search/vocabulary.txt
	@mkdir -p $(@D)
	@{ echo '#include "search/vocabulary.h"'; echo 'const char ps__vocabulary_text[] ='; \
	    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/    "&\\n"/' $<; echo '    "";'; } >$@

$(O)/search/vocabulary_text.o: $(O)/search/vocabulary_text.c $(O)/flags
	@echo '  CC    $@'
	@$(CCACHE) $(CC) $(COMPILE_FLAGS) -MMD -MP -c -o $@ $<

# The table of models that comes with photosearch-pull, the same way.
$(O)/pull/published_text.c: pull/published.table
	@mkdir -p $(@D)
	@{ echo '#include "pull/table.h"'; echo 'const char pull_published_table[] ='; \
	    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/    "&\\n"/' $<; echo '    "";'; } >$@

$(O)/pull/published_text.o: $(O)/pull/published_text.c $(O)/flags
	@echo '  CC    $@'
	@$(CCACHE) $(CC) $(COMPILE_FLAGS) -MMD -MP -c -o $@ $<

$(O)/tests/suites.o: $(O)/tests/suites.c $(O)/flags
	@echo '  CC    $@'
	@$(CCACHE) $(CC) $(COMPILE_FLAGS) -MMD -MP -c -o $@ $<

$(O)/tests/suites.c: force
	@mkdir -p $(@D)
	@tools/list-suites.sh $(SUITE_SOURCES) >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

-include $(ALL_OBJECTS:.o=.d)

# --- the words of queries ------------------------------------------------------------------------------------------------------

# A program of its own turns the tables that translators edit into constant arrays, once for all variants.
WORDS_SOURCES := tools/words.c $(addprefix search/parse/,lexer.c symbols.c) store/gazetteer_fold.c $(addprefix base/,alloc.c buf.c status.c utf8.c)
WORD_TABLES := $(sort $(wildcard search/languages/*.words))

build/tools/words: $(WORDS_SOURCES) $(wildcard search/parse/*.h store/gazetteer.h base/*.h)
	@echo '  CC    $@'
	@mkdir -p $(@D)
	@gcc -std=c11 -D_GNU_SOURCE -I. -O2 $(PKG_CFLAGS) -o $@ $(WORDS_SOURCES) $(shell pkg-config --libs libutf8proc)

build/tables.c: build/tools/words $(WORD_TABLES)
	@build/tools/words $@ $(WORD_TABLES)

$(O)/tables.o: build/tables.c $(O)/flags
	@echo '  CC    $@'
	@$(CCACHE) $(CC) $(COMPILE_FLAGS) -MMD -MP -c -o $@ $<

# --- the gazetteer -------------------------------------------------------------------------------------------------------------

# A program of its own builds the file, once for all variants, with the library's own reading of names.
GAZETTEER_SOURCES := $(sort $(wildcard tools/gazetteer/*.c store/gazetteer*.c)) $(addprefix base/,alloc.c buf.c os.c status.c utf8.c)
GAZETTEER_INPUT := $(DEPS)/gazetteer

build/tools/gazetteer: $(GAZETTEER_SOURCES) $(wildcard tools/gazetteer/*.h store/gazetteer*.h base/*.h)
	@echo '  CC    $@'
	@mkdir -p $(@D)
	@$(CC) -std=c11 -D_GNU_SOURCE -I. -O2 -pthread $(PKG_CFLAGS) -o $@ $(GAZETTEER_SOURCES) $(shell pkg-config --libs jansson libutf8proc libxxhash) -lm

build/places.gazetteer: build/tools/gazetteer store/areas.table $(DEPS)/gazetteer.stamp
	@build/tools/gazetteer $(GAZETTEER_INPUT)/cities500.txt $(GAZETTEER_INPUT)/admin1.json $(GAZETTEER_INPUT)/catalogues \
	    $(GAZETTEER_INPUT)/cldr store/areas.table $@.new
	@mv $@.new $@

# --- linking -------------------------------------------------------------------------------------------------------------------

# The archive holds one object: everything of ours and of FAISS that is needed, with every name made local that is not public. A
# program that links it can neither clash with an inner name nor use one; our own command line program is linked this way.
#
# $(call link_product,FOLDER,OBJECTS,PROGRAM'S OBJECTS): the archive, the shared library and the program, for use here and for installation.
define link_product
$(1)/libphotosearch.a: $(2) $(FAISS_LIBS) tools/localise.sh
	@echo '  AR    $$@'
	@mkdir -p $$(@D)
	@$(CC) -nostdlib -r -Wl,--force-group-allocation -o $(1)/photosearch.o.new $(2) $(FAISS_LIBS)
	@tools/localise.sh $(1)/photosearch.o.new
	@mv $(1)/photosearch.o.new $(1)/photosearch.o
	@rm -f $$@
	@ar rcsD $$@ $(1)/photosearch.o

$(1)/libphotosearch.so.$(VERSION): $(2) $(FAISS_LIBS) tools/photosearch.map
	@echo '  LINK  $$@'
	@mkdir -p $$(@D)
	@$(CC) $(SANITIZE) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=tools/photosearch.map $(if $(SANITIZE),,-Wl,--no-undefined) \
	    -Wl,--as-needed -Wl,--gc-sections -o $$@ $(2) $(FAISS_LIBS) $$(LIBS) $(LDFLAGS)
	@ln -sf $$(@F) $(1)/$(SONAME)
	@ln -sf $(SONAME) $(1)/libphotosearch.so

$(1)/photosearch: $(3) $(1)/libphotosearch.a
	@echo '  LINK  $$@'
	@$(CC) $(SANITIZE) -Wl,--as-needed -Wl,--gc-sections -o $$@ $(3) $(1)/libphotosearch.a $$(LIBS) $(LDFLAGS)
endef

# What knows where things are: compiled once for here and once for the prefix.
PLACE_OBJECTS := api/lookup.o encoder/sandbox/program.o
INSTALL_OBJECTS := $(filter-out $(addprefix $(O)/,$(PLACE_OBJECTS)),$(LIB_OBJECTS)) $(addprefix $(O)/install/,$(PLACE_OBJECTS))
INSTALL_CLI_OBJECTS := $(filter-out $(O)/cli/model_pull.o,$(CLI_OBJECTS)) $(O)/install/cli/model_pull.o
$(eval $(call link_product,$(O),$(LIB_OBJECTS),$(CLI_OBJECTS)))
$(eval $(call link_product,$(O)/install,$(INSTALL_OBJECTS),$(INSTALL_CLI_OBJECTS)))

# Its functions' addresses are read-only from the start, as it will meet whatever a photo may hold.
link_decoder = $(CC) $(SANITIZE) -Wl,--as-needed -Wl,--gc-sections -Wl,-z,relro,-z,now -o $@ $^ $(DECODER_LIBS) $(LDFLAGS)

$(O)/photosearch-decoder: $(DECODER_OBJECTS)
	@echo '  LINK  $@'
	@$(link_decoder)

$(O)/tests/decoder: $(TEST_DECODER_OBJECTS)
	@echo '  LINK  $@'
	@$(link_decoder)

# The libraries behind libtesseract come with it; none is linked by itself.
link_reader = $(CC) $(SANITIZE) -Wl,--as-needed -Wl,--gc-sections -Wl,-z,relro,-z,now -o $@ $^

$(O)/photosearch-reader: $(READER_OBJECTS)
	@echo '  LINK  $@'
	@$(link_reader) $(READER_LIBS) $(LDFLAGS)

$(O)/tests/reader: $(TEST_READER_OBJECTS)
	@echo '  LINK  $@'
	@$(link_reader) $(DECODER_LIBS) $(LDFLAGS)

READER := $(if $(filter 1,$(OCR)),$(O)/photosearch-reader)

$(O)/photosearch-pull: $(PULL_OBJECTS)
	@echo '  LINK  $@'
	@$(CC) $(SANITIZE) -Wl,--as-needed -Wl,--gc-sections -Wl,-z,relro,-z,now -o $@ $^ $(PULL_LIBS) $(LDFLAGS)

PULLER := $(if $(filter 1,$(PULL)),$(O)/photosearch-pull)

# The tests see the inner names, so they link the objects.
$(O)/tests/check: $(TEST_OBJECTS) $(LIB_OBJECTS) $(PULL_TESTED) $(FAISS_LIBS) | $(O)/photosearch-decoder $(O)/tests/decoder build/places.gazetteer $(READER) $(PULLER) $(O)/tests/reader
	@echo '  LINK  $@'
	@$(CC) $(SANITIZE) -Wl,--as-needed -o $@ $(TEST_OBJECTS) $(LIB_OBJECTS) $(PULL_TESTED) $(FAISS_LIBS) $(CHECK_LIBS) $(LIBS) $(LDFLAGS)

$(O)/tests/torture/torture: $(call objects,$(TORTURE_SOURCES)) $(LIB_OBJECTS) $(FAISS_LIBS)
	@echo '  LINK  $@'
	@$(CC) $(SANITIZE) -Wl,--as-needed -o $@ $(call objects,$(TORTURE_SOURCES)) $(LIB_OBJECTS) $(FAISS_LIBS) $(CHECK_LIBS) $(LIBS) $(LDFLAGS)

$(O)/samples/%: $(O)/samples/%.o $(O)/libphotosearch.a
	@echo '  LINK  $@'
	@$(CC) $(SANITIZE) -Wl,--as-needed -o $@ $< $(O)/libphotosearch.a $(LIBS) $(LDFLAGS)

$(O)/tests/bench/%: $(O)/tests/bench/%.o $(LIB_OBJECTS) $(FAISS_LIBS)
	@echo '  LINK  $@'
	@$(CC) $(SANITIZE) -Wl,--as-needed -o $@ $< $(LIB_OBJECTS) $(FAISS_LIBS) $(LIBS) $(LDFLAGS)

$(O)/train/verify/%: $(O)/train/verify/%.o $(LIB_OBJECTS) $(FAISS_LIBS)
	@echo '  LINK  $@'
	@$(CC) $(SANITIZE) -Wl,--as-needed -o $@ $< $(LIB_OBJECTS) $(FAISS_LIBS) $(LIBS) $(LDFLAGS)

$(O)/tests/fuzz/%: $(O)/tests/fuzz/%.o $(LIB_OBJECTS) $(FAISS_LIBS)
	@echo '  LINK  $@'
	@$(CC) -fsanitize=fuzzer,address,undefined -o $@ $< $(LIB_OBJECTS) $(FAISS_LIBS) $(LIBS) $(LDFLAGS)

SAMPLES := $(patsubst %.c,$(O)/%,$(SAMPLE_SOURCES))
bench-programs: $(patsubst %.c,$(O)/%,$(BENCH_SOURCES))
# The target of each image format is fuzz_pixels under another name.
fuzz-programs: $(patsubst %.c,$(O)/%,$(FUZZ_SOURCES))
	@for format in $(FUZZ_FORMATS); do ln -sf fuzz_pixels $(O)/tests/fuzz/fuzz_$$format; done

# A part that is still to be written only leaves out what needs it.
LIBRARY_READY := $(wildcard api/photosearch.h)
PROGRAM_READY := $(and $(LIBRARY_READY),$(wildcard cli/main.c))
variant: $(if $(LIBRARY_READY),$(O)/libphotosearch.so.$(VERSION) $(O)/libphotosearch.a $(SAMPLES),$(LIB_OBJECTS)) \
         $(if $(PROGRAM_READY),$(O)/photosearch) $(O)/photosearch-decoder build/places.gazetteer $(READER) $(PULLER)

build: variant
	@$(if $(READER),,rm -f $(O)/photosearch-reader build/photosearch-reader;) $(if $(PULLER),,rm -f $(O)/photosearch-pull build/photosearch-pull;) for f in photosearch photosearch-decoder photosearch-reader photosearch-pull libphotosearch.a libphotosearch.so $(SONAME) libphotosearch.so.$(VERSION) samples; do \
	    test ! -e $(O)/$$f || ln -sfn $(VARIANT)/$$f build/$$f; done

# --- installation --------------------------------------------------------------------------------------------------------------

INSTALL_FOLDERS = O=$(O)/install DECODER=$(O)/photosearch-decoder READER=$(READER) PULLER=$(PULLER) VERSION=$(VERSION) SONAME=$(SONAME) LIBS='$(LIBS)' DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' \
                  BINDIR='$(BINDIR)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' DATADIR='$(DATADIR)' LIBEXECDIR='$(LIBEXECDIR)' MANDIR='$(MANDIR)'

install-files: $(O)/install/libphotosearch.a $(O)/install/libphotosearch.so.$(VERSION) $(O)/install/photosearch \
               $(O)/photosearch-decoder $(READER) $(PULLER)

install: all
	@$(MAKE) --no-print-directory $(J) install-files
	@$(INSTALL_FOLDERS) tools/install.sh install

uninstall:
	@$(INSTALL_FOLDERS) tools/install.sh uninstall

clean:
	@rm -rf build/tools build/tables.c build/places.gazetteer build/plain build/asan build/tsan build/fuzz build/photosearch build/photosearch-decoder build/photosearch-reader build/photosearch-pull build/libphotosearch.* build/samples
distclean:
	@rm -rf build
