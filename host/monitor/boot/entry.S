/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where TF-A enters the first PE (monitor_entry) and PSCI CPU_ON the others (secondary_entry, X0 =
 * PE index): EL2, MMU and caches off, interrupts masked.
 */
#include "boot/mmu.h"
#include "config.h"

	.section .text.entry, "ax"
	.global monitor_entry
	.type monitor_entry, %function
monitor_entry:
	adrp	x0, bss_start
	add	x0, x0, :lo12:bss_start
	adrp	x1, bss_end
	add	x1, x1, :lo12:bss_end
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b
	mov	x19, #0
	bl	pe_setup
	bl	mmu_init
	bl	mmu_enable
	b	monitor_main
	.size monitor_entry, . - monitor_entry

	.global secondary_entry
	.type secondary_entry, %function
secondary_entry:
	mov	x19, x0
	bl	pe_setup
	bl	mmu_enable
	mov	x0, x19
	b	secondary_main
	.size secondary_entry, . - secondary_entry

	/* Vectors, interrupt routing and the stack of PE X19. */
	.type pe_setup, %function
pe_setup:
	msr	daifset, #15
	msr	spsel, #1
	adrp	x0, vectors
	add	x0, x0, :lo12:vectors
	msr	vbar_el2, x0
	/* RW, AMO, IMO, FMO: physical interrupts are ours, so that WFI wakes for them. */
	mov	x0, #0x38
	orr	x0, x0, #(1 << 31)
	msr	hcr_el2, x0
	/* DP, which EL3 runs with: it would write the register anew at each call. */
	mov	x0, #(1 << 5)
	msr	pmcr_el0, x0
	adrp	x0, stacks_start
	add	x0, x0, :lo12:stacks_start
	add	x1, x19, #1
	mov	x2, #STACK_SIZE
	madd	x0, x1, x2, x0
	mov	sp, x0
	/* The end of the chain of frame records. */
	mov	x29, xzr
	isb
	ret
	.size pe_setup, . - pe_setup

	/* Uses no memory while caches go on. */
	.type mmu_enable, %function
mmu_enable:
	ldr	x0, =MMU_MAIR
	msr	mair_el2, x0
	ldr	x0, =MMU_TCR
	msr	tcr_el2, x0
	adrp	x0, mmu_level1
	add	x0, x0, :lo12:mmu_level1
	msr	ttbr0_el2, x0
	tlbi	alle2
	ic	iallu
	dsb	sy
	isb
	ldr	x0, =MMU_SCTLR
	msr	sctlr_el2, x0
	isb
	ret
	.size mmu_enable, . - mmu_enable
