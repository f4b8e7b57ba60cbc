/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An RMM that boots and then knows one thing to say: its only version of RMI is 2.0, which is not
 * the one that was asked for (DEN0137 1.0-rel0, B4.3 RMI_VERSION).
 */
#include <abi/el3.h>
#include <abi/rmi.h>

#define VERSION_2_0 0x20000

	.text
	.global other_rmm_entry
other_rmm_entry:
	ldr	x0, =EL3_BOOT_COMPLETE
	mov	x1, #EL3_BOOT_OK
1:	smc	#0
	ldr	x0, =EL3_RMI_REQ_COMPLETE
	mov	x1, #RMI_ERROR_INPUT
	mov	x2, #VERSION_2_0
	mov	x3, #VERSION_2_0
	mov	x4, #0
	mov	x5, #0
	b	1b
