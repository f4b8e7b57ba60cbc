# SPDX-License-Identifier: BSD-3-Clause
# mbedTLS's part of the RMM. The including Makefile sets SRC and BUILD_DIR and adds MBEDTLS_OUT to
# what it links; the caller sets MBEDTLS, a directory with mbedTLS's `include` and `library`. The
# source is not ours, so our warnings do not hold for it, and what nothing calls is left out.
$(if $(MBEDTLS),,$(error MBEDTLS must be specified))

MBEDTLS_OUT := $(addprefix $(BUILD_DIR)/mbedtls/, \
	$(shell sed -n 's,^library/\(.*\)\.c$$,\1.o,p' $(SRC)/mbedtls/files.txt))

# `limits.h` in angle brackets is mbedTLS's, never the RMM's own.
MBEDTLS_FLAGS := -nostdinc -isystem $(SRC)/mbedtls/include \
	-isystem $(shell $(CC) -print-file-name=include) \
	-isystem $(MBEDTLS)/include -isystem $(MBEDTLS)/library \
	-ffile-prefix-map=$(MBEDTLS)=mbedtls '-DMBEDTLS_CONFIG_FILE=<rmm_mbedtls_config.h>'

# The sources of ours that call it.
$(BUILD_DIR)/src/attest/signer.o $(BUILD_DIR)/src/attest/sha512_process.o: CFLAGS += $(MBEDTLS_FLAGS)

$(BUILD_DIR)/mbedtls/%.o: $(MBEDTLS)/library/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(MBEDTLS_FLAGS) -w -ffunction-sections -fdata-sections -c -o $@ $<

-include $(MBEDTLS_OUT:.o=.d)
