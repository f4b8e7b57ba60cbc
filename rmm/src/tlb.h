/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TLB maintenance for a realm's stage 2, on all PEs, complete on return. Each call stops every
 * emulated PE, so it is worth avoiding: an entry that was not valid is in no TLB.
 */
#pragma once

#include "rtt.h"

/* Forgets the translation of one page or block, or the table, that `ipa` lies in. */
void tlb_flush_entry(const struct stage2 *s2, uint64_t ipa);

/* Forgets everything that is tagged with the realm's VMID. */
void tlb_flush_realm(const struct stage2 *s2);

/* Forgets this PE's stage 1 translations and instructions of the realm that VTTBR_EL2 selects. */
void tlb_flush_local(void);

/* Makes table changes visible to the walkers of all PEs. */
void tlb_publish(void);

/* VTTBR_EL2 of the realm. */
uint64_t tlb_vttbr(const struct stage2 *s2);
