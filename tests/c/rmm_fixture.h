/* SPDX-License-Identifier: BSD-3-Clause */
/* A host for the RMM's unit tests: RMI calls on the fake arch, and a small realm. */
#pragma once

#include <string.h>

#include <abi/rmi.h>
#include <abi/rsi.h>
#include <abi/smccc.h>
#include <arch/sysreg.h>

#include "fake/rmm.h"
#include "rec.h"
#include "regs.h"
#include "rmi/rmi.h"

#include "tap.h"

/* Granules of the simulated DRAM, by use. */
#define PAGE(n)	      (FAKE_DRAM_BASE + (uint64_t)(n)*GRANULE_SIZE)
#define PARAMS	      PAGE(0) /* Non-secure */
#define RUN	      PAGE(1) /* Non-secure */
#define SOURCE	      PAGE(2) /* Non-secure */
#define RD	      PAGE(16)
#define REC	      PAGE(17)
#define REC2	      PAGE(18)
#define AUX_OF(rec)   ((rec) + 1200U * GRANULE_SIZE)
#define SPARE_OF(rec) ((rec) + 1400U * GRANULE_SIZE)
#define ROOTS	      PAGE(24) /* ROOT_COUNT, naturally aligned */
#define TABLE	      PAGE(32)
#define DATA	      PAGE(512) /* 512 granules, aligned to a block */
#define UNUSED	      PAGE(2000)
#define UNTRACKED     UINT64_C(0x1000)
#define IPA_BITS      32U
#define START_LEVEL   2
#define IPA_RAM	      UINT64_C(0x40000000)
#define IPA_SHARED    UINT64_C(0x80000000)
#define IPA_SPACE     UINT64_C(0x100000000)
#define BLOCK	      UINT64_C(0x200000)
#define ROOT_COUNT    4U
#define RTT_ERROR(l)  rmi_status(RMI_ERROR_RTT, (l))

static struct smc_regs regs;

static inline uint64_t rmi(uint64_t fid, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	regs = (struct smc_regs){ .x = { fid, a, b, c, d, e } };
	rmi_handle(&regs);
	return regs.x[0];
}

static inline uint64_t delegate(uint64_t pa)
{
	return rmi(RMI_GRANULE_DELEGATE, pa, 0, 0, 0, 0);
}

static inline struct rmi_realm_params *realm_params(void)
{
	struct rmi_realm_params *params = fake_memory(PARAMS);

	memset(params, 0, sizeof(*params));
	params->s2sz = IPA_BITS;
	params->num_bps = 5;
	params->num_wps = 3;
	params->hash_algo = RMI_HASH_SHA_256;
	params->vmid = 1;
	params->rtt_base = ROOTS;
	params->rtt_level_start = START_LEVEL;
	params->rtt_num_start = ROOT_COUNT;
	return params;
}

static inline uint64_t realm_create(void)
{
	return rmi(RMI_REALM_CREATE, RD, PARAMS, 0, 0, 0);
}

static inline struct rmi_rec_params *rec_params(void)
{
	struct rmi_rec_params *params = fake_memory(PARAMS);

	memset(params, 0, sizeof(*params));
	params->flags = RMI_REC_CREATE_RUNNABLE_MASK;
	params->pc = IPA_RAM;
	params->num_aux = 2;
	params->aux[0] = AUX_OF(REC);
	params->aux[1] = SPARE_OF(REC);
	return params;
}

/* With auxiliary granules of the REC's own, unless the parameters name another. */
static inline uint64_t rec_create(uint64_t rec)
{
	struct rmi_rec_params *params = fake_memory(PARAMS);

	if (params->aux[0] == AUX_OF(REC)) {
		params->aux[0] = AUX_OF(rec);
	}
	if (params->aux[1] == SPARE_OF(REC)) {
		params->aux[1] = SPARE_OF(rec);
	}
	return rmi(RMI_REC_CREATE, RD, rec, PARAMS, 0, 0);
}

/* The granules of a realm delegated, and nothing made of them yet. */
static inline void start(void)
{
	fake_reset();
	(void)delegate(RD);
	(void)delegate(REC);
	(void)delegate(REC2);
	(void)delegate(AUX_OF(REC));
	(void)delegate(AUX_OF(REC2));
	(void)delegate(SPARE_OF(REC));
	(void)delegate(SPARE_OF(REC2));
	(void)delegate(TABLE);
	(void)delegate(DATA);
	for (unsigned int n = 0; n < ROOT_COUNT; n++) {
		(void)delegate(ROOTS + n * GRANULE_SIZE);
	}
	(void)realm_params();
}

/* A NEW realm. */
static inline void start_realm(void)
{
	start();
	(void)realm_create();
}

/* A NEW realm with a table for IPA_RAM, whose first page is RAM, with DATA in it. */
static inline void start_mapped(void)
{
	start_realm();
	(void)rmi(RMI_RTT_CREATE, RD, TABLE, IPA_RAM, 3, 0);
	(void)rmi(RMI_RTT_INIT_RIPAS, RD, IPA_RAM, IPA_RAM + BLOCK, 0, 0);
	(void)rmi(RMI_DATA_CREATE, RD, DATA, IPA_RAM, SOURCE, RMI_DATA_MEASURE);
}

/* An ACTIVE realm with one runnable REC, and one that is not. */
static inline void start_active(void)
{
	start_mapped();
	(void)rec_params();
	(void)rec_create(REC);
	rec_params()->flags = 0;
	((struct rmi_rec_params *)fake_memory(PARAMS))->mpidr = 1;
	(void)rec_create(REC2);
	(void)rmi(RMI_REALM_ACTIVATE, RD, 0, 0, 0, 0);
}

static inline struct rec *rec(void)
{
	return fake_memory(REC);
}

static inline struct rmi_rec_enter *entry(void)
{
	return fake_memory(RUN);
}

static inline struct rmi_rec_exit *result(void)
{
	return fake_memory(RUN + sizeof(struct rmi_rec_enter));
}

static inline uint64_t enter(uint64_t rec)
{
	return rmi(RMI_REC_ENTER, rec, RUN, 0, 0, 0);
}

/* What RTT_READ_ENTRY says. */
static inline uint64_t entry_state(uint64_t ipa, int64_t level)
{
	(void)rmi(RMI_RTT_READ_ENTRY, RD, ipa, (uint64_t)level, 0, 0);
	return regs.x[2];
}

static inline uint64_t entry_ripas(uint64_t ipa, int64_t level)
{
	(void)rmi(RMI_RTT_READ_ENTRY, RD, ipa, (uint64_t)level, 0, 0);
	return regs.x[4];
}
