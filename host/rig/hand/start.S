/* SPDX-License-Identifier: BSD-3-Clause */
/* The hand's first instructions: EL1, MMU and caches off, interrupts masked, X0 the REC's index. */
#include <arch/exception_frame.S>

#include "hand.h"

	.section .text.entry, "ax"
	.global hand_entry
	.type hand_entry, %function
hand_entry:
	ldr	x1, =vectors
	msr	vbar_el1, x1
	ldr	x1, =HAND_STACKS
	add	x2, x0, #1
	add	x1, x1, x2, lsl #12
	mov	sp, x1
	mov	x1, #(3 << 20)
	msr	cpacr_el1, x1
	isb
	b	hand_main
	.size hand_entry, . - hand_entry

	/* void branch_to(uint64_t address); an instruction abort there comes back here. */
	.text
	.global branch_to
	.type branch_to, %function
branch_to:
	str	x30, [sp, #-16]!
	blr	x0
	ldr	x30, [sp], #16
	ret
	.size branch_to, . - branch_to

	.balign 2048
vectors:
	.irp	offset, 0x000, 0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, 0x400, 0x480, 0x500, 0x580, 0x600, 0x680, 0x700, 0x780
	exception_vector \offset, take
	.endr

	.type take, %function
take:
	exception_call hand_exception, el=1
	.size take, . - take
