/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * void sha512_blocks(uint64_t state[8], const void *data, size_t block_count);
 * FIPS 180-4, 6.4 with the SHA-512 instructions. V0 to V3 hold (a,b) (c,d) (e,f) (g,h), low half
 * first. The caller has made the vector registers free.
 */
	.text
	.arch	armv8.5-a+sha3

	/*
	 * Two rounds with the schedule words V\w0. The new (e,f) is made in V\gh and the old one is the
	 * new (g,h), so callers swap the two names. If \more, V\w0 becomes the words of 16 rounds on.
	 */
	.macro two_rounds ef, gh, w0, w1, w4, w5, w7, more
	ldr	q24, [x3], #16
	add	v24.2d, v24.2d, v\w0\().2d
	ext	v24.16b, v24.16b, v24.16b, #8
	add	v24.2d, v24.2d, v\gh\().2d
	ext	v5.16b, v\ef\().16b, v\gh\().16b, #8
	ext	v6.16b, v1.16b, v\ef\().16b, #8
	sha512h	q24, q5, v6.2d
	.if \more
	ext	v7.16b, v\w4\().16b, v\w5\().16b, #8
	sha512su0 v\w0\().2d, v\w1\().2d
	sha512su1 v\w0\().2d, v\w7\().2d, v7.2d
	.endif
	add	v\gh\().2d, v1.2d, v24.2d
	sha512h2 q24, q1, v0.2d
	mov	v1.16b, v0.16b
	mov	v0.16b, v24.16b
	.endm

	.macro sixteen_rounds more
	two_rounds 2, 3, 16, 17, 20, 21, 23, \more
	two_rounds 3, 2, 17, 18, 21, 22, 16, \more
	two_rounds 2, 3, 18, 19, 22, 23, 17, \more
	two_rounds 3, 2, 19, 20, 23, 16, 18, \more
	two_rounds 2, 3, 20, 21, 16, 17, 19, \more
	two_rounds 3, 2, 21, 22, 17, 18, 20, \more
	two_rounds 2, 3, 22, 23, 18, 19, 21, \more
	two_rounds 3, 2, 23, 16, 19, 20, 22, \more
	.endm

	.global sha512_blocks
	.type sha512_blocks, %function
sha512_blocks:
	cbz	x2, 3f
	adrp	x4, sha512_constants
	add	x4, x4, :lo12:sha512_constants
	ldp	q0, q1, [x0]
	ldp	q2, q3, [x0, #32]
1:	ld1	{v16.16b-v19.16b}, [x1], #64
	ld1	{v20.16b-v23.16b}, [x1], #64
	.irp	n, 16,17,18,19,20,21,22,23
	rev64	v\n\().16b, v\n\().16b
	.endr
	mov	x3, x4
	mov	w5, #4
2:	sixteen_rounds 1
	subs	w5, w5, #1
	b.ne	2b
	sixteen_rounds 0
	ldp	q5, q6, [x0]
	ldp	q7, q24, [x0, #32]
	add	v0.2d, v0.2d, v5.2d
	add	v1.2d, v1.2d, v6.2d
	add	v2.2d, v2.2d, v7.2d
	add	v3.2d, v3.2d, v24.2d
	stp	q0, q1, [x0]
	stp	q2, q3, [x0, #32]
	subs	x2, x2, #1
	b.ne	1b

3:	ret
	.size sha512_blocks, . - sha512_blocks
