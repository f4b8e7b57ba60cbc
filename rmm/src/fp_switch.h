/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whose values the vector registers hold. At each command they are the caller's, and they stay so
 * until a realm or the RMM itself needs them; then the caller's are put aside until the command
 * ends. A realm's first vector instruction after an entry, or after the RMM hashed, traps. What SVE
 * adds is switched with the rest for a realm that has it, and for the caller unless it has said by
 * the SMCCC hint that it has nothing there. See docs/adr/0011-rmm-vector-registers.md.
 */
#pragma once

#include <lib/types.h>

#define SVE_MAX_VECTOR_SIZE 256U
#define SVE_MAX_VL	    15U /* vectors of SVE_MAX_VECTOR_SIZE as RMI and ZCR_ELx have it */

struct rec;

/* core/fp.S knows this layout. */
struct fp_state {
	_Alignas(16) uint8_t v[32][16];
	uint64_t fpcr;
	uint64_t fpsr;
};
_Static_assert(offsetof(struct fp_state, fpcr) == 512, "core/fp.S");
_Static_assert(offsetof(struct fp_state, fpsr) == 520, "core/fp.S");

/* What SVE has besides its vectors. */
struct sve_state {
	/* P0 to P15 and FFR, which follow each other at the size that the vector length gives. */
	_Alignas(16) uint8_t predicates[16 + 1][SVE_MAX_VECTOR_SIZE / 8U];
	uint64_t zcr_el1;
};

enum fp_holder {
	FP_HOST,  /* the caller of this command */
	FP_REALM, /* the running REC; the host's values are put aside */
	FP_RMM,	  /* nobody; the host's values are put aside, the REC's are in the REC */
};

struct fp_file {
	enum fp_holder holder;
	bool sve_hint;	   /* the caller of this command has no live SVE state */
	struct rec *realm; /* while it holds them */
	struct fp_state host;
	struct sve_state host_sve;
	uint64_t host_zcr_el2;
	uint64_t host_smcr_el2;
	bool streams; /* the host, in SME's streaming mode */
	_Alignas(16) uint8_t host_z[32][SVE_MAX_VECTOR_SIZE];
};

/*
 * Before a realm runs: ends SME's streaming mode, in which the caller may be, and in which a
 * realm's vector instructions would be undefined. ZA stays as it is, out of everybody's reach.
 */
void fp_stop_streaming(void);

/* Granules for the vectors of a realm whose longest vector is `vl` as RMI has it. */
uint32_t fp_z_granules(uint8_t vl);

/* CPTR_EL2 while the REC runs. */
uint64_t fp_realm_cptr(const struct rec *rec);

/* The REC used a vector register: give it its own. */
void fp_switch_to_realm(struct rec *rec);

/*
 * Puts the holder's values aside: before code of the RMM that uses vector registers, which are free
 * then until the realm goes on, and when a REC that holds them exits.
 */
void fp_take(void);

/* Brings back the caller's registers. Whoever ends a command calls it if they were put aside. */
void fp_give_back(void);
