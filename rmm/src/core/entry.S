/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where EL3 enters on cold boot and on each PE's warm boot: X0 PE index, and on cold boot X1
 * interface version, X2 number of PEs, X3 shared buffer. The MMU is off, so the flag that tells
 * the two apart is read from memory itself.
 */
#include <abi/el3.h>

#include "limits.h"

#define RNDR_TRIES 64

	.section .text.entry, "ax"
	.global rmm_entry
	.type rmm_entry, %function
rmm_entry:
	cmp	x0, #MAX_PES
	b.hs	refuse

	adrp	x9, booted
	ldr	w4, [x9, :lo12:booted]
	cbnz	w4, 2f
	mov	w10, #1
	str	w10, [x9, :lo12:booted]

	adrp	x10, bss_start
	add	x10, x10, :lo12:bss_start
	adrp	x11, bss_end
	add	x11, x11, :lo12:bss_end
	/* Both ends are granule-aligned. */
1:	stp	xzr, xzr, [x10], #64
	stp	xzr, xzr, [x10, #-48]
	stp	xzr, xzr, [x10, #-32]
	stp	xzr, xzr, [x10, #-16]
	cmp	x10, x11
	b.lo	1b

	/*
	 * The stack protector's guard. A PE without FEAT_RNG, or with a source that stays silent, has
	 * nothing but the counter for it.
	 */
	mrs	x10, cntpct_el0
	mrs	x11, id_aa64isar0_el1
	lsr	x11, x11, #60
	cbz	x11, 4f
	mov	w12, #RNDR_TRIES
3:	mrs	x11, S3_3_C2_C4_0
	b.ne	4f
	subs	w12, w12, #1
	b.ne	3b
4:	eor	x10, x10, x11
	adrp	x9, __stack_chk_guard
	str	x10, [x9, :lo12:__stack_chk_guard]
	dsb	sy

2:	adrp	x9, vectors
	add	x9, x9, :lo12:vectors
	msr	vbar_el2, x9
	msr	spsel, #1
	adrp	x9, stacks_start
	add	x9, x9, :lo12:stacks_start
	add	x10, x0, #1
	mov	x11, #STACK_SLOT_SIZE
	madd	x9, x10, x11, x9
	mov	sp, x9
	mov	x29, xzr
	mov	x30, xzr
	isb
	/* boot(index, version, pe_count, shared_buffer, warm) */
	bl	boot
5:	wfi
	b	5b

refuse:
	mov	x1, #EL3_BOOT_CPU_ID_OUT_OF_RANGE
	ldr	x0, =EL3_BOOT_COMPLETE
	smc	#0
	b	5b
	.size rmm_entry, . - rmm_entry

	.data
	.balign 8
booted:	.quad	0

	/* Written above, while the MMU is off; then nobody can. */
	.section .rodata, "a"
	.balign 8
	.global __stack_chk_guard
__stack_chk_guard:
	.quad	0
