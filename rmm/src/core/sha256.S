/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * void sha256_blocks(uint32_t state[8], const void *data, size_t block_count);
 * FIPS 180-4, 6.2 with the SHA-256 instructions, whose registers the caller has made free.
 */
	.text
	.arch	armv8.5-a+sha2

	/*
	 * Four rounds with the constants \k and the schedule words \m0, which are then replaced by those
	 * 16 rounds on.
	 */
	.macro rounds k, m0, m1, m2, m3, more
	add	v8.4s, \k\().4s, \m0\().4s
	.if \more
	sha256su0 \m0\().4s, \m1\().4s
	.endif
	mov	v9.16b, v0.16b
	sha256h	q0, q1, v8.4s
	sha256h2 q1, q9, v8.4s
	.if \more
	sha256su1 \m0\().4s, \m2\().4s, \m3\().4s
	.endif
	.endm

	.macro sixteen_rounds k0, k1, k2, k3, more
	rounds	\k0, v4, v5, v6, v7, \more
	rounds	\k1, v5, v6, v7, v4, \more
	rounds	\k2, v6, v7, v4, v5, \more
	rounds	\k3, v7, v4, v5, v6, \more
	.endm

	.global sha256_blocks
	.type sha256_blocks, %function
sha256_blocks:
	cbz	x2, 2f
	adrp	x3, sha256_constants
	add	x3, x3, :lo12:sha256_constants
	ld1	{v16.4s-v19.4s}, [x3], #64
	ld1	{v20.4s-v23.4s}, [x3], #64
	ld1	{v24.4s-v27.4s}, [x3], #64
	ld1	{v28.4s-v31.4s}, [x3]
	ldp	q0, q1, [x0]
1:	ld1	{v4.16b-v7.16b}, [x1], #64
	rev32	v4.16b, v4.16b
	rev32	v5.16b, v5.16b
	rev32	v6.16b, v6.16b
	rev32	v7.16b, v7.16b
	mov	v2.16b, v0.16b
	mov	v3.16b, v1.16b
	sixteen_rounds v16, v17, v18, v19, 1
	sixteen_rounds v20, v21, v22, v23, 1
	sixteen_rounds v24, v25, v26, v27, 1
	sixteen_rounds v28, v29, v30, v31, 0
	add	v0.4s, v0.4s, v2.4s
	add	v1.4s, v1.4s, v3.4s
	subs	x2, x2, #1
	b.ne	1b
	stp	q0, q1, [x0]

2:	ret
	.size sha256_blocks, . - sha256_blocks
