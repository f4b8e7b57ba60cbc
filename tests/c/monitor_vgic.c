/* SPDX-License-Identifier: BSD-3-Clause */
/* The virtual GIC: what reaches which vCPU's list registers, and what registers say. */
#include <stdint.h>
#include <string.h>

#include "tap.h"
#include "vgic/vgic.h"

#define CPUS	 3U
#define LRS	 4U
#define SPI	 48U
#define SPI_BIT	 (1U << (SPI - GIC_SPI_FIRST))
#define SGI_BASE (GICR_SGI_FRAME)

static struct vgic vgic;
static struct rmi_rec_enter enter;

static void redistributor(unsigned int cpu, uint64_t offset, uint32_t value)
{
	(void)vgic_redistributor_write(&vgic, cpu * GICR_SIZE + SGI_BASE + offset, 4, value);
}

static uint32_t distributor(uint64_t offset, uint32_t value)
{
	return vgic_distributor_write(&vgic, offset, 4, value);
}

/* As Linux leaves it: group 1 on, every interrupt enabled, SPIs to vCPU 0. */
static void start(void)
{
	vgic_init(&vgic, CPUS, LRS);
	(void)distributor(GICD_CTLR, GICD_CTLR_ENABLE_GRP1_MASK | GICD_CTLR_ARE_MASK);
	(void)distributor(GICD_IGROUPR + 4U, UINT32_MAX);
	(void)distributor(GICD_ISENABLER + 4U, UINT32_MAX);
	/* The SPI under test is an edge. */
	(void)distributor(GICD_ICFGR + 12U, UINT32_MAX);
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		redistributor(cpu, GICD_IGROUPR, UINT32_MAX);
		redistributor(cpu, GICD_ISENABLER, UINT32_MAX);
	}
}

static void fill(unsigned int cpu)
{
	memset(&enter, 0xFF, sizeof(enter));
	vgic_fill(&vgic, cpu, &enter);
}

/* A run that leaves `lrs` as they are now in `enter`. */
static uint32_t drain(unsigned int cpu)
{
	return vgic_drain(&vgic, cpu, enter.gicv3_lrs, 0);
}

static unsigned int listed(void)
{
	unsigned int count = 0;

	for (unsigned int n = 0; n < RMI_GIC_LRS; n++) {
		count += enter.gicv3_lrs[n] != 0U ? 1U : 0U;
	}
	return count;
}

static unsigned int intid_of(unsigned int lr)
{
	return (unsigned int)(enter.gicv3_lrs[lr] & ICH_LR_VINTID_MASK);
}

static uint64_t state_of(unsigned int lr)
{
	return enter.gicv3_lrs[lr] & (ICH_LR_PENDING_MASK | ICH_LR_ACTIVE_MASK);
}

static void nothing_is_listed_at_first(void)
{
	start();
	fill(0);
	EXPECT_EQ(listed(), 0);
	EXPECT_EQ(enter.gicv3_hcr, 0);
}

static void registers_identify_a_gicv3_with_32_spis(void)
{
	uint64_t type;

	start();
	type = vgic_distributor_read(&vgic, GICD_TYPER, 4);
	EXPECT_EQ(type & GICD_TYPER_ITLINES_MASK, 1);
	EXPECT_EQ(vgic_distributor_read(&vgic, GICD_PIDR2, 4) >> 4, 3);
	EXPECT_EQ(vgic_redistributor_read(&vgic, GICR_PIDR2, 4) >> 4, 3);
	EXPECT_EQ(vgic_distributor_read(&vgic, GICD_CTLR, 4) & GICD_CTLR_RWP_MASK, 0);
}

static void last_redistributor_says_so(void)
{
	start();
	EXPECT_EQ(vgic_redistributor_read(&vgic, GICR_SIZE + GICR_TYPER, 8),
		  UINT64_C(1) << 32 | 1U << 8);
	EXPECT_EQ(vgic_redistributor_read(&vgic, 2U * GICR_SIZE + GICR_TYPER, 8),
		  UINT64_C(2) << 32 | 2U << 8 | GICR_TYPER_LAST_MASK);
	/* In two halves. */
	EXPECT_EQ(vgic_redistributor_read(&vgic, 2U * GICR_SIZE + GICR_TYPER + 4U, 4), 2);
}

