/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * List registers. They are filled anew for each run and emptied after it, so between runs all state
 * is in the banks. A level-sensitive interrupt asks for a maintenance interrupt at its end: the RMM
 * masks a timer that was asserted at entry, so only a fresh entry notices that it fires again.
 */
#include <lib/bits.h>

#include "vgic/internal.h"

static struct vgic_bank *bank_of(struct vgic *vgic, unsigned int cpu, unsigned int intid)
{
	return intid < GIC_SPI_FIRST ? &vgic->cpus[cpu].bank : &vgic->spis;
}

/* What this vCPU could have in a list register, by bank: private interrupts, then SPIs. */
static void find_candidates(const struct vgic *vgic, unsigned int cpu, uint32_t candidates[2])
{
	uint32_t spis = vgic_deliverable(vgic, &vgic->spis) | vgic->spis.active;

	candidates[0] = vgic_deliverable(vgic, &vgic->cpus[cpu].bank) | vgic->cpus[cpu].bank.active;
	candidates[1] = 0;
	for (; spis != 0U; spis &= spis - 1U) {
		unsigned int spi = (unsigned int)__builtin_ctz(spis);

		if (vgic_target(vgic, spi) == cpu) {
			candidates[1] |= 1U << spi;
		}
	}
}

/* Active ones first, because the hardware must know them; then by priority, then by number. */
static bool take_best(struct vgic *vgic, unsigned int cpu, uint32_t candidates[2],
		      unsigned int *intid)
{
	unsigned int best_rank = UINT32_MAX;

	for (unsigned int n = 0; n < 2U; n++) {
		const struct vgic_bank *bank = bank_of(vgic, cpu, n * GIC_BANK_INTIDS);

		for (uint32_t left = candidates[n]; left != 0U; left &= left - 1U) {
			unsigned int at = (unsigned int)__builtin_ctz(left);
			unsigned int rank = bank->priority[at];

			if (((bank->active >> at) & 1U) == 0U) {
				rank += 0x100U;
			}
			if (rank < best_rank) {
				best_rank = rank;
				*intid = n * GIC_BANK_INTIDS + at;
			}
		}
	}
	if (best_rank == UINT32_MAX) {
		return false;
	}
	candidates[*intid / GIC_BANK_INTIDS] &= ~(1U << (*intid % GIC_BANK_INTIDS));
	return true;
}

/* Moves one interrupt into a list register. */
static uint64_t list(struct vgic *vgic, unsigned int cpu, unsigned int intid)
{
	struct vgic_bank *bank = bank_of(vgic, cpu, intid);
	unsigned int at = intid % GIC_BANK_INTIDS;
	uint32_t bit = 1U << at;
	bool is_active = (bank->active & bit) != 0U;
	bool is_pending = (vgic_deliverable(vgic, bank) & bit) != 0U;
	uint64_t lr = intid | field_make(bank->priority[at], ICH_LR_PRIORITY_MASK);

	if ((bank->group1 & bit) != 0U) {
		lr |= ICH_LR_GROUP_MASK;
	}
	if (is_active) {
		lr |= ICH_LR_ACTIVE_MASK;
	}
	if ((bank->edge & bit) != 0U) {
		if (is_pending) {
			lr |= ICH_LR_PENDING_MASK;
			bank->latch &= ~bit;
		}
	} else {
		lr |= ICH_LR_EOI_MASK;
		/* Sampled again when the active one ends. */
		if (is_pending && !is_active) {
			lr |= ICH_LR_PENDING_MASK;
		}
	}
	if (intid >= GIC_SPI_FIRST) {
		vgic->holder[at] = (uint8_t)cpu;
	}
	return lr;
}

/*
 * Has the run end when there is room for what did not fit: when the list registers are all but
 * empty, which a single one always is; it has to tell of its own end.
 */
static void announce_rest(const struct vgic *vgic, struct rmi_rec_enter *enter)
{
	if (vgic->lr_count > 1U) {
		enter->gicv3_hcr = ICH_HCR_UIE_MASK;
	} else {
		enter->gicv3_lrs[0] |= ICH_LR_EOI_MASK;
	}
}

