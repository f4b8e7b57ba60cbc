/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance.h"
#include "granules.h"
#include "pe.h"
#include "realm.h"
#include "rig.h"
#include "tap.h"

static void clean_up(void)
{
	realms_reset();
	if (!granules_reset()) {
		tap_fail("granules of the case stayed with the RMM");
	}
}

/* PEs that PSCI did not start would spin in EL3, at the expense of the emulator. */
static void start_others(void)
{
	for (unsigned int pe = 1; pe < CONFORMANCE_PES; pe++) {
		if (!pe_start(pe)) {
			rig_give_up("the suite needs %u PEs", CONFORMANCE_PES);
		}
	}
}

void rig_main(void)
{
	start_others();
	tap_run(clean_up);
}
