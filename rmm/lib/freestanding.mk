# SPDX-License-Identifier: BSD-3-Clause
# Compiler settings and rules shared by the bare-metal images. The including Makefile sets IMAGE,
# SRC, LIB (this directory, relative to SRC), OBJECTS (its own, paths relative to SRC, ending .o),
# INCLUDES and LINKER_SCRIPT; the caller sets BUILD_DIR, CROSS_COMPILE and GENERATED (the directory
# that holds abi/*.h). The library's objects and include paths are added here.
$(if $(BUILD_DIR),,$(error BUILD_DIR must be specified))
$(if $(GENERATED),,$(error GENERATED must be specified))

LIB_OBJECTS := $(addprefix $(LIB)/,src/string.o src/format.o src/console.o src/panic.o \
	arch/aarch64/smc.o)
LIB_INCLUDES := -I$(SRC)/$(LIB)/include -I$(SRC)/$(LIB)/arch/aarch64/include

CC := $(CROSS_COMPILE)gcc
OBJCOPY := $(CROSS_COMPILE)objcopy

OPTIMISE := -O2
WARNINGS := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wconversion -Wvla -Wundef
CFLAGS := -std=c11 $(OPTIMISE) -g -ffreestanding -fno-common -fno-builtin-printf -mgeneral-regs-only \
	-mstrict-align -march=armv8.5-a -fno-omit-frame-pointer -fno-asynchronous-unwind-tables \
	-ffile-prefix-map=$(SRC)=. -fno-pic -fno-pie $(WARNINGS) $(INCLUDES) $(LIB_INCLUDES) \
	-I$(GENERATED) -MMD -MP
ASFLAGS := -g -D__ASSEMBLER__ -march=armv8.5-a+sha2+sha3 $(INCLUDES) $(LIB_INCLUDES) -I$(GENERATED) \
	-ffile-prefix-map=$(SRC)=. -MMD -MP
LDFLAGS := -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack \
	-Wl,--fatal-warnings

OUT := $(addprefix $(BUILD_DIR)/,$(OBJECTS) $(LIB_OBJECTS))

# The loops of memcpy and its kin must not become calls to memcpy and its kin.
$(BUILD_DIR)/$(LIB)/src/string.o: CFLAGS += -fno-builtin -fno-tree-loop-distribute-patterns

$(BUILD_DIR)/$(IMAGE).bin: $(BUILD_DIR)/$(IMAGE).elf
	$(OBJCOPY) -O binary $< $@

$(BUILD_DIR)/$(IMAGE).elf: $(OUT) $(BUILD_DIR)/link.ld
	$(CC) $(LDFLAGS) -Wl,-T,$(BUILD_DIR)/link.ld -o $@ $(OUT)

$(BUILD_DIR)/link.ld: $(LINKER_SCRIPT)
	@mkdir -p $(@D)
	$(CC) -E -P -x c -D__ASSEMBLER__ $(INCLUDES) -I$(GENERATED) -MMD -MT $@ -MF $@.d -o $@ $<

$(BUILD_DIR)/%.o: $(SRC)/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

$(BUILD_DIR)/%.o: $(SRC)/%.S
	@mkdir -p $(@D)
	$(CC) $(ASFLAGS) -c -o $@ $<

-include $(OUT:.o=.d) $(BUILD_DIR)/link.ld.d
