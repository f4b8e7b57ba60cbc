/* SPDX-License-Identifier: BSD-3-Clause */
/* How a realm's measurements grow (DEN0137 A7.1). The caller holds the lock of the realm's RD. */
#pragma once

#include "realm.h"

#define MEASURE_RIM 0U

/* Sets the RIM from the parameters that count; `params` is the copy that was checked. */
void measure_realm(struct realm *realm, const struct rmi_realm_params *params);

/* RMI_DATA_CREATE of the granule of `content` at `ipa`; it is hashed if `flags` says so. */
void measure_data(struct realm *realm, uint64_t ipa, uint64_t flags, const void *content);

/* RMI_REC_CREATE of a runnable REC. */
void measure_rec(struct realm *realm, const struct rmi_rec_params *params);

/* RMI_RTT_INIT_RIPAS of one entry that maps [base, top). */
void measure_ripas(struct realm *realm, uint64_t base, uint64_t top);

/* RSI_MEASUREMENT_EXTEND of REM `index` (1 to 4) with `size` bytes (at most 64) of `value`. */
void measure_extend(struct realm *realm, uint32_t index, const void *value, size_t size);
