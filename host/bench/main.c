/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/platform.h>
#include <abi/rmi.h>
#include <abi/smccc.h>
#include <lib/console.h>

#include "bench.h"
#include "granules.h"
#include "realm.h"
#include "rig.h"

void clean_up(void)
{
	realms_reset();
	if (!granules_reset()) {
		rig_give_up("granules stayed with the RMM");
	}
}

/* What an SMC costs that EL3 answers, and one that goes through it to the RMM and back. */
void measure_floor(void)
{
	series_begin("PSCI_VERSION");
	for (unsigned int n = 0; n < BENCH_SAMPLES; n++) {
		struct call nothing = { .clobbered = 0 };
		struct call regs = { .x = { PSCI_VERSION } };

		series_add(timed_smc(&regs) - timed_nothing(&nothing));
	}
	series_end();

	series_begin("RMI_VERSION");
	for (unsigned int n = 0; n < BENCH_SAMPLES; n++) {
		(void)sample(RMI_VERSION, RMI_ABI_VERSION_1_0);
	}
	series_end();
}

void rig_main(void)
{
	console_init("bench: ", QEMU_UART0_BASE);
	measure_floor();
	measure_granules();
	measure_tables();
	measure_runs();
	measure_calls();
	measure_token();
	console_line("end");
}