static void redistributor_that_is_not_there_reads_zero(void)
{
	start();
	EXPECT_EQ(vgic_redistributor_read(&vgic, CPUS * GICR_SIZE + GICR_PIDR2, 4), 0);
	EXPECT_EQ(vgic_redistributor_write(&vgic, CPUS * GICR_SIZE + SGI_BASE + GICD_ISPENDR, 4,
					   UINT32_MAX),
		  0);
}

static void redistributor_wakes(void)
{
	start();
	EXPECT_EQ(vgic_redistributor_read(&vgic, GICR_WAKER, 4),
		  GICR_WAKER_SLEEP_MASK | GICR_WAKER_CHILDREN_ASLEEP_MASK);
	(void)vgic_redistributor_write(&vgic, GICR_WAKER, 4, 0);
	EXPECT_EQ(vgic_redistributor_read(&vgic, GICR_WAKER, 4), 0);
}

static void sgi_reaches_its_targets_once(void)
{
	start();
	EXPECT_EQ(vgic_send_sgi(&vgic, 0, UINT64_C(5) << ICC_SGIR_INTID_SHIFT | 6U), 6);
	fill(0);
	EXPECT_EQ(listed(), 0);
	fill(1);
	EXPECT_EQ(listed(), 1);
	EXPECT_EQ(intid_of(0), 5);
	EXPECT_EQ(state_of(0), ICH_LR_PENDING_MASK);
	EXPECT(enter.gicv3_lrs[0] & ICH_LR_GROUP_MASK);
	enter.gicv3_lrs[0] = 0;
	(void)drain(1);
	fill(1);
	EXPECT_EQ(listed(), 0);
	fill(2);
	EXPECT_EQ(listed(), 1);
}

static void sgi_to_all_spares_the_sender(void)
{
	start();
	EXPECT_EQ(vgic_send_sgi(&vgic, 1, ICC_SGIR_IRM_MASK), 5);
}

static void sgi_to_other_clusters_reaches_nobody(void)
{
	start();
	EXPECT_EQ(vgic_send_sgi(&vgic, 0, UINT64_C(1) << ICC_SGIR_AFF1_SHIFT | 7U), 0);
	EXPECT_EQ(vgic_send_sgi(&vgic, 0, UINT64_C(1) << ICC_SGIR_AFF3_SHIFT | 7U), 0);
	EXPECT_EQ(vgic_send_sgi(&vgic, 0, UINT64_C(1) << ICC_SGIR_RS_SHIFT | 7U), 0);
	EXPECT_EQ(vgic_send_sgi(&vgic, 0, 0xFFF8U), 0);
}

static void what_is_off_is_not_listed(void)
{
	start();
	redistributor(0, GICD_ICENABLER, 1U << GIC_PPI_CNTV);
	EXPECT_EQ(vgic_set_line(&vgic, 0, GIC_PPI_CNTV, true), 0);
	fill(0);
	EXPECT_EQ(listed(), 0);
	redistributor(0, GICD_ISENABLER, 1U << GIC_PPI_CNTV);
	(void)distributor(GICD_CTLR, 0);
	fill(0);
	EXPECT_EQ(listed(), 0);
	(void)distributor(GICD_CTLR, GICD_CTLR_ENABLE_GRP1_MASK);
	fill(0);
	EXPECT_EQ(listed(), 1);
}

static void group_0_needs_its_own_enable(void)
{
	start();
	redistributor(0, GICD_IGROUPR, 0);
	(void)vgic_set_line(&vgic, 0, GIC_PPI_CNTV, true);
	fill(0);
	EXPECT_EQ(listed(), 0);
	(void)distributor(GICD_CTLR, GICD_CTLR_ENABLE_GRP0_MASK);
	fill(0);
	EXPECT_EQ(listed(), 1);
	EXPECT_EQ(enter.gicv3_lrs[0] & ICH_LR_GROUP_MASK, 0);
}

