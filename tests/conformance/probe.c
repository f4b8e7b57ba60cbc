/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/platform.h>
#include <abi/rmi.h>
#include <lib/bits.h>

#include "call.h"
#include "granules.h"
#include "probe.h"
#include "realm.h"
#include "rig.h"
#include "tap.h"

#define ZOO_RAM UINT64_C(0x200000)

static const char *const state_names[] = {
	[ZOO_UNDELEGATED] = "UNDELEGATED",
	[ZOO_DELEGATED] = "DELEGATED",
	[ZOO_RD] = "RD",
	[ZOO_REC] = "REC",
	[ZOO_REC_AUX] = "REC_AUX",
	[ZOO_RTT] = "RTT",
	[ZOO_DATA] = "DATA",
};
_Static_assert(ARRAY_COUNT(state_names) == ZOO_COUNT, "every state has its name");

static void expect_input_error(probe *attempt, uint64_t argument, const char *what)
{
	uint64_t status = attempt(argument);

	if (status != RMI_ERROR_INPUT) {
		tap_fail("%s 0x%lx gives 0x%lx, not RMI_ERROR_INPUT", what, (unsigned long)argument,
			 (unsigned long)status);
	}
}

void refuses_unaligned(probe *attempt, uint64_t good)
{
	static const uint64_t offsets[] = { 1, 8, 0x800, GRANULE_SIZE - 1 };

	for (size_t n = 0; n < ARRAY_COUNT(offsets); n++) {
		expect_input_error(attempt, good + offsets[n], "unaligned");
	}
}

void refuses_untracked(probe *attempt)
{
	static const uint64_t addresses[] = {
		0,
		GRANULE_DEVICE,
		QEMU_RMM_BASE,
		QEMU_RMM_BASE + QEMU_RMM_SIZE - GRANULE_SIZE,
		GRANULE_OUTSIDE,
		UINT64_C(1) << 48 | RIG_POOL_BASE,
		UINT64_C(1) << 52 | RIG_POOL_BASE,
		UINT64_C(1) << 63 | RIG_POOL_BASE,
		UINT64_MAX - GRANULE_SIZE + 1,
	};

	for (size_t n = 0; n < ARRAY_COUNT(addresses); n++) {
		expect_input_error(attempt, addresses[n], "untracked");
	}
}

/* A realm with a granule in every state; those of states that this RMM has not are 0. */
static void make_zoo(uint64_t pa[ZOO_COUNT])
{
	struct rig_realm *realm = realm_make();
	struct rig_rec *rec;

	pa[ZOO_UNDELEGATED] = granule_take();
	pa[ZOO_DELEGATED] = granule_take_delegated();
	pa[ZOO_RD] = realm->rd;
	rec = rec_prepare(realm, 0, true);
	if (rec_create(rec) != RMI_SUCCESS || realm_ram(realm, 0, ZOO_RAM, true) != RMI_SUCCESS ||
	    realm_data_unknown(realm, 0) != RMI_SUCCESS) {
		rig_give_up("no granule can be had in every state");
	}
	pa[ZOO_REC] = rec->pa;
	pa[ZOO_REC_AUX] = rec->params->num_aux != 0U ? rec->params->aux[0] : 0U;
	pa[ZOO_RTT] = realm_entry(realm, 0, 2).desc;
	pa[ZOO_DATA] = realm_entry(realm, 0, 3).desc;
}

void refuses_other_states(probe *attempt, enum zoo wanted)
{
	uint64_t pa[ZOO_COUNT];

	make_zoo(pa);
	for (unsigned int state = 0; state < ZOO_COUNT; state++) {
		if (state != (unsigned int)wanted && pa[state] != 0U) {
			expect_input_error(attempt, pa[state], state_names[state]);
		}
	}
	EXPECT(granule_is_undelegated(pa[ZOO_UNDELEGATED]));
	EXPECT(granule_is_delegated(pa[ZOO_DELEGATED]));
}

void refuses_what_the_host_has_not(probe *attempt)
{
	refuses_untracked(attempt);
	refuses_other_states(attempt, ZOO_UNDELEGATED);
}

bool granule_is_undelegated(uint64_t pa)
{
	uint64_t value;

	return ns_read(pa, &value);
}

bool granule_is_delegated(uint64_t pa)
{
	return rmi_status(RMI_GRANULE_UNDELEGATE, pa) == RMI_SUCCESS &&
	       rmi_status(RMI_GRANULE_DELEGATE, pa) == RMI_SUCCESS;
}

bool granule_comes_back_wiped(uint64_t pa)
{
	const uint64_t *words = (const uint64_t *)(uintptr_t)pa;
	uint64_t any = 0;

	if (rmi_status(RMI_GRANULE_UNDELEGATE, pa) != RMI_SUCCESS || !granule_is_undelegated(pa)) {
		return false;
	}
	for (size_t n = 0; n < GRANULE_SIZE / sizeof(*words); n++) {
		any |= words[n];
	}
	return any == 0U;
}
