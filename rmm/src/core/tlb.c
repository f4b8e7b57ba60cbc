/* SPDX-License-Identifier: BSD-3-Clause */
#include <arch/barrier.h>
#include <arch/sysreg.h>

#include "regs.h"
#include "tlb.h"

uint64_t tlb_vttbr(const struct stage2 *s2)
{
	return REG_FIELD(s2->vmid, VTTBR_VMID_SHIFT) | s2->root.value;
}

/* TLBI by VMID takes it from VTTBR_EL2, which is 0 while no realm runs (see rec_run.c). */
static void select_vmid(const struct stage2 *s2)
{
	write_sysreg(VTTBR_EL2, tlb_vttbr(s2));
	isb();
}

static void deselect_vmid(void)
{
	dsb_ish();
	write_sysreg(VTTBR_EL2, 0);
	isb();
}

void tlb_publish(void)
{
	dsb_ishst();
}

void tlb_flush_entry(const struct stage2 *s2, uint64_t ipa)
{
	dsb_ishst();
	select_vmid(s2);
	__asm__ volatile("tlbi ipas2e1is, %0" ::"r"(ipa >> 12) : "memory");
	dsb_ish();
	__asm__ volatile("tlbi vmalle1is" ::: "memory");
	deselect_vmid();
}

void tlb_flush_realm(const struct stage2 *s2)
{
	dsb_ishst();
	select_vmid(s2);
	__asm__ volatile("tlbi vmalls12e1is" ::: "memory");
	deselect_vmid();
}

void tlb_flush_local(void)
{
	__asm__ volatile("tlbi vmalle1\n\tic iallu" ::: "memory");
	dsb_nsh();
	isb();
}
