/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers that distributor and redistributor have alike, for one bank of 32 interrupts. */
#pragma once

#include "vgic/vgic.h"

/* Pending, whatever its enable bit says. */
static inline uint32_t bank_pending(const struct vgic_bank *bank)
{
	return bank->latch | (bank->line & ~bank->edge);
}

/* The word at `offset` of the frame, if it is one of bank number `index`; else 0. */
uint32_t bank_read(const struct vgic_bank *bank, unsigned int index, uint64_t offset);
/* Writes the word at `offset`; `fixed` are interrupts whose configuration cannot change. */
void bank_write(struct vgic_bank *bank, unsigned int index, uint64_t offset, uint32_t value,
		uint32_t fixed);
