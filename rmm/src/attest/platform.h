/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What EL3 gives for attestation, fetched once at cold boot: the realm attestation key, and the
 * platform token that vouches for it. Constant afterwards.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <abi/attestation.h>
#include <abi/el3.h>
#include <abi/rmi.h>

/* {1: 2, -1: 2, -2: x, -3: y} */
#define PLATFORM_COSE_KEY_SIZE (11U + 2U * CCA_COORDINATE_SIZE)
/* The CCA token's head, and the platform token's in it. */
#define PLATFORM_HEAD_MAX 10U

struct platform {
	uint8_t key[EL3_KEY_P384_SIZE];
	_Alignas(16) uint8_t cose_key[PLATFORM_COSE_KEY_SIZE];
	size_t part_size;
	/* A CCA token from its first byte to the end of the platform token. */
	uint8_t part[PLATFORM_HEAD_MAX + GRANULE_SIZE];
};

/*
 * Fetches it through the buffer shared with EL3. If that fails, this says why on the console, and
 * there are no attestation tokens.
 */
void platform_init(uintptr_t shared_buffer);

/* NULL if there is none. */
const struct platform *platform(void);
