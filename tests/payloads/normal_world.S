/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A normal-world image that is no realm host: it says at which exception level it runs, and powers
 * off.
 */
#include <abi/platform.h>
#include <abi/smccc.h>

	.text
	.global normal_world_entry
normal_world_entry:
	ldr	x1, =QEMU_UART0_BASE
	adr	x2, before
	bl	print
	mrs	x0, CurrentEL
	lsr	x0, x0, #2
	add	x0, x0, #'0'
	strb	w0, [x1]
	adr	x2, after
	bl	print
	ldr	x0, =PSCI_SYSTEM_OFF
	smc	#0
1:	wfi
	b	1b

/* Write the string at X2 to the data register of the UART at X1. */
print:
	ldrb	w0, [x2], #1
	cbz	w0, 1f
	strb	w0, [x1]
	b	print
1:	ret

before:	.asciz	"A normal world at EL"
after:	.asciz	" without realms.\r\n"
