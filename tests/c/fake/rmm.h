/* SPDX-License-Identifier: BSD-3-Clause */
/* The build machine's twin of core/: simulated DRAM, EL3, TLB and realm, as unit tests see them. */
#pragma once

#include "granule.h"
#include "rec_run.h"
#include "rtt.h"

#define FAKE_DRAM_BASE UINT64_C(0x80000000)
#define FAKE_DRAM_SIZE UINT64_C(0x1000000)
/* In the bank, but there is no memory. */
#define FAKE_ABSENT_BASE (FAKE_DRAM_BASE + FAKE_DRAM_SIZE)
#define FAKE_ABSENT_SIZE UINT64_C(0x10000)

/* Granule index + 1 whose accesses as Non-secure memory fault although it is not delegated; or 0.
 */
extern uint64_t fake_ns_fault;

/* A realm's stage 1 is the identity, unless its tables cannot be read. */
extern bool fake_stage1_is_unreadable;

/* Stands for the vector registers; as on a PE, to load V clears what SVE has beyond it. */
struct fake_vectors {
	uint64_t v;
	uint64_t upper;
	uint64_t predicates;
};
extern struct fake_vectors fake_vectors;

/* TLB maintenance calls since fake_reset(). */
extern unsigned int fake_entry_flushes;
extern unsigned int fake_realm_flushes;

/* What the realm does when it runs: may change registers, returns the vector taken. */
extern enum realm_vector (*fake_realm)(uint64_t gprs[RMI_GPRS]);

/* What EL3 has for attestation: a key of this byte, and a token of bytes that count up. */
#define FAKE_KEY_BYTE		 0x5A
#define FAKE_PLATFORM_TOKEN_SIZE 1518U

/* Steps that a signature takes; whether it, and a public key, fails. */
extern unsigned int fake_signer_steps;
extern bool fake_signer_fails;

/* How a "signature" takes bytes in: its words are this of the key, then of the message. */
uint64_t fake_signature_word(uint64_t sum, const void *bytes, size_t size);

/* Empties DRAM, granules and registers, and sets up one PE with the features of QEMU's. */
void fake_reset(void);

/* The bytes at a simulated physical address. */
void *fake_memory(uint64_t pa);

/* Whether EL3 has the granule at this address in its table as Realm memory. */
bool fake_is_realm(uint64_t pa);
