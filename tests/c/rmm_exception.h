/* SPDX-License-Identifier: BSD-3-Clause */
/* A realm that takes one exception of a test's choice, and then an IRQ each time. */
#pragma once

#include "rmm_fixture.h"

static enum realm_vector next_vector;
static uint64_t next_esr;
static uint64_t next_far;
static uint64_t next_ipa;
static unsigned int runs;
static uint64_t seen[RMI_GPRS];

static enum realm_vector one_exception(uint64_t gprs[RMI_GPRS])
{
	memcpy(seen, gprs, sizeof(seen));
	if (runs++ != 0U) {
		return REALM_VECTOR_IRQ;
	}
	write_sysreg(ESR_EL2, next_esr);
	write_sysreg(FAR_EL2, next_far);
	write_sysreg(HPFAR_EL2, next_ipa >> 8);
	return next_vector;
}

static inline void take(uint64_t esr, uint64_t ipa, uint64_t far)
{
	next_vector = REALM_VECTOR_SYNC;
	next_esr = esr;
	next_ipa = ipa;
	next_far = far;
	runs = 0;
	fake_realm = one_exception;
}

#define DATA_ABORT(iss)	 (ESR_EC(EC_DATA_LOWER) | ESR_IL | (iss))
#define FETCH_ABORT(iss) (ESR_EC(EC_INSTR_LOWER) | ESR_IL | (iss))
#define TRANSLATION	 UINT64_C(0x07)
#define PERMISSION	 UINT64_C(0x0F)
#define WORD		 (UINT64_C(2) << 22)
#define BYTE		 UINT64_C(0)
#define SRT(n)		 ((uint64_t)(n) << 16)
