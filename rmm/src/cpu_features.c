/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rmi.h>
#include <arch/barrier.h>
#include <arch/sysreg.h>
#include <lib/bits.h>

#include "cpu_features.h"
#include "fp.h"
#include "regs.h"

/* Without LPA2 a stage 2 with 4 KiB granules reaches no further. */
#define S2SZ_MAX 48U

/*
 * RMI_FEATURES promises 2^order - 1 RECs per realm. Nothing here limits them; 255 are as many as
 * one value of Aff1's low nibble addresses, and more than any machine we run on has PEs.
 */
#define MAX_RECS_ORDER 8U

struct cpu_features cpu_features_found;

static uint64_t id_field(uint64_t id, unsigned int lsb)
{
	return field_get(id, mask64(lsb + 3U, lsb));
}

static void probe_gic(void)
{
	uint64_t vtr = read_sysreg(ICH_VTR_EL2);
	unsigned int priority_bits = (unsigned int)field_get(vtr, mask64(31, 29)) + 1U;
	unsigned int preemption_bits = (unsigned int)field_get(vtr, mask64(28, 26)) + 1U;

	cpu_features_found.gic_lr_count = (uint32_t)(vtr & ICH_VTR_LISTREGS_MASK) + 1U;
	if (cpu_features_found.gic_lr_count > RMI_GIC_LRS) {
		cpu_features_found.gic_lr_count = RMI_GIC_LRS;
	}
	cpu_features_found.gic_priority_mask = 0xFFU & ~((1U << (8U - priority_bits)) - 1U);
	cpu_features_found.gic_apr_count =
		preemption_bits <= 5U ? 1U : 1U << (preemption_bits - 5U);
	cpu_features_found.gic_intid_bits = field_get(vtr, mask64(25, 23)) == 0U ? 16U : 24U;
	cpu_features_found.gic_ext_range = (read_sysreg(ICC_CTLR_EL1) & ICC_CTLR_EXTRANGE) != 0U;
	cpu_features_found.gic_dvim = (vtr & ICH_VTR_DVIM) != 0U;
}

static void probe_sve(uint64_t pfr0)
{
	cpu_features_found.sve = id_field(pfr0, 32) != 0U;
	cpu_features_found.sve_vl = 0;
	if (cpu_features_found.sve) {
		uint64_t host = read_sysreg(ZCR_EL2);

		write_sysreg(ZCR_EL2, SVE_MAX_VL);
		isb();
		cpu_features_found.sve_vl = (uint8_t)(sve_vector_size() / 16U - 1U);
		write_sysreg(ZCR_EL2, host);
		isb();
	}
}

bool cpu_features_probe(const char **missing)
{
	uint64_t pfr0 = read_sysreg(ID_AA64PFR0_EL1);
	uint64_t dfr0 = read_sysreg(ID_AA64DFR0_EL1);
	uint64_t mmfr0 = read_sysreg(ID_AA64MMFR0_EL1);
	uint64_t mmfr1 = read_sysreg(ID_AA64MMFR1_EL1);
	uint64_t isar0 = read_sysreg(ID_AA64ISAR0_EL1);

	cpu_features_found.vmid_bits = id_field(mmfr1, 4) >= 2U ? 16U : 8U;
	cpu_features_found.hcx = id_field(mmfr1, 40) != 0U;
	cpu_features_found.ecv_offset = id_field(mmfr0, 60) >= 2U;
	cpu_features_found.rng = id_field(isar0, 60) != 0U;
	cpu_features_found.sme = id_field(read_sysreg(ID_AA64PFR1_EL1), 24) != 0U;
	cpu_features_found.num_bps = (uint32_t)id_field(dfr0, 12);
	cpu_features_found.num_wps = (uint32_t)id_field(dfr0, 20);
	probe_sve(pfr0);
	probe_gic();

	if (id_field(pfr0, 52) == 0U) {
		*missing = "FEAT_RME";
	} else if (id_field(pfr0, 28) == 0U) {
		*missing = "FEAT_RAS";
	} else if (id_field(isar0, 12) < 2U) {
		*missing = "FEAT_SHA512";
	} else if (id_field(read_sysreg(ID_AA64MMFR2_EL1), 40) == 0U) {
		*missing = "FEAT_S2FWB";
	} else if (id_field(mmfr0, 0) < 5U) {
		*missing = "48 bits of physical address";
	} else {
		return true;
	}
	return false;
}

/*
 * Not offered: LPA2 (no tables for it), and the PMU (QEMU ignores the Realm filter bits of the
 * event counters, so a realm would count the RMM's events).
 */
uint64_t cpu_features_rmi(void)
{
	return field_make(S2SZ_MAX, RMI_FEATURE0_S2SZ_MASK) |
	       field_make(cpu_features_found.sve ? 1U : 0U, RMI_FEATURE0_SVE_EN_MASK) |
	       field_make(cpu_features_found.sve_vl, RMI_FEATURE0_SVE_VL_MASK) |
	       field_make(cpu_features_found.num_bps, RMI_FEATURE0_NUM_BPS_MASK) |
	       field_make(cpu_features_found.num_wps, RMI_FEATURE0_NUM_WPS_MASK) |
	       RMI_FEATURE0_HASH_SHA_256_MASK | RMI_FEATURE0_HASH_SHA_512_MASK |
	       field_make(cpu_features_found.gic_lr_count - 1U, RMI_FEATURE0_GICV3_NUM_LRS_MASK) |
	       field_make(MAX_RECS_ORDER, RMI_FEATURE0_MAX_RECS_ORDER_MASK);
}
