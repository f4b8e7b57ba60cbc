/* SPDX-License-Identifier: BSD-3-Clause */
/* What a processing element can be told, besides barriers and system registers. */
#pragma once

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
