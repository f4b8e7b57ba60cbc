/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Exception vectors of NS-EL2. Nothing runs below us in the Normal world and interrupts are masked,
 * so whatever comes is a fault of our own: the C handler mends a guarded access or panics.
 */
#include <arch/exception_frame.S>

	.text
	.balign 2048
	.global vectors
vectors:
	.rept 4
	exception_vector 0, take
	exception_vector 1, take
	exception_vector 2, take
	exception_vector 3, take
	.endr

	.type take, %function
take:
	exception_call exception_take
	.size take, . - take
