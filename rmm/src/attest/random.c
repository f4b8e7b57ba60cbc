/* SPDX-License-Identifier: BSD-3-Clause */
#include <arch/pe.h>
#include <lib/string.h>

#include "attest/random.h"
#include "cpu_features.h"

/* The source may be slow when all PEs ask it; that it stays so means that it is broken. */
#define TRIES 64U

static bool next_number(uint64_t *number)
{
	for (unsigned int n = 0; n < TRIES; n++) {
		if (pe_random(number)) {
			return true;
		}
	}
	return false;
}

bool random_fill(void *to, size_t size)
{
	uint8_t *bytes = to;

	if (!cpu_features()->rng) {
		return false;
	}
	while (size != 0U) {
		uint64_t number;
		size_t part = size < sizeof(number) ? size : sizeof(number);

		if (!next_number(&number)) {
			return false;
		}
		memcpy(bytes, &number, part);
		bytes += part;
		size -= part;
	}
	return true;
}
