/* SPDX-License-Identifier: BSD-3-Clause */
/* The registers of FP and SIMD, as a whole; for the rig (EL2) and the hand (EL1). */
	.text
	/* void vector_fill(uint64_t word); uint64_t vector_sum(void); */
	.arch_extension fp
	.arch_extension simd
	.global vector_fill
	.type vector_fill, %function
vector_fill:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	add	x1, x0, #\n
	dup	v\n\().2d, x1
	.endr
	mov	x1, #(1 << 24)
	msr	fpcr, x1
	mov	x1, #(1 << 27)
	msr	fpsr, x1
	ret
	.size vector_fill, . - vector_fill

	.global vector_sum
	.type vector_sum, %function
vector_sum:
	mrs	x0, fpcr
	mrs	x1, fpsr
	eor	x0, x0, x1, lsl #32
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	mov	x1, v\n\().d[0]
	mov	x2, v\n\().d[1]
	eor	x0, x1, x0, ror #63
	eor	x0, x2, x0, ror #63
	.endr
	ret
	.size vector_sum, . - vector_sum
