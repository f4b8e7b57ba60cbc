/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole vector register files to and from memory. struct fp_state is 32 Q registers, FPCR, FPSR. */
	.text
	.arch	armv8.5-a+sve

	.macro each_q_pair instruction
	.irp	n, 0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30
	q_pair	\instruction, \n, %(\n + 1)
	.endr
	.endm
	.altmacro
	.macro q_pair instruction, n, m
	\instruction	q\n, q\m, [x0, #\n * 16]
	.endm

	/* void fp_save(struct fp_state *to) */
	.global fp_save
	.type fp_save, %function
fp_save:
	each_q_pair stp
	mrs	x1, fpcr
	mrs	x2, fpsr
	str	x1, [x0, #512]
	str	x2, [x0, #520]
	ret
	.size fp_save, . - fp_save

	/* void fp_load(const struct fp_state *from) */
	.global fp_load
	.type fp_load, %function
fp_load:
	each_q_pair ldp
	ldr	x1, [x0, #512]
	ldr	x2, [x0, #520]
	msr	fpcr, x1
	msr	fpsr, x2
	ret
	.size fp_load, . - fp_load

	.macro each_z instruction
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	\instruction	z\n, [x0, #\n, mul vl]
	z_high	\instruction, %(\n + 16), \n
	.endr
	.endm
	.macro z_high instruction, n, at
	\instruction	z\n, [x1, #\at, mul vl]
	.endm

	/* void sve_save(void *low, void *high, void *predicates, bool ffr) */
	.global sve_save
	.type sve_save, %function
sve_save:
	each_z	str
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	str	p\n, [x2, #\n, mul vl]
	.endr
	cbz	w3, 1f
	rdffr	p0.b
	str	p0, [x2, #16, mul vl]
	ldr	p0, [x2]
1:	ret
	.size sve_save, . - sve_save

	/* void sve_load(const void *low, const void *high, const void *predicates, bool ffr) */
	.global sve_load
	.type sve_load, %function
sve_load:
	each_z	ldr
	cbz	w3, 1f
	ldr	p0, [x2, #16, mul vl]
	wrffr	p0.b
1:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	ldr	p\n, [x2, #\n, mul vl]
	.endr
	ret
	.size sve_load, . - sve_load

	/* void sve_clear_predicates(void) */
	.global sve_clear_predicates
	.type sve_clear_predicates, %function
sve_clear_predicates:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	pfalse	p\n\().b
	.endr
	wrffr	p0.b
	ret
	.size sve_clear_predicates, . - sve_clear_predicates

	/* uint64_t sve_vector_size(void) */
	.global sve_vector_size
	.type sve_vector_size, %function
sve_vector_size:
	rdvl	x0, #1
	ret
	.size sve_vector_size, . - sve_vector_size
