/* SPDX-License-Identifier: BSD-3-Clause */
/* Accesses that may fault: a fault at the marked instruction continues at its fix-up. */

	.macro fixup from, to
	.pushsection .fixups, "a"
	.quad	\from, \to
	.popsection
	.endm

	.text
	/* bool guarded_read64(uintptr_t address, uint64_t *value) */
	.global guarded_read64
	.type guarded_read64, %function
guarded_read64:
1:	ldr	x2, [x0]
	str	x2, [x1]
	mov	w0, #1
	ret
	fixup	1b, guarded_failed
	.size guarded_read64, . - guarded_read64

	/* bool guarded_write64(uintptr_t address, uint64_t value) */
	.global guarded_write64
	.type guarded_write64, %function
guarded_write64:
1:	str	x1, [x0]
	dsb	sy
	mov	w0, #1
	ret
	fixup	1b, guarded_failed
	.size guarded_write64, . - guarded_write64

	.type guarded_failed, %function
guarded_failed:
	mov	w0, #0
	ret
	.size guarded_failed, . - guarded_failed
