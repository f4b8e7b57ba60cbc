/* SPDX-License-Identifier: BSD-3-Clause */
/* The register frames of distributor and redistributors. */
#include <lib/bits.h>

#include "vgic/internal.h"

#define PRIVATE_BANK 0U
#define SPI_BANK     1U
/* SGIs are edge-triggered, and PPIs level-sensitive: neither can be configured. */
#define PRIVATE_FIXED	0xFFFFFFFFU
#define ITLINES_OF_64	1U
#define ID_BITS_OF_1024 9U
#define WORD		4U

/* Cuts an access of `size` bytes out of the word or double word that holds it. */
static uint64_t extract(uint64_t word, uint64_t offset, unsigned int word_size, unsigned int size)
{
	uint64_t shifted = word >> (8U * (offset % word_size));

	return size >= 8U ? shifted : shifted & (bit64(8U * size) - 1U);
}

/* The word with `size` bytes of it replaced. */
static uint64_t insert(uint64_t word, uint64_t offset, unsigned int word_size, unsigned int size,
		       uint64_t value)
{
	unsigned int shift = 8U * (unsigned int)(offset % word_size);
	uint64_t mask = (size >= 8U ? UINT64_MAX : bit64(8U * size) - 1U) << shift;

	return (word & ~mask) | ((value << shift) & mask);
}

static bool is_route(uint64_t offset, unsigned int *spi)
{
	uint64_t base = GICD_IROUTER + GIC_SPI_FIRST * UINT64_C(8);

	if (!range_within(offset, 1, base, GIC_BANK_INTIDS * UINT64_C(8))) {
		return false;
	}
	*spi = (unsigned int)(offset - base) / 8U;
	return true;
}

static uint32_t distributor_word(const struct vgic *vgic, uint64_t offset)
{
	switch (offset) {
	case GICD_CTLR:
		return vgic->enabled_groups | GICD_CTLR_ARE_MASK | GICD_CTLR_DS_MASK;
	case GICD_TYPER:
		return (uint32_t)(field_make(ITLINES_OF_64, GICD_TYPER_ITLINES_MASK) |
				  field_make(ID_BITS_OF_1024, GICD_TYPER_IDBITS_MASK) |
				  GICD_TYPER_NO1N_MASK);
	case GICD_IIDR:
		return GIC_IIDR_VALUE;
	case GICD_PIDR2:
		return GIC_PIDR2_V3;
	default:
		return bank_read(&vgic->spis, SPI_BANK, offset);
	}
}

uint64_t vgic_distributor_read(struct vgic *vgic, uint64_t offset, unsigned int size)
{
	unsigned int spi;
	uint64_t value;

	spin_lock(&vgic->lock);
	if (is_route(offset, &spi)) {
		value = extract(vgic->route[spi], offset, 8U, size);
	} else {
		value = extract(distributor_word(vgic, align_down(offset, WORD)), offset, WORD,
				size);
	}
	spin_unlock(&vgic->lock);
	return value;
}

static void write_distributor_word(struct vgic *vgic, uint64_t offset, uint32_t value)
{
	if (offset == GICD_CTLR) {
		vgic->enabled_groups =
			value & (GICD_CTLR_ENABLE_GRP0_MASK | GICD_CTLR_ENABLE_GRP1_MASK);
	} else {
		bank_write(&vgic->spis, SPI_BANK, offset, value, 0);
	}
}

/* A write narrower than a word exists for priorities only; to other registers it is ignored. */
static bool narrow_allowed(uint64_t offset)
{
	return offset >= GICD_IPRIORITYR && offset < GICD_ITARGETSR;
}

