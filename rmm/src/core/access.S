/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Accesses that the memory system may refuse (a granule protection fault, or no memory there at
 * all). Each such instruction is listed in .fixups; if it faults, the function returns false.
 */
	.text

	.macro	guarded instruction:vararg
9997:	\instruction
	.pushsection .fixups, "a"
	.quad	9997b, access_failed
	.popsection
	.endm

	/* bool access_copy(void *to, const void *from, size_t size): all multiples of 16. */
	.global access_copy
	.type access_copy, %function
access_copy:
	subs	x2, x2, #64
	b.lo	2f
1:	guarded	ldp x4, x5, [x1], #64
	guarded	ldp x6, x7, [x1, #-48]
	guarded	ldp x8, x9, [x1, #-32]
	guarded	ldp x10, x11, [x1, #-16]
	guarded	stp x4, x5, [x0], #64
	guarded	stp x6, x7, [x0, #-48]
	guarded	stp x8, x9, [x0, #-32]
	guarded	stp x10, x11, [x0, #-16]
	subs	x2, x2, #64
	b.hs	1b
2:	adds	x2, x2, #64
	b.eq	4f
3:	guarded	ldp x4, x5, [x1], #16
	guarded	stp x4, x5, [x0], #16
	subs	x2, x2, #16
	b.ne	3b
4:	mov	w0, #1
	ret
	.size access_copy, . - access_copy

	/* bool access_zero(void *to, size_t size): granules, which have two DC ZVA blocks at least. */
	.global access_zero
	.type access_zero, %function
access_zero:
	mrs	x3, dczid_el0
	and	x3, x3, #15
	mov	x4, #4
	lsl	x3, x4, x3
1:	guarded	dc zva, x0
	add	x0, x0, x3
	guarded	dc zva, x0
	add	x0, x0, x3
	subs	x1, x1, x3, lsl #1
	b.hi	1b
	mov	w0, #1
	ret
	.size access_zero, . - access_zero

	/*
	 * bool access_translate(uint64_t va): the EL1 stage 1 regime's answer for a read, in PAR_EL1. An
	 * external abort on its walk is taken here.
	 */
	.global access_translate
	.type access_translate, %function
access_translate:
	guarded	at s1e1r, x0
	isb
	mov	w0, #1
	ret
	.size access_translate, . - access_translate

access_failed:
	mov	w0, wzr
	ret
