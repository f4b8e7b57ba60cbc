/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>

#include "vgic/bank.h"

#define BIT_REGISTER_SIZE 0x80U
#define WORD		  4U

/* Two bits an interrupt in ICFGR, of which the upper one says edge. */
static uint32_t config_read(uint32_t edge)
{
	uint32_t word = 0;

	for (unsigned int n = 0; n < 16U; n++) {
		word |= ((edge >> n) & 1U) << (2U * n + 1U);
	}
	return word;
}

static uint32_t config_write(uint32_t word)
{
	uint32_t edge = 0;

	for (unsigned int n = 0; n < 16U; n++) {
		edge |= ((word >> (2U * n + 1U)) & 1U) << n;
	}
	return edge;
}

static uint32_t priority_read(const struct vgic_bank *bank, unsigned int first)
{
	uint32_t word = 0;

	for (unsigned int n = 0; n < WORD; n++) {
		word |= (uint32_t)bank->priority[first + n] << (8U * n);
	}
	return word;
}

static void priority_write(struct vgic_bank *bank, unsigned int first, uint32_t value)
{
	for (unsigned int n = 0; n < WORD; n++) {
		bank->priority[first + n] = (uint8_t)((value >> (8U * n)) & GIC_PRIORITY_MASK);
	}
}

/* Where in a family of registers an offset lies: the byte, if it belongs to this bank. */
static bool in_family(uint64_t offset, uint64_t base, unsigned int index, unsigned int bank_size,
		      unsigned int *at)
{
	if (!range_within(offset, 1, base + (uint64_t)index * bank_size, bank_size)) {
		return false;
	}
	*at = (unsigned int)(offset - base) % bank_size;
	return true;
}

uint32_t bank_read(const struct vgic_bank *bank, unsigned int index, uint64_t offset)
{
	unsigned int at;

	if (in_family(offset, GICD_IPRIORITYR, index, GIC_BANK_INTIDS, &at)) {
		return priority_read(bank, at);
	}
	if (in_family(offset, GICD_ICFGR, index, 2U * WORD, &at)) {
		return config_read(at == 0U ? bank->edge : bank->edge >> 16);
	}
	if ((offset % BIT_REGISTER_SIZE) / WORD != index) {
		return 0;
	}
	switch (align_down(offset, BIT_REGISTER_SIZE)) {
	case GICD_IGROUPR:
		return bank->group1;
	case GICD_ISENABLER:
	case GICD_ICENABLER:
		return bank->enabled;
	case GICD_ISPENDR:
	case GICD_ICPENDR:
		return bank_pending(bank);
	case GICD_ISACTIVER:
	case GICD_ICACTIVER:
		return bank->active;
	default:
		return 0;
	}
}

void bank_write(struct vgic_bank *bank, unsigned int index, uint64_t offset, uint32_t value,
		uint32_t fixed)
{
	unsigned int at;

	if (in_family(offset, GICD_IPRIORITYR, index, GIC_BANK_INTIDS, &at)) {
		priority_write(bank, at, value);
		return;
	}
	if (in_family(offset, GICD_ICFGR, index, 2U * WORD, &at)) {
		uint32_t half = at == 0U ? 0xFFFFU : 0xFFFF0000U;
		uint32_t edge = config_write(value) << (at == 0U ? 0U : 16U);

		half &= ~fixed;
		bank->edge = (bank->edge & ~half) | (edge & half);
		return;
	}
	if ((offset % BIT_REGISTER_SIZE) / WORD != index) {
		return;
	}
	switch (align_down(offset, BIT_REGISTER_SIZE)) {
	case GICD_IGROUPR:
		bank->group1 = value;
		break;
	case GICD_ISENABLER:
		bank->enabled |= value;
		break;
	case GICD_ICENABLER:
		bank->enabled &= ~value;
		break;
	case GICD_ISPENDR:
		bank->latch |= value;
		break;
	case GICD_ICPENDR:
		bank->latch &= ~value;
		break;
	case GICD_ISACTIVER:
		bank->active |= value;
		break;
	case GICD_ICACTIVER:
		bank->active &= ~value;
		break;
	default:
		break;
	}
}
