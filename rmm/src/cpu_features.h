/* SPDX-License-Identifier: BSD-3-Clause */
/* What the PEs can do, found once at cold boot, and RmiFeatureRegister0 that follows from it. */
#pragma once

#include <lib/types.h>

struct cpu_features {
	uint32_t vmid_bits;
	uint32_t num_bps; /* as in ID_AA64DFR0_EL1: less one */
	uint32_t num_wps;
	uint32_t gic_lr_count;
	uint32_t gic_apr_count; /* active priority registers of each group */
	uint64_t gic_priority_mask;
	uint32_t gic_intid_bits;
	bool gic_ext_range;
	bool gic_dvim;
	bool sve;
	uint8_t sve_vl; /* the longest vector, as RMI and ZCR_ELx have it */
	bool sme;
	bool hcx;
	bool ecv_offset;
	bool rng;
};

/* False if the PE lacks something that the RMM relies on; `missing` then names it. */
bool cpu_features_probe(const char **missing);

extern struct cpu_features cpu_features_found;

/* Asked on every path: no call. */
static inline const struct cpu_features *cpu_features(void)
{
	return &cpu_features_found;
}

/* RmiFeatureRegister0. */
uint64_t cpu_features_rmi(void);
