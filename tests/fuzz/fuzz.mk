# SPDX-License-Identifier: BSD-3-Clause
# How a fuzzer in C is made: BUILD_DIR/$(NAME)_fuzz runs saved and random inputs; with CC=clang the
# target `libfuzzer` makes BUILD_DIR/$(NAME)_libfuzzer, which looks for new ones. GENERATED is the
# directory that holds abi/*.h. Who includes this has set NAME, TOP, FUZZ (the sources from TOP,
# without those here) and FLAGS (those that the fuzzers do not share).
$(if $(BUILD_DIR),,$(error BUILD_DIR must be specified))
$(if $(GENERATED),,$(error GENERATED must be specified))

CC := gcc
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all
CFLAGS = -std=gnu11 -g -fno-omit-frame-pointer $(SANITIZERS) $(COVERAGE) -Wall -Wextra -Werror \
	-Wmissing-prototypes -Wstrict-prototypes -Wundef $(FLAGS) -I$(GENERATED) -MMD -MP
PROGRAMS := $(addprefix $(BUILD_DIR)/$(NAME)_,fuzz libfuzzer)
objects = $(patsubst %.c,$(BUILD_DIR)/obj/%.o,$(1))

.DEFAULT_GOAL := $(BUILD_DIR)/$(NAME)_fuzz
.PHONY: libfuzzer
libfuzzer: COVERAGE := -fsanitize=fuzzer-no-link
libfuzzer: $(BUILD_DIR)/$(NAME)_libfuzzer

# Whose paths say nothing of what is looked into.
$(BUILD_DIR)/obj/tests/%: COVERAGE :=

$(BUILD_DIR)/$(NAME)_fuzz: $(call objects,tests/fuzz/main.c)
$(BUILD_DIR)/$(NAME)_libfuzzer: LINK := -fsanitize=fuzzer
$(PROGRAMS): $(call objects,$(FUZZ) tests/fuzz/fail.c)
	$(CC) $(CFLAGS) $(LINK) -o $@ $^

$(BUILD_DIR)/obj/%.o: $(TOP)/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

-include $(shell find $(BUILD_DIR)/obj -name '*.d' 2>/dev/null)
