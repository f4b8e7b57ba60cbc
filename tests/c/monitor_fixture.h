/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One realm of the monitor over a fake RMM that keeps, for each page of the realm's RAM, what the
 * monitor made of it. Pages are numbers, not memory: nothing here reads them.
 */
#pragma once

#include "realm.h"

#define FAKE_RAM_SIZE UINT64_C(0x1000000)
#define FAKE_PAGES    (FAKE_RAM_SIZE / PAGE_SIZE)
#define FAKE_BLOCKS   (FAKE_RAM_SIZE / BLOCK_SIZE)
#define FAKE_VCPUS    3U

struct fake_rmm {
	bool assigned[FAKE_PAGES];
	uint8_t ripas[FAKE_PAGES];
	bool has_table[FAKE_BLOCKS];
	bool shared_block[FAKE_BLOCKS];
	bool shared_table[FAKE_BLOCKS];
	bool shared_page[FAKE_PAGES];
	unsigned int delegated;
	unsigned int calls;
	uint64_t psci_target;
	/* The status that every call gets, if not 0. */
	uint64_t refuse_with;
};

extern struct fake_rmm fake_rmm;
/* Pages that the pool has lent, and how many it has left. */
extern unsigned int fake_pool_lent;
extern unsigned int fake_pool_left;
/* A bit for each PE that was kicked. */
extern uint32_t fake_kicked;
extern bool fake_probe;

extern struct realm fake_realm;

/* A realm of FAKE_VCPUS on PEs 1 and up, with all RAM, nothing populated. */
void fake_start(void);

/* What vCPU 0 did: an exit of this kind, handled. */
void fake_exit(uint8_t reason);
/* The same, after an abort at `ipa` with these bits of ESR. */
void fake_abort(uint64_t ipa, uint64_t esr);

static inline struct rmi_rec_run *fake_run(void)
{
	return fake_realm.vcpus[0].run;
}
