/* SPDX-License-Identifier: BSD-3-Clause */
/* First instructions of the PEs, exception vectors, and accesses that may fault. */
#include <arch/exception_frame.S>

#include "rig.h"

	.section .text.entry, "ax"
	.global rig_entry
	.type rig_entry, %function
rig_entry:
	ldr	x0, =bss_start
	ldr	x1, =bss_end
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b
	mov	x19, #0
	bl	pe_setup
	b	rig_start
	.size rig_entry, . - rig_entry

	/* Where PSCI CPU_ON enters: X0 is the PE's index. */
	.global rig_secondary_entry
	.type rig_secondary_entry, %function
rig_secondary_entry:
	mov	x19, x0
	bl	pe_setup
	mov	x0, x19
	b	pe_serve
	.size rig_secondary_entry, . - rig_secondary_entry

	/* Vectors, interrupt routing and the stack of PE X19, whose index TPIDR_EL2 keeps. */
	.type pe_setup, %function
pe_setup:
	msr	daifset, #15
	msr	spsel, #1
	ldr	x0, =vectors
	msr	vbar_el2, x0
	/* HCR_EL2.RW, AMO, IMO, FMO: physical interrupts are ours. */
	mov	x0, #0x38
	orr	x0, x0, #(1 << 31)
	msr	hcr_el2, x0
	msr	tpidr_el2, x19
	ldr	x0, =stacks_start
	add	x1, x19, #1
	mov	x2, #RIG_STACK_SIZE
	madd	x0, x1, x2, x0
	mov	sp, x0
	mov	x29, xzr
	isb
	ret
	.size pe_setup, . - pe_setup

	.text
	.balign 2048
vectors:
	.rept 4
	exception_vector 0, take
	exception_vector 1, take
	exception_vector 2, take
	exception_vector 3, take
	.endr

	.type take, %function
take:
	exception_call exception_take
	.size take, . - take

	.macro fixup from, to
	.pushsection .fixups, "a"
	.quad	\from, \to
	.popsection
	.endm

	/* bool ns_read(uint64_t pa, uint64_t *value): false if the access faults. */
	.global ns_read
	.type ns_read, %function
ns_read:
1:	ldr	x2, [x0]
	str	x2, [x1]
	mov	w0, #1
	ret
	fixup	1b, access_failed
	.size ns_read, . - ns_read

	/* bool ns_write(uint64_t pa, uint64_t value) */
	.global ns_write
	.type ns_write, %function
ns_write:
1:	str	x1, [x0]
	dsb	sy
	mov	w0, #1
	ret
	fixup	1b, access_failed
	.size ns_write, . - ns_write

	.type access_failed, %function
access_failed:
	mov	w0, #0
	ret
	.size access_failed, . - access_failed
