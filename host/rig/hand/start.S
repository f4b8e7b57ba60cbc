/* SPDX-License-Identifier: BSD-3-Clause */
/* The hand's first instructions: EL1, MMU and caches off, interrupts masked, X0 the REC's index. */
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

	.macro vector offset
	.balign 128
	sub	sp, sp, #176
	stp	x0, x1, [sp]
	mov	x0, #\offset
	b	take
	.endm

	.balign 2048
vectors:
	.irp	offset, 0x000, 0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, 0x400, 0x480, 0x500, 0x580, 0x600, 0x680, 0x700, 0x780
	vector	\offset
	.endr

	.type take, %function
take:
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x30, [sp, #144]
	mov	x1, x30
	bl	hand_exception
	msr	elr_el1, x0
	ldp	x18, x30, [sp, #144]
	ldp	x16, x17, [sp, #128]
	ldp	x14, x15, [sp, #112]
	ldp	x12, x13, [sp, #96]
	ldp	x10, x11, [sp, #80]
	ldp	x8, x9, [sp, #64]
	ldp	x6, x7, [sp, #48]
	ldp	x4, x5, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp]
	add	sp, sp, #176
	eret
	.size take, . - take
