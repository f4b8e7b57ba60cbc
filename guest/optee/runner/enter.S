/* SPDX-License-Identifier: BSD-3-Clause */
#include "enter.h"

/* What enter_ta keeps on the runner's stack: x19 to x30, d8 to d15, FPCR. */
#define KEPT_SIZE 176
#define KEPT_FPCR 160

/* What the dispatcher keeps there for the TA: x0 to x15, x17 and x18, x29 and x30, SP and TPIDR,
 * flags. */
#define CALL_SIZE  192
#define CALL_X17   128
#define CALL_X29   144
#define CALL_SP	   160
#define CALL_FLAGS 176

	.macro	saved, register
	adrp	\register, enter_saved
	add	\register, \register, :lo12:enter_saved
	.endm

	.macro	function, name
	.globl	\name
	.type	\name, %function
	.balign	16
\name:
	.endm

	.text

/* uint32_t enter_ta(const struct enter_registers *registers) */
	function enter_ta
	stp	x29, x30, [sp, #-KEPT_SIZE]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mrs	x9, fpcr
	str	x9, [sp, #KEPT_FPCR]
	saved	x10
	mov	x9, sp
	str	x9, [x10, #ENTER_SAVED_SP]
	mrs	x9, tpidr_el0
	str	x9, [x10, #ENTER_SAVED_THREAD]
	ldr	x9, [x10, #ENTER_SAVED_TA]
	msr	tpidr_el0, x9
	msr	fpcr, xzr
	msr	fpsr, xzr
	msr	nzcv, xzr
	ldp	x17, x16, [x0, #32]
	ldp	x2, x3, [x0, #16]
	ldp	x0, x1, [x0]
	mov	sp, x17
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movi	v\n\().2d, #0
	.endr
	.irp	n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	movi	v\n\().2d, #0
	.endr
	.irp	n, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23
	mov	x\n, xzr
	.endr
	.irp	n, 24, 25, 26, 27, 28, 29, 30
	mov	x\n, xzr
	.endr
	/* x16, since BTI lets a branch by it land where a call may. */
	br	x16
	.size	enter_ta, . - enter_ta

/* _Noreturn void enter_leave(uint32_t result) */
	function enter_leave
	saved	x10
	ldr	x9, [x10, #ENTER_SAVED_SP]
	mov	sp, x9
	ldr	x9, [sp, #KEPT_FPCR]
	msr	fpcr, x9
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	ldp	x29, x30, [sp], #KEPT_SIZE
	ret
	.size	enter_leave, . - enter_leave

/* From a TA's veneer: x8 the number, x0 to x7 the arguments, x17 the way back, x16 free. */
	function enter_dispatcher
	bti	j
	saved	x16
	ldr	x16, [x16, #ENTER_SAVED_SP]
	sub	x16, x16, #CALL_SIZE
	stp	x0, x1, [x16]
	stp	x2, x3, [x16, #16]
	stp	x4, x5, [x16, #32]
	stp	x6, x7, [x16, #48]
	stp	x8, x9, [x16, #64]
	stp	x10, x11, [x16, #80]
	stp	x12, x13, [x16, #96]
	stp	x14, x15, [x16, #112]
	stp	x17, x18, [x16, #CALL_X17]
	stp	x29, x30, [x16, #CALL_X29]
	mov	x9, sp
	mrs	x10, tpidr_el0
	stp	x9, x10, [x16, #CALL_SP]
	mrs	x9, nzcv
	str	x9, [x16, #CALL_FLAGS]
	mov	sp, x16
	saved	x11
	/* For the case that the TA returns by this call. */
	str	x10, [x11, #ENTER_SAVED_TA]
	ldr	x12, [x11, #ENTER_SAVED_THREAD]
	msr	tpidr_el0, x12
	mov	x29, xzr
	mov	x0, sp
	mov	x1, x8
	bl	enter_serve
	ldr	x9, [sp, #CALL_FLAGS]
	msr	nzcv, x9
	ldp	x9, x10, [sp, #CALL_SP]
	msr	tpidr_el0, x10
	mov	x16, x9
	ldr	x1, [sp, #8]
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x17, x18, [sp, #CALL_X17]
	ldp	x29, x30, [sp, #CALL_X29]
	mov	sp, x16
	br	x17
	.size	enter_dispatcher, . - enter_dispatcher

/* void enter_fault(int number, void *info, void *context) */
	function enter_fault
	saved	x9
	ldr	x10, [x9, #ENTER_SAVED_THREAD]
	/* 0: no TA has been entered yet, so the thread pointer is the runner's. */
	cbz	x10, 1f
	msr	tpidr_el0, x10
1:	b	fault_report
	.size	enter_fault, . - enter_fault

	.section .note.GNU-stack, "", %progbits