uint32_t vgic_distributor_write(struct vgic *vgic, uint64_t offset, unsigned int size,
				uint64_t value)
{
	const uint64_t route_mask = GICD_IROUTER_AFF0_MASK | GICD_IROUTER_AFF1_MASK |
				    GICD_IROUTER_AFF2_MASK | GICD_IROUTER_IRM_MASK |
				    GICD_IROUTER_AFF3_MASK;
	uint64_t word_offset = align_down(offset, WORD);
	uint32_t cpus;
	unsigned int spi;

	if (!is_aligned(offset, size)) {
		return 0;
	}
	spin_lock(&vgic->lock);
	if (is_route(offset, &spi)) {
		if (size >= WORD) {
			vgic->route[spi] =
				insert(vgic->route[spi], offset, 8U, size, value) & route_mask;
		}
	} else if (size == WORD) {
		write_distributor_word(vgic, offset, (uint32_t)value);
	} else if (size < WORD && narrow_allowed(offset)) {
		write_distributor_word(vgic, word_offset,
				       (uint32_t)insert(distributor_word(vgic, word_offset), offset,
							WORD, size, value));
	}
	cpus = vgic_wanted_cpus(vgic);
	spin_unlock(&vgic->lock);
	return cpus;
}

static uint64_t redistributor_type(const struct vgic *vgic, unsigned int cpu)
{
	uint64_t type =
		field_make(cpu, GICR_TYPER_NUMBER_MASK) | field_make(cpu, GICR_TYPER_AFF0_MASK);

	return cpu + 1U == vgic->cpu_count ? type | GICR_TYPER_LAST_MASK : type;
}

static uint32_t redistributor_word(const struct vgic *vgic, unsigned int cpu, uint64_t offset)
{
	switch (offset) {
	case GICR_IIDR:
		return GIC_IIDR_VALUE;
	case GICR_WAKER:
		return vgic->cpus[cpu].waker;
	case GICR_PIDR2:
		return GIC_PIDR2_V3;
	default:
		return offset < GICR_SGI_FRAME ? 0U
					       : bank_read(&vgic->cpus[cpu].bank, PRIVATE_BANK,
							   offset - GICR_SGI_FRAME);
	}
}

uint64_t vgic_redistributor_read(struct vgic *vgic, uint64_t offset, unsigned int size)
{
	unsigned int cpu = (unsigned int)(offset / GICR_SIZE);
	uint64_t at = offset % GICR_SIZE;
	uint64_t value;

	if (cpu >= vgic->cpu_count) {
		return 0;
	}
	spin_lock(&vgic->lock);
	if (align_down(at, 8U) == GICR_TYPER) {
		value = extract(redistributor_type(vgic, cpu), at, 8U, size);
	} else {
		value = extract(redistributor_word(vgic, cpu, align_down(at, WORD)), at, WORD,
				size);
	}
	spin_unlock(&vgic->lock);
	return value;
}

static void write_redistributor_word(struct vgic *vgic, unsigned int cpu, uint64_t offset,
				     uint32_t value)
{
	if (offset == GICR_WAKER) {
		/* The vCPU's interface sleeps and wakes at once. */
		vgic->cpus[cpu].waker =
			(value & GICR_WAKER_SLEEP_MASK) == 0U
				? 0U
				: GICR_WAKER_SLEEP_MASK | GICR_WAKER_CHILDREN_ASLEEP_MASK;
	} else if (offset >= GICR_SGI_FRAME) {
		bank_write(&vgic->cpus[cpu].bank, PRIVATE_BANK, offset - GICR_SGI_FRAME, value,
			   PRIVATE_FIXED);
	}
}

uint32_t vgic_redistributor_write(struct vgic *vgic, uint64_t offset, unsigned int size,
				  uint64_t value)
{
	unsigned int cpu = (unsigned int)(offset / GICR_SIZE);
	uint64_t at = offset % GICR_SIZE;
	uint64_t word_offset = align_down(at, WORD);
	uint32_t cpus;

	if (cpu >= vgic->cpu_count || !is_aligned(offset, size)) {
		return 0;
	}
	spin_lock(&vgic->lock);
	if (size == WORD) {
		write_redistributor_word(vgic, cpu, at, (uint32_t)value);
	} else if (size < WORD && at >= GICR_SGI_FRAME && narrow_allowed(at - GICR_SGI_FRAME)) {
		write_redistributor_word(
			vgic, cpu, word_offset,
			(uint32_t)insert(redistributor_word(vgic, cpu, word_offset), at, WORD, size,
					 value));
	}
	cpus = vgic_wanted_cpus(vgic);
	spin_unlock(&vgic->lock);
	return cpus;
}
