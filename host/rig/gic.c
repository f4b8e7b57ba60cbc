/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/gic.h>
#include <abi/platform.h>
#include <arch/barrier.h>
#include <arch/sysreg.h>
#include <lib/mmio.h>

#include "gic.h"

#define KICK_SGI       0U
#define ICC_SRE_ALL    UINT64_C(0xF)
#define PMR_LOWEST     UINT64_C(0xFF)
#define ALL_FOUR(byte) ((byte)*0x01010101U)
#define TIMER_ENABLE   UINT64_C(1)

static const uint32_t own_intids = (1U << KICK_SGI) | (1U << GIC_PPI_CNTHP) | (1U << GIC_PPI_CNTV) |
				   (1U << GIC_PPI_CNTP) | (1U << GIC_PPI_MAINTENANCE);

void gic_init(void)
{
	const uint32_t control = GICD_CTLR_NS_ARE_MASK | GICD_CTLR_NS_ENABLE_GRP1A_MASK |
				 GICD_CTLR_NS_ENABLE_GRP1_MASK;

	mmio_write32(QEMU_GICD_BASE + GICD_CTLR, control);
	while ((mmio_read32(QEMU_GICD_BASE + GICD_CTLR) & GICD_CTLR_RWP_MASK) != 0U) {
	}
}

void gic_init_pe(unsigned int pe)
{
	uintptr_t frame = QEMU_GICR_BASE + (uintptr_t)pe * QEMU_GICR_STRIDE + GICR_SGI_FRAME;

	for (uintptr_t n = 0; n < GIC_BANK_INTIDS; n += 4U) {
		mmio_write32(frame + GICD_IPRIORITYR + n, ALL_FOUR(GIC_PRIORITY_DEFAULT));
	}
	mmio_write32(frame + GICD_ICPENDR, UINT32_MAX);
	mmio_write32(frame + GICD_ISENABLER, own_intids);
	write_sysreg(ICC_SRE_EL2, ICC_SRE_ALL);
	isb();
	write_sysreg(ICC_PMR_EL1, PMR_LOWEST);
	write_sysreg(ICC_CTLR_EL1, 0);
	write_sysreg(ICC_IGRPEN1_EL1, 1);
	isb();
}

void gic_kick(unsigned int pe)
{
	dsb_ishst();
	write_sysreg(ICC_SGI1R_EL1, (uint64_t)KICK_SGI << ICC_SGIR_INTID_SHIFT | UINT64_C(1) << pe);
	isb();
}

void gic_alarm(uint64_t ticks)
{
	write_sysreg(CNTHP_CVAL_EL2, read_sysreg(CNTPCT_EL0) + ticks);
	write_sysreg(CNTHP_CTL_EL2, TIMER_ENABLE);
	isb();
}

void gic_alarm_off(void)
{
	write_sysreg(CNTHP_CTL_EL2, 0);
	isb();
}

unsigned int gic_drain(void)
{
	unsigned int count = 0;

	for (;;) {
		uint64_t intid = read_sysreg(ICC_IAR1_EL1);

		dsb_sy();
		if (intid >= GIC_SPURIOUS_FIRST) {
			return count;
		}
		if (intid == GIC_PPI_CNTHP) {
			gic_alarm_off();
		}
		write_sysreg(ICC_EOIR1_EL1, intid);
		isb();
		count++;
	}
}
