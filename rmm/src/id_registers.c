/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A field is shown as the PE has it only if a realm can use the feature with what the RMM switches
 * and enables. Masks name the fields shown (Arm ARM D19.2); all others read 0, which in these
 * fields means "not implemented".
 */
#include <arch/sysreg.h>
#include <lib/bits.h>

#include "id_registers.h"

#define NIBBLE(lsb) (UINT64_C(0xF) << (lsb))

/* AArch64 only at EL0 and EL1; no EL2, EL3, MPAM, AMU, RME. */
#define PFR0_EL0_EL1_AARCH64 UINT64_C(0x11)
#define PFR0_SHOWN                                                                                 \
	(NIBBLE(16) /* FP */ | NIBBLE(20) /* AdvSIMD */ | NIBBLE(24) /* GIC */ |                   \
	 NIBBLE(28) /* RAS */ | NIBBLE(48) /* DIT */ | NIBBLE(60) /* CSV3 */)
#define PFR0_SVE NIBBLE(32)
/* CSV2 above 1 promises SCXTNUM_ELx, which traps. */
#define PFR0_CSV2_LSB 56U
#define PFR0_CSV2_MAX 1U

#define PFR1_SHOWN    (NIBBLE(0) /* BT */ | NIBBLE(4) /* SSBS */)

/* No PMU, SPE, trace, BRBE: their registers trap. One breakpoint is context-aware: the last. */
#define DFR0_DEBUG_MAX	    0xAU /* 0xB, FEAT_Debugv8p9, has registers of its own */
#define DFR0_NO_DOUBLE_LOCK NIBBLE(36)
#define DFR0_BRP_LSB	    12U
#define DFR0_WRP_LSB	    20U

/* All but TME. */
#define ISAR0_SHOWN (~NIBBLE(24))
/* All but LS64, which HCRX_EL2 would have to enable. */
#define ISAR1_SHOWN (~NIBBLE(60))
#define ISAR2_SHOWN                                                                                \
	(NIBBLE(0) /* WFxT */ | NIBBLE(4) /* RPRES */ | NIBBLE(8) /* GPA3 */ |                     \
	 NIBBLE(12) /* APA3 */ | NIBBLE(20) /* BC */ | NIBBLE(24) /* PAC_frac */ |                 \
	 NIBBLE(28) /* CLRBHB */ | NIBBLE(52) /* CSSC */)

#define MMFR0_SHOWN                                                                                \
	(NIBBLE(4) /* ASIDBits */ | NIBBLE(8) /* BigEnd */ | NIBBLE(12) /* SNSMem */ |             \
	 NIBBLE(16) /* BigEndEL0 */ | NIBBLE(24) /* TGran64 */ | NIBBLE(44) /* ExS */)
#define MMFR0_PARANGE_48    5U
#define MMFR0_TGRAN16_LSB   20U
#define MMFR0_TGRAN16_MAX   1U /* 2 is LPA2 */
#define MMFR0_TGRAN4_LSB    28U
#define MMFR0_TGRAN4_ABSENT 0xFU /* 1 is LPA2 */
#define MMFR0_ECV_LSB	    60U
#define MMFR0_ECV_MAX	    1U /* 2 is CNTPOFF_EL2 */

#define MMFR1_SHOWN                                                                                \
	(NIBBLE(0) /* HAFDBS */ | NIBBLE(12) /* HPDS */ | NIBBLE(20) /* PAN */ |                   \
	 NIBBLE(24) /* SpecSEI */ | NIBBLE(36) /* ETS */ | NIBBLE(44) /* AFP */ |                  \
	 NIBBLE(48) /* nTLBPA */ | NIBBLE(52) /* TIDCP1 */ | NIBBLE(60) /* ECBHB */)

/* No nested virtualisation, no EL2 features. */
#define MMFR2_SHOWN (~(NIBBLE(24) /* NV */ | NIBBLE(40) /* FWB */ | NIBBLE(56) /* EVT */))

static uint64_t field(uint64_t id, unsigned int lsb)
{
	return (id >> lsb) & 0xFU;
}

static uint64_t capped(uint64_t id, unsigned int lsb, uint64_t most)
{
	return min_u64(field(id, lsb), most) << lsb;
}

static uint64_t pfr0(const struct realm *realm)
{
	uint64_t hw = read_sysreg(ID_AA64PFR0_EL1);

	return (hw & (realm->has_sve ? PFR0_SHOWN | PFR0_SVE : PFR0_SHOWN)) | PFR0_EL0_EL1_AARCH64 |
	       capped(hw, PFR0_CSV2_LSB, PFR0_CSV2_MAX);
}

static uint64_t dfr0(const struct realm *realm)
{
	return capped(read_sysreg(ID_AA64DFR0_EL1), 0, DFR0_DEBUG_MAX) | DFR0_NO_DOUBLE_LOCK |
	       (uint64_t)realm->num_bps << DFR0_BRP_LSB | (uint64_t)realm->num_wps << DFR0_WRP_LSB;
}

static uint64_t mmfr0(void)
{
	uint64_t hw = read_sysreg(ID_AA64MMFR0_EL1);
	uint64_t tgran4 =
		field(hw, MMFR0_TGRAN4_LSB) == MMFR0_TGRAN4_ABSENT ? NIBBLE(MMFR0_TGRAN4_LSB) : 0U;

	return (hw & MMFR0_SHOWN) | min_u64(field(hw, 0), MMFR0_PARANGE_48) | tgran4 |
	       capped(hw, MMFR0_TGRAN16_LSB, MMFR0_TGRAN16_MAX) |
	       capped(hw, MMFR0_ECV_LSB, MMFR0_ECV_MAX);
}

#define ID(crm, op2) ((crm)*8U + (op2))

uint64_t id_register_value(const struct realm *realm, unsigned int crm, unsigned int op2)
{
	switch (ID(crm, op2)) {
	case ID(4U, 0U):
		return pfr0(realm);
	case ID(4U, 1U):
		return read_sysreg(ID_AA64PFR1_EL1) & PFR1_SHOWN;
	case ID(4U, 4U):
		return realm->has_sve ? read_sysreg(ID_AA64ZFR0_EL1) : 0U;
	case ID(5U, 0U):
		return dfr0(realm);
	case ID(6U, 0U):
		return read_sysreg(ID_AA64ISAR0_EL1) & ISAR0_SHOWN;
	case ID(6U, 1U):
		return read_sysreg(ID_AA64ISAR1_EL1) & ISAR1_SHOWN;
	case ID(6U, 2U):
		return read_sysreg(ID_AA64ISAR2_EL1) & ISAR2_SHOWN;
	case ID(7U, 0U):
		return mmfr0();
	case ID(7U, 1U):
		return read_sysreg(ID_AA64MMFR1_EL1) & MMFR1_SHOWN;
	case ID(7U, 2U):
		return read_sysreg(ID_AA64MMFR2_EL1) & MMFR2_SHOWN;
	default:
		return 0;
	}
}
