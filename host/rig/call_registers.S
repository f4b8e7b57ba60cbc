/* SPDX-License-Identifier: BSD-3-Clause */
/* X0 to X17 from and to a struct call, whose address a register beyond them holds. */
	.macro	call_load from
	ldp	x0, x1, [\from]
	ldp	x2, x3, [\from, #16]
	ldp	x4, x5, [\from, #32]
	ldp	x6, x7, [\from, #48]
	ldp	x8, x9, [\from, #64]
	ldp	x10, x11, [\from, #80]
	ldp	x12, x13, [\from, #96]
	ldp	x14, x15, [\from, #112]
	ldp	x16, x17, [\from, #128]
	.endm

	.macro	call_store to
	stp	x0, x1, [\to]
	stp	x2, x3, [\to, #16]
	stp	x4, x5, [\to, #32]
	stp	x6, x7, [\to, #48]
	stp	x8, x9, [\to, #64]
	stp	x10, x11, [\to, #80]
	stp	x12, x13, [\to, #96]
	stp	x14, x15, [\to, #112]
	stp	x16, x17, [\to, #128]
	.endm
