/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

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
