/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>
#include <lib/string.h>

#include "vgic/internal.h"

#define SGIS 0xFFFFU

void vgic_init(struct vgic *vgic, unsigned int cpu_count, unsigned int lr_count)
{
	(void)memset(vgic, 0, sizeof(*vgic));
	vgic->cpu_count = cpu_count;
	vgic->lr_count = lr_count < RMI_GIC_LRS ? lr_count : RMI_GIC_LRS;
	(void)memset(vgic->holder, VGIC_NO_CPU, sizeof(vgic->holder));
	for (unsigned int n = 0; n < cpu_count; n++) {
		vgic->cpus[n].bank.edge = SGIS;
		vgic->cpus[n].waker = GICR_WAKER_SLEEP_MASK | GICR_WAKER_CHILDREN_ASLEEP_MASK;
	}
}

uint32_t vgic_deliverable(const struct vgic *vgic, const struct vgic_bank *bank)
{
	uint32_t groups = 0;

	if ((vgic->enabled_groups & GICD_CTLR_ENABLE_GRP1_MASK) != 0U) {
		groups |= bank->group1;
	}
	if ((vgic->enabled_groups & GICD_CTLR_ENABLE_GRP0_MASK) != 0U) {
		groups |= ~bank->group1;
	}
	return bank_pending(bank) & bank->enabled & groups;
}

uint8_t vgic_target(const struct vgic *vgic, unsigned int spi)
{
	uint64_t route = vgic->route[spi];

	if (vgic->holder[spi] != VGIC_NO_CPU) {
		return vgic->holder[spi];
	}
	if ((route & GICD_IROUTER_IRM_MASK) != 0U) {
		return 0;
	}
	return route < vgic->cpu_count ? (uint8_t)route : VGIC_NO_CPU;
}

static uint32_t cpu_bit(unsigned int cpu)
{
	return cpu == VGIC_NO_CPU ? 0U : 1U << cpu;
}

uint32_t vgic_wanted_cpus(const struct vgic *vgic)
{
	uint32_t cpus = 0;
	uint32_t spis = vgic_deliverable(vgic, &vgic->spis);

	for (unsigned int n = 0; n < vgic->cpu_count; n++) {
		if (vgic_deliverable(vgic, &vgic->cpus[n].bank) != 0U) {
			cpus |= cpu_bit(n);
		}
	}
	for (; spis != 0U; spis &= spis - 1U) {
		cpus |= cpu_bit(vgic_target(vgic, (unsigned int)__builtin_ctz(spis)));
	}
	return cpus;
}

/* The vCPU to tell about interrupt `bit` of `bank`, if it can be delivered now. */
static uint32_t who_wants(const struct vgic *vgic, const struct vgic_bank *bank, unsigned int cpu,
			  uint32_t bit)
{
	if ((vgic_deliverable(vgic, bank) & bit) == 0U) {
		return 0;
	}
	return cpu_bit(bank == &vgic->spis ? vgic_target(vgic, (unsigned int)__builtin_ctz(bit))
					   : cpu);
}

uint32_t vgic_set_line(struct vgic *vgic, unsigned int cpu, unsigned int intid, bool high)
{
	bool is_private = intid < GIC_SPI_FIRST;
	struct vgic_bank *bank = is_private ? &vgic->cpus[cpu].bank : &vgic->spis;
	uint32_t bit = 1U << (intid % GIC_BANK_INTIDS);
	uint32_t cpus = 0;

	spin_lock(&vgic->lock);
	if (!high) {
		bank->line &= ~bit;
	} else if ((bank->line & bit) == 0U) {
		bank->line |= bit;
		bank->latch |= bit & bank->edge;
		cpus = who_wants(vgic, bank, cpu, bit);
	}
	spin_unlock(&vgic->lock);
	return cpus;
}

uint32_t vgic_pulse_spi(struct vgic *vgic, unsigned int intid)
{
	uint32_t bit = 1U << (intid % GIC_BANK_INTIDS);
	uint32_t cpus;

	spin_lock(&vgic->lock);
	vgic->spis.line |= bit;
	vgic->spis.latch |= bit & vgic->spis.edge;
	cpus = who_wants(vgic, &vgic->spis, VGIC_NO_CPU, bit);
	spin_unlock(&vgic->lock);
	return cpus;
}

/* Our vCPUs differ in Aff0 alone, and are fewer than 16. */
static uint32_t sgi_targets(const struct vgic *vgic, unsigned int cpu, uint64_t value)
{
	uint32_t all = (1U << vgic->cpu_count) - 1U;

	if ((value & ICC_SGIR_IRM_MASK) != 0U) {
		return all & ~cpu_bit(cpu);
	}
	if ((value & (ICC_SGIR_AFF1_MASK | ICC_SGIR_AFF2_MASK | ICC_SGIR_AFF3_MASK |
		      ICC_SGIR_RS_MASK)) != 0U) {
		return 0;
	}
	return (uint32_t)field_get(value, ICC_SGIR_TARGETS_MASK) & all;
}

uint32_t vgic_send_sgi(struct vgic *vgic, unsigned int cpu, uint64_t value)
{
	uint32_t bit = 1U << field_get(value, ICC_SGIR_INTID_MASK);
	uint32_t cpus = 0;

	spin_lock(&vgic->lock);
	for (uint32_t left = sgi_targets(vgic, cpu, value); left != 0U; left &= left - 1U) {
		unsigned int target = (unsigned int)__builtin_ctz(left);

		vgic->cpus[target].bank.latch |= bit;
		cpus |= who_wants(vgic, &vgic->cpus[target].bank, target, bit);
	}
	spin_unlock(&vgic->lock);
	return cpus;
}
