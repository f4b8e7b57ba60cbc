/* SPDX-License-Identifier: BSD-3-Clause */
/* Other PEs: each waits for a job, runs it, and waits again. */
#pragma once

#include <stdbool.h>

#include <arch/sysreg.h>

static inline unsigned int pe_index(void)
{
	return (unsigned int)read_sysreg(TPIDR_EL2);
}

/* Starts the PE if it has not been; false if there is none. */
bool pe_start(unsigned int pe);

/*
 * Hands a job to a PE that was started, without waiting; its earlier job has ended. The interrupt
 * that wakes the PE may still be pending when the job begins.
 */
void pe_send(unsigned int pe, void (*job)(void *), void *argument);

/* Waits for the PE's job to end. */
void pe_join(unsigned int pe);

bool pe_busy(unsigned int pe);

/* From entry.S. */
_Noreturn void pe_serve(unsigned int pe);