static void level_comes_back_until_its_line_drops(void)
{
	start();
	EXPECT_EQ(vgic_set_line(&vgic, 2, GIC_PPI_CNTV, true), 4);
	EXPECT_EQ(vgic_set_line(&vgic, 2, GIC_PPI_CNTV, true), 0);
	fill(2);
	EXPECT_EQ(intid_of(0), GIC_PPI_CNTV);
	EXPECT_EQ(state_of(0), ICH_LR_PENDING_MASK);
	/* Its end is to be heard of. */
	EXPECT(enter.gicv3_lrs[0] & ICH_LR_EOI_MASK);
	enter.gicv3_lrs[0] &= ~ICH_LR_PENDING_MASK;
	(void)drain(2);
	fill(2);
	EXPECT_EQ(state_of(0), ICH_LR_PENDING_MASK);
	(void)drain(2);
	(void)vgic_set_line(&vgic, 2, GIC_PPI_CNTV, false);
	fill(2);
	EXPECT_EQ(listed(), 0);
}

static void active_level_is_not_pending_as_well(void)
{
	start();
	(void)vgic_set_line(&vgic, 0, GIC_PPI_CNTV, true);
	fill(0);
	enter.gicv3_lrs[0] ^= ICH_LR_PENDING_MASK | ICH_LR_ACTIVE_MASK;
	(void)drain(0);
	fill(0);
	EXPECT_EQ(state_of(0), ICH_LR_ACTIVE_MASK);
}

static void level_set_pending_by_software_is_used_up(void)
{
	start();
	redistributor(0, GICD_ISPENDR, 1U << GIC_PPI_PMU);
	fill(0);
	EXPECT_EQ(intid_of(0), GIC_PPI_PMU);
	enter.gicv3_lrs[0] = 0;
	(void)drain(0);
	fill(0);
	EXPECT_EQ(listed(), 0);
}

static void edge_not_taken_is_kept(void)
{
	start();
	EXPECT_EQ(vgic_pulse_spi(&vgic, SPI), 1);
	fill(0);
	EXPECT_EQ(state_of(0), ICH_LR_PENDING_MASK);
	(void)drain(0);
	fill(0);
	EXPECT_EQ(state_of(0), ICH_LR_PENDING_MASK);
	enter.gicv3_lrs[0] = 0;
	(void)drain(0);
	fill(0);
	EXPECT_EQ(listed(), 0);
}

static void edge_while_active_is_not_lost(void)
{
	start();
	(void)vgic_pulse_spi(&vgic, SPI);
	fill(0);
	enter.gicv3_lrs[0] ^= ICH_LR_PENDING_MASK | ICH_LR_ACTIVE_MASK;
	/* The line is high already: still a new event. */
	EXPECT_EQ(vgic_pulse_spi(&vgic, SPI), 1);
	(void)drain(0);
	fill(0);
	EXPECT_EQ(state_of(0), ICH_LR_PENDING_MASK | ICH_LR_ACTIVE_MASK);
}

static void spi_follows_its_route(void)
{
	start();
	(void)vgic_distributor_write(&vgic, GICD_IROUTER + 8U * SPI, 8, 2);
	EXPECT_EQ(vgic_distributor_read(&vgic, GICD_IROUTER + 8U * SPI, 8), 2);
	EXPECT_EQ(vgic_pulse_spi(&vgic, SPI), 4);
	fill(0);
	EXPECT_EQ(listed(), 0);
	fill(2);
	EXPECT_EQ(intid_of(0), SPI);
}

static void spi_routed_nowhere_stays_pending(void)
{
	start();
	(void)vgic_distributor_write(&vgic, GICD_IROUTER + 8U * SPI, 8, CPUS);
	EXPECT_EQ(vgic_pulse_spi(&vgic, SPI), 0);
	EXPECT_EQ(vgic_distributor_read(&vgic, GICD_ISPENDR + 4U, 4), SPI_BIT);
	(void)vgic_distributor_write(&vgic, GICD_IROUTER + 8U * SPI, 8, 0x1FF00000000ULL);
	EXPECT_EQ(vgic_pulse_spi(&vgic, SPI), 0);
	EXPECT_EQ(vgic_distributor_write(&vgic, GICD_IROUTER + 8U * SPI, 8, 1), 2);
}

