# SPDX-License-Identifier: BSD-3-Clause
# Rules of a program on the rig. The including Makefile sets IMAGE, SRC (the root of the sources),
# and PROGRAM (its own objects, relative to SRC, ending .o); the caller BUILD_DIR, GENERATED and
# CROSS_COMPILE.
LIB := rmm/lib
RIG := host/rig
LINKER_SCRIPT := $(SRC)/$(RIG)/rig.ld.S
INCLUDES := -I$(SRC)/$(RIG)
OBJECTS := $(addprefix $(RIG)/,$(addsuffix .o,entry call_smc timed_smc vector sve sve_registers call main pe gic \
	granules realm tap hand_order code hand_image)) $(PROGRAM)

include $(SRC)/$(LIB)/freestanding.mk

HAND := $(BUILD_DIR)/hand
HAND_OUT := $(addprefix $(BUILD_DIR)/$(RIG)/,hand/start.o hand/hand.o hand/repeat.o hand/code.o \
	call_smc.o timed_smc.o vector.o sve.o sve_registers.o) \
	$(BUILD_DIR)/$(LIB)/src/string.o

$(HAND).bin: $(HAND).elf
	$(OBJCOPY) -O binary $< $@

$(HAND).elf: $(HAND_OUT) $(HAND).ld
	$(CC) $(LDFLAGS) -Wl,-T,$(HAND).ld -o $@ $(HAND_OUT)

$(HAND).ld: $(SRC)/$(RIG)/hand/hand.ld.S $(SRC)/$(RIG)/hand/hand.h
	@mkdir -p $(@D)
	$(CC) -E -P -x c -D__ASSEMBLER__ $(INCLUDES) -o $@ $<

$(BUILD_DIR)/$(RIG)/hand_image.o: ASFLAGS += -DHAND_IMAGE='"$(HAND).bin"'
$(BUILD_DIR)/$(RIG)/hand_image.o: $(HAND).bin

-include $(HAND_OUT:.o=.d)
