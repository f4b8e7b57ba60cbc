/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/gic.h>
#include <arch/barrier.h>
#include <arch/sysreg.h>
#include <lib/bits.h>

#include "cpu_features.h"
#include "gic.h"
#include "regs.h"

#define INTID_MAX	1019U
#define INTID_EPPI_MIN	1056U
#define INTID_EPPI_MAX	1119U
#define INTID_ESPI_MIN	4096U
#define INTID_ESPI_MAX	5119U
#define INTID_LPI_FIRST 8192U

/* Cases of a switch by the number of registers there are: each goes on with those below it. */
#define EACH_LR_DOWN(X)                                                                            \
	X(15) X(14) X(13) X(12) X(11) X(10) X(9) X(8) X(7) X(6) X(5) X(4) X(3) X(2) X(1) X(0)
#define EACH_APR_DOWN(X) X(3) X(2) X(1) X(0)
#define FALL_THROUGH	 __attribute__((fallthrough))

static bool intid_is_valid(uint64_t intid)
{
	const struct cpu_features *features = cpu_features();
	bool extended = (intid >= INTID_EPPI_MIN && intid <= INTID_EPPI_MAX) ||
			(intid >= INTID_ESPI_MIN && intid <= INTID_ESPI_MAX);

	return intid <= INTID_MAX || (extended && features->gic_ext_range) ||
	       (intid >= INTID_LPI_FIRST && intid < bit64(features->gic_intid_bits));
}

static bool lr_is_live(uint64_t lr)
{
	return (lr & ICH_LR_STATE_MASK) != 0U;
}

static bool lr_is_valid(uint64_t lr)
{
	uint64_t priority = (lr >> ICH_LR_PRIORITY_SHIFT) & 0xFFU;

	return (lr & ICH_LR_HW) == 0U && (lr & ICH_LR_PINTID_MASK & ~ICH_LR_EOI) == 0U &&
	       (priority & ~cpu_features()->gic_priority_mask) == 0U &&
	       intid_is_valid(lr & ICH_LR_VINTID_MASK);
}

static bool lr_is_repeated(const uint64_t *lrs, uint32_t n)
{
	for (uint32_t before = 0; before < n; before++) {
		if (lr_is_live(lrs[before]) &&
		    (lrs[before] & ICH_LR_VINTID_MASK) == (lrs[n] & ICH_LR_VINTID_MASK)) {
			return true;
		}
	}
	return false;
}

bool gic_entry_is_valid(const struct rmi_rec_enter *enter)
{
	if ((enter->gicv3_hcr & ~(uint64_t)RMI_GIC_HCR_HOST_MASK) != 0U) {
		return false;
	}
	for (uint32_t n = 0; n < cpu_features()->gic_lr_count; n++) {
		uint64_t lr = enter->gicv3_lrs[n];

		if (lr_is_live(lr) && (!lr_is_valid(lr) || lr_is_repeated(enter->gicv3_lrs, n))) {
			return false;
		}
	}
	return true;
}

static void write_lrs(const uint64_t *lrs)
{
	switch (cpu_features()->gic_lr_count) {
#define WRITE_LR(n)                                                                                \
	case (n) + 1:                                                                              \
		write_sysreg(ICH_LR##n##_EL2, lrs[n]);                                             \
		FALL_THROUGH;
		EACH_LR_DOWN(WRITE_LR)
	default:
		break;
	}
}

static void read_lrs(uint64_t *lrs)
{
	switch (cpu_features()->gic_lr_count) {
#define READ_LR(n)                                                                                 \
	case (n) + 1:                                                                              \
		lrs[n] = read_sysreg(ICH_LR##n##_EL2);                                             \
		FALL_THROUGH;
		EACH_LR_DOWN(READ_LR)
	default:
		break;
	}
}

static void write_aprs(const struct rec_gic *gic)
{
	switch (cpu_features()->gic_apr_count) {
#define WRITE_APR(n)                                                                               \
	case (n) + 1:                                                                              \
		write_sysreg(ICH_AP0R##n##_EL2, gic->ap0r[n]);                                     \
		write_sysreg(ICH_AP1R##n##_EL2, gic->ap1r[n]);                                     \
		FALL_THROUGH;
		EACH_APR_DOWN(WRITE_APR)
	default:
		break;
	}
}

static void read_aprs(struct rec_gic *gic)
{
	switch (cpu_features()->gic_apr_count) {
#define READ_APR(n)                                                                                \
	case (n) + 1:                                                                              \
		gic->ap0r[n] = read_sysreg(ICH_AP0R##n##_EL2);                                     \
		gic->ap1r[n] = read_sysreg(ICH_AP1R##n##_EL2);                                     \
		FALL_THROUGH;
		EACH_APR_DOWN(READ_APR)
	default:
		break;
	}
}

void gic_enter(struct rec *rec, const struct rmi_rec_enter *enter)
{
	uint64_t hcr = enter->gicv3_hcr | ICH_HCR_EN | ICH_HCR_VSGIEOICOUNT;

	if (cpu_features()->gic_dvim) {
		hcr |= ICH_HCR_DVIM;
	}
	write_sysreg(ICH_VMCR_EL2, rec->gic.vmcr);
	write_aprs(&rec->gic);
	write_lrs(enter->gicv3_lrs);
	write_sysreg(ICH_HCR_EL2, hcr);
}

/* The host sees its own list registers again; nothing else of the realm's stays in the PE. */
void gic_leave(struct rec *rec, struct rmi_rec_exit *exit)
{
	static const struct rec_gic none;

	read_lrs(exit->gicv3_lrs);
	exit->gicv3_misr = read_sysreg(ICH_MISR_EL2);
	exit->gicv3_hcr =
		read_sysreg(ICH_HCR_EL2) & (RMI_GIC_HCR_HOST_MASK | ICH_HCR_EOICOUNT_MASK);
	rec->gic.vmcr = read_sysreg(ICH_VMCR_EL2);
	exit->gicv3_vmcr = rec->gic.vmcr;
	read_aprs(&rec->gic);
	write_sysreg(ICH_HCR_EL2, 0);
	write_aprs(&none);
	isb();
}
