/* SPDX-License-Identifier: BSD-3-Clause */
/* A spinlock with acquire and release ordering; zero-initialised means free. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct spinlock {
	uint32_t held;
};

static inline bool spin_try_lock(struct spinlock *lock)
{
	return __atomic_exchange_n(&lock->held, 1U, __ATOMIC_ACQUIRE) == 0U;
}

static inline void spin_lock(struct spinlock *lock)
{
	while (!spin_try_lock(lock)) {
		while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED) != 0U) {
		}
	}
}

static inline void spin_unlock(struct spinlock *lock)
{
	__atomic_store_n(&lock->held, 0U, __ATOMIC_RELEASE);
}
