/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whose values the vector registers hold. At each command they are the caller's, and they stay so
 * until the realm touches one (it traps); then the caller's are put aside until the REC exits. A
 * realm sees only V0 to V31, FPCR and FPSR, so SVE's predicates never leave the caller; the upper
 * parts of Z0 to Z31, which any write to a V register clears, are saved unless the caller has said
 * by the SMCCC hint that it has nothing there.
 */
#pragma once

#include <lib/types.h>

#define SVE_MAX_VL_SIZE 256U

/* core/fp.S knows this layout. */
struct fp_state {
	_Alignas(16) uint8_t v[32][16];
	uint64_t fpcr;
	uint64_t fpsr;
};
_Static_assert(offsetof(struct fp_state, fpcr) == 512, "core/fp.S");
_Static_assert(offsetof(struct fp_state, fpsr) == 520, "core/fp.S");

struct fp_owner {
	bool realm_live; /* the registers hold the running REC's values */
	bool sve_hint;	 /* the caller of this command has no live SVE state */
	uint64_t saved_zcr;
	uint64_t saved_cptr;
	struct fp_state ns;
	_Alignas(16) uint8_t ns_z[32][SVE_MAX_VL_SIZE];
};

/*
 * Whether the caller is in SME's streaming mode, where the RMM's vector instructions are undefined
 * and a realm's would be.
 */
bool fp_caller_streams(void);

/* CPTR_EL2 while a realm runs. */
uint64_t fp_realm_cptr(void);

/* The realm used a vector register: give it its own. */
void fp_switch_to_realm(const struct fp_state *realm);

/* The REC exits to the host: save the realm's registers if they are live, bring back the host's. */
void fp_switch_to_ns(struct fp_state *realm);

/* Around code of the RMM that uses vector registers and itself puts V registers back. */
void fp_borrow(void);
void fp_return(void);
