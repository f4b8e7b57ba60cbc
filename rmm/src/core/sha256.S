/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * void sha256_blocks(uint32_t state[8], const void *data, size_t block_count);
 * FIPS 180-4, 6.2 with the SHA-256 instructions, whose registers the caller has made free.
 */
	.text
	.arch	armv8.5-a+sha2

	/* Four rounds with the schedule words \m0, which are then replaced by those 16 rounds on. */
	.macro rounds m0, m1, m2, m3, more
	ldr	q16, [x3], #16
	add	v16.4s, v16.4s, \m0\().4s
	.if \more
	sha256su0 \m0\().4s, \m1\().4s
	.endif
	mov	v17.16b, v0.16b
	sha256h	q0, q1, v16.4s
	sha256h2 q1, q17, v16.4s
	.if \more
	sha256su1 \m0\().4s, \m2\().4s, \m3\().4s
	.endif
	.endm

	.macro sixteen_rounds more
	rounds	v4, v5, v6, v7, \more
	rounds	v5, v6, v7, v4, \more
	rounds	v6, v7, v4, v5, \more
	rounds	v7, v4, v5, v6, \more
	.endm

	.global sha256_blocks
	.type sha256_blocks, %function
sha256_blocks:
	cbz	x2, 2f
	adrp	x4, sha256_constants
	add	x4, x4, :lo12:sha256_constants
	ldp	q0, q1, [x0]
1:	ld1	{v4.16b-v7.16b}, [x1], #64
	rev32	v4.16b, v4.16b
	rev32	v5.16b, v5.16b
	rev32	v6.16b, v6.16b
	rev32	v7.16b, v7.16b
	mov	v2.16b, v0.16b
	mov	v3.16b, v1.16b
	mov	x3, x4
	sixteen_rounds 1
	sixteen_rounds 1
	sixteen_rounds 1
	sixteen_rounds 0
	add	v0.4s, v0.4s, v2.4s
	add	v1.4s, v1.4s, v3.4s
	subs	x2, x2, #1
	b.ne	1b
	stp	q0, q1, [x0]

2:	ret
	.size sha256_blocks, . - sha256_blocks
