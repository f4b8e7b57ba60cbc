/* SPDX-License-Identifier: BSD-3-Clause */
/* SVE's registers by number, at the vector length in force; for the rig (EL2) and the hand (EL1). */
	.text
	.arch_extension sve

	/* Each entry is two instructions: W0 chooses one. */
	.macro by_number name, instruction, kind, count
	.global \name
	.type \name, %function
\name:
	adr	x2, 1f
	add	x2, x2, w0, uxtw #3
	br	x2
1:	.altmacro
	.set	number, 0
	.rept	\count
	entry	\instruction, \kind, %number
	.set	number, number + 1
	.endr
	.noaltmacro
	.size \name, . - \name
	.endm

	.macro entry instruction, kind, number
	\instruction	\kind\()\number, [x1]
	ret
	.endm

	/* void sve_get_z(uint32_t n, void *to); void sve_put_z(uint32_t n, const void *from); … */
	by_number sve_get_z, str, z, 32
	by_number sve_put_z, ldr, z, 32
	by_number sve_get_p, str, p, 16
	by_number sve_put_p, ldr, p, 16

	/* void sve_get_ffr(void *to); void sve_put_ffr(const void *from); P0 stays. */
	.global sve_get_ffr
	.type sve_get_ffr, %function
sve_get_ffr:
	sub	sp, sp, #32
	str	p0, [sp]
	rdffr	p0.b
	str	p0, [x0]
	ldr	p0, [sp]
	add	sp, sp, #32
	ret
	.size sve_get_ffr, . - sve_get_ffr

	.global sve_put_ffr
	.type sve_put_ffr, %function
sve_put_ffr:
	sub	sp, sp, #32
	str	p0, [sp]
	ldr	p0, [x0]
	wrffr	p0.b
	ldr	p0, [sp]
	add	sp, sp, #32
	ret
	.size sve_put_ffr, . - sve_put_ffr

	/* uint64_t sve_size(void): bytes of a vector. */
	.global sve_size
	.type sve_size, %function
sve_size:
	rdvl	x0, #1
	ret
	.size sve_size, . - sve_size
