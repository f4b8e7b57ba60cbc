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

	/* void sve_save_z(void *to): Z0 to Z31 at the vector length in force. */
	.global sve_save_z
	.type sve_save_z, %function
sve_save_z:
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	str	z\n, [x0, #\n, mul vl]
	.endr
	ret
	.size sve_save_z, . - sve_save_z

	/* void sve_load_z(const void *from) */
	.global sve_load_z
	.type sve_load_z, %function
sve_load_z:
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	ldr	z\n, [x0, #\n, mul vl]
	.endr
	ret
	.size sve_load_z, . - sve_load_z
