/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/gic.h>
#include <abi/platform.h>
#include <arch/barrier.h>
#include <arch/sysreg.h>
#include <lib/bits.h>
#include <lib/mmio.h>

#include "gic.h"

/* SGIs 8 to 15 are Secure on this platform. */
#define KICK_SGI	     0U

#define ICC_SRE_ALL	     UINT64_C(0xF)
#define ICC_PMR_ALL	     UINT64_C(0xFF)
#define PRIORITIES_OF_4	     (GIC_PRIORITY_DEFAULT * 0x01010101U)
#define CONFIG_BITS(intid)   (2U * ((intid) % 16U))
#define CONFIG_OFFSET(intid) (GICD_ICFGR + (uintptr_t)((intid) / 16U) * 4U)

static const uint32_t private_intids = (1U << KICK_SGI) | (1U << GIC_PPI_PMU) |
				       (1U << GIC_PPI_MAINTENANCE) | (1U << GIC_PPI_CNTV) |
				       (1U << GIC_PPI_CNTP);

static void wait_for_distributor(void)
{
	while ((mmio_read32(QEMU_GICD_BASE + GICD_CTLR) & GICD_CTLR_RWP_MASK) != 0U) {
	}
}

void gic_init(void)
{
	mmio_write32(QEMU_GICD_BASE + GICD_CTLR, GICD_CTLR_NS_ARE_MASK);
	wait_for_distributor();
	mmio_write32(QEMU_GICD_BASE + GICD_CTLR, GICD_CTLR_NS_ARE_MASK |
							 GICD_CTLR_NS_ENABLE_GRP1A_MASK |
							 GICD_CTLR_NS_ENABLE_GRP1_MASK);
	wait_for_distributor();
}

void gic_init_pe(unsigned int pe)
{
	uintptr_t frame = QEMU_GICR_BASE + (uintptr_t)pe * QEMU_GICR_STRIDE + GICR_SGI_FRAME;

	for (uintptr_t n = 0; n < GIC_BANK_INTIDS; n += 4U) {
		mmio_write32(frame + GICD_IPRIORITYR + n, PRIORITIES_OF_4);
	}
	mmio_write32(frame + GICD_ICPENDR, UINT32_MAX);
	mmio_write32(frame + GICD_ISENABLER, private_intids);

	write_sysreg(ICC_SRE_EL2, ICC_SRE_ALL);
	isb();
	write_sysreg(ICC_PMR_EL1, ICC_PMR_ALL);
	write_sysreg(ICC_BPR1_EL1, 0);
	write_sysreg(ICC_CTLR_EL1, 0);
	write_sysreg(ICC_IGRPEN1_EL1, 1);
	isb();
}

void gic_enable_spi(unsigned int intid, unsigned int pe)
{
	uintptr_t config = QEMU_GICD_BASE + CONFIG_OFFSET(intid);
	uintptr_t priority = QEMU_GICD_BASE + GICD_IPRIORITYR + align_down(intid, 4U);
	uintptr_t enable = QEMU_GICD_BASE + GICD_ISENABLER + (uintptr_t)(intid / 32U) * 4U;

	mmio_write32(config, mmio_read32(config) & ~(3U << CONFIG_BITS(intid)));
	mmio_write32(priority, PRIORITIES_OF_4);
	mmio_write64(QEMU_GICD_BASE + GICD_IROUTER + (uintptr_t)intid * 8U, pe);
	dsb_sy();
	mmio_write32(enable, 1U << (intid % 32U));
}

void gic_disable_spi(unsigned int intid)
{
	mmio_write32(QEMU_GICD_BASE + GICD_ICENABLER + (uintptr_t)(intid / 32U) * 4U,
		     1U << (intid % 32U));
	wait_for_distributor();
}

bool gic_acknowledge(unsigned int *intid)
{
	uint64_t iar = read_sysreg(ICC_IAR1_EL1);

	dsb_sy();
	*intid = (unsigned int)iar;
	return *intid < GIC_SPURIOUS_FIRST;
}

void gic_end(unsigned int intid)
{
	write_sysreg(ICC_EOIR1_EL1, intid);
	isb();
}

void gic_kick(unsigned int pe)
{
	/* What the PE is to see was written before it looks. */
	dsb_ishst();
	write_sysreg(ICC_SGI1R_EL1, field_make(KICK_SGI, ICC_SGIR_INTID_MASK) | (1U << pe));
	isb();
}
