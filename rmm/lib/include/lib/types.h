/* SPDX-License-Identifier: BSD-3-Clause */
/* Base types, and opaque addresses so that PA, IPA and granule indices cannot be mixed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pa {
	uint64_t value;
};

struct ipa {
	uint64_t value;
};

static inline struct pa pa_make(uint64_t value)
{
	return (struct pa){ .value = value };
}

static inline struct ipa ipa_make(uint64_t value)
{
	return (struct ipa){ .value = value };
}
