/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static inline _Noreturn void pe_stop(void)
{
	abort();
}

static inline void pe_wait_for_event(void)
{
}

static inline void pe_send_event(void)
{
}

static inline void pe_wait_for_interrupt(void)
{
}

/* Numbers of a fixed sequence, unless a test wants none (fake_random_refusals). */
bool pe_random(uint64_t *number);
