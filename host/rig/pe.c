/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>

#include <abi/smccc.h>
#include <arch/pe.h>

#include "call.h"
#include "gic.h"
#include "pe.h"
#include "rig.h"

struct mailbox {
	void (*job)(void *);
	void *argument;
	uint32_t started;
};

extern const char rig_secondary_entry[];

static struct mailbox boxes[QEMU_MAX_PES];

void pe_serve(unsigned int pe)
{
	struct mailbox *box = &boxes[pe];

	gic_init_pe(pe);
	__atomic_store_n(&box->started, 1U, __ATOMIC_RELEASE);
	for (;;) {
		void (*job)(void *) = __atomic_load_n(&box->job, __ATOMIC_ACQUIRE);

		if (job != NULL) {
			job(box->argument);
			__atomic_store_n(&box->job, NULL, __ATOMIC_RELEASE);
		} else {
			pe_wait_for_interrupt();
			(void)gic_drain();
		}
	}
}

bool pe_start(unsigned int pe)
{
	struct mailbox *box = &boxes[pe];

	if (__atomic_load_n(&box->started, __ATOMIC_ACQUIRE) != 0U) {
		return true;
	}
	if (call(PSCI_CPU_ON_64, pe, (uintptr_t)rig_secondary_entry, pe).x[0] != PSCI_SUCCESS) {
		return false;
	}
	while (__atomic_load_n(&box->started, __ATOMIC_ACQUIRE) == 0U) {
	}
	return true;
}

void pe_send(unsigned int pe, void (*job)(void *), void *argument)
{
	boxes[pe].argument = argument;
	__atomic_store_n(&boxes[pe].job, job, __ATOMIC_RELEASE);
	gic_kick(pe);
}

bool pe_busy(unsigned int pe)
{
	return __atomic_load_n(&boxes[pe].job, __ATOMIC_ACQUIRE) != NULL;
}

void pe_join(unsigned int pe)
{
	while (pe_busy(pe)) {
	}
}
