/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loops that stop the REC once a turn: void repeat_WHAT(uint64_t argument, uint64_t turns). Their
 * length, which hand.h names, is all that the realm itself executes between two stops.
 */
#include <abi/rsi.h>

#include "hand.h"

	.macro repeat name
	.text
	.global repeat_\name
	.type repeat_\name, %function
repeat_\name:
	.endm

	.macro again name
	subs	x1, x1, #1
	b.ne	1b
	ret
	.size repeat_\name, . - repeat_\name
	.endm

	repeat	read
1:	ldr	w2, [x0]
	again	read

	repeat	write
1:	str	wzr, [x0]
	again	write

	repeat	wfi
1:	wfi
	again	wfi

	/* An RSI call changes X0 to X3 alone. */
	.macro calls name, first:vararg
	repeat	\name
	mov	x4, x0
	mov	x6, x1
	ldr	x5, =RSI_HOST_CALL
1:	mov	x0, x5
	mov	x1, x4
	\first
	smc	#0
	subs	x6, x6, #1
	b.ne	1b
	ret
	.size repeat_\name, . - repeat_\name
	.endm

	calls	call, nop

	.arch_extension fp
	calls	call_fp, fmov d0, x6

	/* The page becomes EMPTY, RAM, EMPTY and so on. */
	repeat	ripas
	mov	x8, x0
	mov	x7, x1
	ldr	x5, =RSI_IPA_STATE_SET
	mov	x6, #0
	mov	x4, #RSI_CHANGE_DESTROYED
1:	mov	x0, x5
	mov	x1, x8
	add	x2, x8, #0x1000
	mov	x3, x6
	smc	#0
	eor	x6, x6, #1
	subs	x7, x7, #1
	b.ne	1b
	ret
	.size repeat_ripas, . - repeat_ripas