static void spi_has_one_holder_at_a_time(void)
{
	start();
	(void)vgic_pulse_spi(&vgic, SPI);
	fill(0);
	enter.gicv3_lrs[0] ^= ICH_LR_PENDING_MASK | ICH_LR_ACTIVE_MASK;
	(void)vgic_distributor_write(&vgic, GICD_IROUTER + 8U * SPI, 8, 1);
	(void)vgic_pulse_spi(&vgic, SPI);
	(void)drain(0);
	fill(1);
	EXPECT_EQ(listed(), 0);
	(void)drain(1);
	fill(0);
	EXPECT_EQ(listed(), 1);
	/* Ended, but pending again: it moves, and its new vCPU is told. */
	enter.gicv3_lrs[0] = SPI | ICH_LR_PENDING_MASK;
	EXPECT_EQ(drain(0), 2);
	fill(1);
	EXPECT_EQ(intid_of(0), SPI);
}

/* UIE asks for an interrupt when one list register or none is in use: with one that is always. */
static void one_list_register_announces_the_rest_by_its_own_end(void)
{
	start();
	vgic.lr_count = 1;
	redistributor(0, GICD_ISPENDR, 3U);
	fill(0);
	EXPECT_EQ(listed(), 1);
	EXPECT_EQ(intid_of(0), 0);
	EXPECT_EQ(enter.gicv3_hcr, 0);
	EXPECT(enter.gicv3_lrs[0] & ICH_LR_EOI_MASK);
	/* Taken, not ended: it keeps the register, and its end is still what matters. */
	enter.gicv3_lrs[0] ^= ICH_LR_PENDING_MASK | ICH_LR_ACTIVE_MASK;
	(void)drain(0);
	fill(0);
	EXPECT_EQ(intid_of(0), 0);
	EXPECT(enter.gicv3_lrs[0] & ICH_LR_EOI_MASK);
	enter.gicv3_lrs[0] = 0;
	(void)drain(0);
	fill(0);
	EXPECT_EQ(intid_of(0), 1);
	EXPECT_EQ(enter.gicv3_hcr, 0);
	EXPECT((enter.gicv3_lrs[0] & ICH_LR_EOI_MASK) == 0U);
}

static void most_urgent_are_listed_and_the_rest_announced(void)
{
	start();
	for (unsigned int n = 0; n < 16U; n++) {
		(void)vgic_redistributor_write(&vgic, SGI_BASE + GICD_IPRIORITYR + n, 1,
					       0xF0U - 8U * n);
	}
	redistributor(0, GICD_ISPENDR, 0xFFFFU);
	fill(0);
	EXPECT_EQ(listed(), LRS);
	EXPECT_EQ(intid_of(0), 15);
	EXPECT_EQ(intid_of(3), 12);
	EXPECT_EQ(enter.gicv3_hcr, ICH_HCR_UIE_MASK);
	EXPECT_EQ(enter.gicv3_lrs[0] & ICH_LR_PRIORITY_MASK, (uint64_t)(0xF0U - 8U * 15U)
								     << ICH_LR_PRIORITY_SHIFT);
}

static void active_without_list_register_ends_by_count(void)
{
	start();
	redistributor(0, GICD_ISACTIVER, 0x3FU);
	fill(0);
	EXPECT_EQ(listed(), LRS);
	(void)vgic_drain(&vgic, 0, enter.gicv3_lrs, UINT64_C(1) << ICH_HCR_EOI_COUNT_SHIFT);
	EXPECT_EQ(vgic_redistributor_read(&vgic, SGI_BASE + GICD_ISACTIVER, 4), 0x2F);
}

static void more_ends_than_actives_do_no_harm(void)
{
	start();
	(void)vgic_pulse_spi(&vgic, SPI);
	fill(0);
	(void)vgic_drain(&vgic, 0, enter.gicv3_lrs, UINT64_C(31) << ICH_HCR_EOI_COUNT_SHIFT);
	fill(0);
	EXPECT_EQ(intid_of(0), SPI);
}

