/* SPDX-License-Identifier: BSD-3-Clause */
/* What a processing element can be told, besides barriers and system registers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Masks every interrupt and sleeps for good. */
static inline _Noreturn void pe_stop(void)
{
	__asm__ volatile("msr daifset, #15" ::: "memory");
	for (;;) {
		__asm__ volatile("wfi" ::: "memory");
	}
}

static inline void pe_wait_for_event(void)
{
	__asm__ volatile("wfe" ::: "memory");
}

static inline void pe_send_event(void)
{
	__asm__ volatile("dsb ish\n\tsev" ::: "memory");
}

/* Returns when an interrupt is pending, masked or not. */
static inline void pe_wait_for_interrupt(void)
{
	__asm__ volatile("wfi" ::: "memory");
}

/* A random number from a PE with FEAT_RNG; false if it has none just now. */
static inline bool pe_random(uint64_t *number)
{
	uint32_t given;

	__asm__ volatile("mrs %0, S3_3_C2_C4_0\n\tcset %w1, ne" : "=r"(*number), "=r"(given)::"cc");
	return given != 0U;
}
