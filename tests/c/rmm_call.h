/* SPDX-License-Identifier: BSD-3-Clause */
/* A realm that makes one call of a test's choice, notes the answer, and then is interrupted. */
#pragma once

#include "rmm_fixture.h"

/* Where the realm of the fixture has RAM that the host did not map, and where it has none. */
#define MISSING (IPA_RAM + GRANULE_SIZE)
#define EMPTY	(IPA_RAM + BLOCK)

static uint64_t arguments[RMI_GPRS];
static uint64_t answers[RMI_GPRS];
static bool called;

static enum realm_vector one_call(uint64_t gprs[RMI_GPRS])
{
	if (called) {
		memcpy(answers, gprs, sizeof(answers));
		return REALM_VECTOR_IRQ;
	}
	called = true;
	memcpy(gprs, arguments, sizeof(arguments));
	write_sysreg(ESR_EL2, ESR_EC(EC_SMC64) | ESR_IL);
	return REALM_VECTOR_SYNC;
}

/* Enters until the exit that the call causes, or until it was answered. */
static inline uint64_t call_realm(const uint64_t *words, size_t count)
{
	memset(arguments, 0x77, sizeof(arguments));
	memset(answers, 0, sizeof(answers));
	memcpy(arguments, words, count * sizeof(*words));
	called = false;
	fake_realm = one_call;
	(void)enter(REC);
	return answers[0];
}