void vgic_fill(struct vgic *vgic, unsigned int cpu, struct rmi_rec_enter *enter)
{
	struct vgic_cpu *own = &vgic->cpus[cpu];
	uint32_t candidates[2];
	unsigned int intid = 0;
	unsigned int count = 0;

	spin_lock(&vgic->lock);
	find_candidates(vgic, cpu, candidates);
	while (count < vgic->lr_count && take_best(vgic, cpu, candidates, &intid)) {
		enter->gicv3_lrs[count] = list(vgic, cpu, intid);
		own->listed[count] = (uint8_t)intid;
		count++;
	}
	own->listed_count = count;
	spin_unlock(&vgic->lock);

	for (; count < RMI_GIC_LRS; count++) {
		enter->gicv3_lrs[count] = 0;
	}
	enter->gicv3_hcr = 0;
	if ((candidates[0] | candidates[1]) != 0U) {
		announce_rest(vgic, enter);
	}
}

static void unlist(struct vgic *vgic, unsigned int cpu, unsigned int intid, uint64_t lr)
{
	struct vgic_bank *bank = bank_of(vgic, cpu, intid);
	uint32_t bit = 1U << (intid % GIC_BANK_INTIDS);

	if ((lr & ICH_LR_ACTIVE_MASK) != 0U) {
		bank->active |= bit;
	} else {
		bank->active &= ~bit;
		if (intid >= GIC_SPI_FIRST) {
			vgic->holder[intid % GIC_BANK_INTIDS] = VGIC_NO_CPU;
		}
	}
	if ((bank->edge & bit) != 0U) {
		if ((lr & ICH_LR_PENDING_MASK) != 0U) {
			bank->latch |= bit;
		}
	} else if ((lr & ICH_LR_PENDING_MASK) == 0U) {
		/* It was taken: what software had set pending is used up. */
		bank->latch &= ~bit;
	}
}

/* Interrupts that were active without a list register, and ended during the run. */
static void end_unlisted(struct vgic *vgic, unsigned int cpu, unsigned int count)
{
	uint32_t candidates[2] = { vgic->cpus[cpu].bank.active, 0 };
	unsigned int intid = 0;

	for (uint32_t left = vgic->spis.active; left != 0U; left &= left - 1U) {
		unsigned int spi = (unsigned int)__builtin_ctz(left);

		if (vgic->holder[spi] == cpu) {
			candidates[1] |= 1U << spi;
		}
	}
	for (unsigned int n = 0; n < vgic->cpus[cpu].listed_count; n++) {
		unsigned int listed = vgic->cpus[cpu].listed[n];

		candidates[listed / GIC_BANK_INTIDS] &= ~(1U << (listed % GIC_BANK_INTIDS));
	}
	while (count-- != 0U && take_best(vgic, cpu, candidates, &intid)) {
		unlist(vgic, cpu, intid, 0);
	}
}

/* The other vCPUs to which SPIs now go that this one did not take. */
static uint32_t freed_for(const struct vgic *vgic, unsigned int cpu)
{
	uint32_t cpus = 0;

	for (uint32_t left = vgic_deliverable(vgic, &vgic->spis); left != 0U; left &= left - 1U) {
		unsigned int spi = (unsigned int)__builtin_ctz(left);
		uint8_t target = vgic_target(vgic, spi);

		if (vgic->holder[spi] == VGIC_NO_CPU && target != VGIC_NO_CPU && target != cpu) {
			cpus |= 1U << target;
		}
	}
	return cpus;
}

uint32_t vgic_drain(struct vgic *vgic, unsigned int cpu, const uint64_t *lrs, uint64_t hcr)
{
	struct vgic_cpu *own = &vgic->cpus[cpu];
	uint32_t cpus;

	spin_lock(&vgic->lock);
	end_unlisted(vgic, cpu, (unsigned int)field_get(hcr, ICH_HCR_EOI_COUNT_MASK));
	for (unsigned int n = 0; n < own->listed_count; n++) {
		unlist(vgic, cpu, own->listed[n], lrs[n]);
	}
	own->listed_count = 0;
	cpus = freed_for(vgic, cpu);
	spin_unlock(&vgic->lock);
	return cpus;
}