static void priorities_are_bytes_of_five_bits(void)
{
	start();
	(void)vgic_distributor_write(&vgic, GICD_IPRIORITYR + SPI + 1U, 1, 0xFF);
	EXPECT_EQ(vgic_distributor_read(&vgic, GICD_IPRIORITYR + SPI, 4), 0xF800);
	EXPECT_EQ(vgic_distributor_read(&vgic, GICD_IPRIORITYR + SPI + 1U, 1), 0xF8);
	(void)vgic_distributor_write(&vgic, GICD_IPRIORITYR + SPI + 2U, 2, 0xA0A0);
	EXPECT_EQ(vgic_distributor_read(&vgic, GICD_IPRIORITYR + SPI, 4), 0xA0A0F800);
}

static void accesses_that_straddle_change_nothing(void)
{
	start();
	for (unsigned int n = 1; n < 4U; n++) {
		(void)vgic_distributor_write(&vgic, GICD_IPRIORITYR + 60U + n, 4, UINT32_MAX);
		(void)vgic_redistributor_write(&vgic, SGI_BASE + GICD_IPRIORITYR + 28U + n, 4,
					       UINT32_MAX);
	}
	EXPECT_EQ(vgic_distributor_read(&vgic, GICD_IPRIORITYR + 60U, 4), 0);
	EXPECT_EQ(vgic_redistributor_read(&vgic, SGI_BASE + GICD_IPRIORITYR + 28U, 4), 0);
}

static void configuration_of_private_interrupts_is_fixed(void)
{
	start();
	redistributor(0, GICD_ICFGR, 0);
	redistributor(0, GICD_ICFGR + 4U, UINT32_MAX);
	EXPECT_EQ(vgic_redistributor_read(&vgic, SGI_BASE + GICD_ICFGR, 4), 0xAAAAAAAA);
	EXPECT_EQ(vgic_redistributor_read(&vgic, SGI_BASE + GICD_ICFGR + 4U, 4), 0);
	(void)distributor(GICD_ICFGR + 8U, 0x80000002U);
	EXPECT_EQ(vgic_distributor_read(&vgic, GICD_ICFGR + 8U, 4), 0x80000002);
}

static void every_register_can_be_touched(void)
{
	start();
	for (uint64_t offset = 0; offset < GICD_SIZE; offset += 4U) {
		(void)vgic_distributor_write(&vgic, offset, 4, UINT32_MAX);
		(void)vgic_distributor_read(&vgic, offset, 4);
	}
	for (uint64_t offset = 0; offset < REALM_MAX_VCPUS * GICR_SIZE; offset += 4U) {
		(void)vgic_redistributor_write(&vgic, offset, 4, UINT32_MAX);
		(void)vgic_redistributor_read(&vgic, offset, 4);
	}
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		fill(cpu);
		EXPECT(listed() <= LRS);
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(nothing_is_listed_at_first),
	TAP_CASE(registers_identify_a_gicv3_with_32_spis),
	TAP_CASE(last_redistributor_says_so),
	TAP_CASE(redistributor_that_is_not_there_reads_zero),
	TAP_CASE(redistributor_wakes),
	TAP_CASE(sgi_reaches_its_targets_once),
	TAP_CASE(sgi_to_all_spares_the_sender),
	TAP_CASE(sgi_to_other_clusters_reaches_nobody),
	TAP_CASE(what_is_off_is_not_listed),
	TAP_CASE(group_0_needs_its_own_enable),
	TAP_CASE(level_comes_back_until_its_line_drops),
	TAP_CASE(active_level_is_not_pending_as_well),
	TAP_CASE(level_set_pending_by_software_is_used_up),
	TAP_CASE(edge_not_taken_is_kept),
	TAP_CASE(edge_while_active_is_not_lost),
	TAP_CASE(spi_follows_its_route),
	TAP_CASE(spi_routed_nowhere_stays_pending),
	TAP_CASE(spi_has_one_holder_at_a_time),
	TAP_CASE(one_list_register_announces_the_rest_by_its_own_end),
	TAP_CASE(most_urgent_are_listed_and_the_rest_announced),
	TAP_CASE(active_without_list_register_ends_by_count),
	TAP_CASE(more_ends_than_actives_do_no_harm),
	TAP_CASE(priorities_are_bytes_of_five_bits),
	TAP_CASE(accesses_that_straddle_change_nothing),
	TAP_CASE(configuration_of_private_interrupts_is_fixed),
	TAP_CASE(every_register_can_be_touched),
};

TAP_MAIN(cases)
