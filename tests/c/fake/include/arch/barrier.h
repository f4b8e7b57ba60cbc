/* SPDX-License-Identifier: BSD-3-Clause */
/* On the build machine every barrier is a full fence. */
#pragma once

static inline void isb(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void dsb_ish(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void dsb_ishst(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void dsb_nsh(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void dsb_sy(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void dmb_ish(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
