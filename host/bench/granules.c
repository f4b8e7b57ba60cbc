/* SPDX-License-Identifier: BSD-3-Clause */
/* Granules that change hands, and a realm's pages. */
#include <abi/rmi.h>

#include "bench.h"
#include "granules.h"
#include "realm.h"

#define LEVEL_PAGE 3
#define RAM_BASE   UINT64_C(0x200000)
#define RAM_SIZE   UINT64_C(0x200000)

static void delegate_and_back(void)
{
	uint64_t base = granules_take(BENCH_SAMPLES, GRANULE_SIZE);

	series_begin("RMI_GRANULE_DELEGATE");
	for (unsigned int n = 0; n < BENCH_SAMPLES; n++) {
		(void)sample(RMI_GRANULE_DELEGATE, base + (uint64_t)n * GRANULE_SIZE);
	}
	series_end();
	series_begin("RMI_GRANULE_UNDELEGATE");
	for (unsigned int n = 0; n < BENCH_SAMPLES; n++) {
		(void)sample(RMI_GRANULE_UNDELEGATE, base + (uint64_t)n * GRANULE_SIZE);
	}
	series_end();
	clean_up();
}

static void create_data(const char *name, const struct rig_realm *realm, uint64_t ipa,
			uint64_t flags)
{
	uint64_t source = granule_take();
	uint64_t data = granules_take_delegated(BENCH_SAMPLES, GRANULE_SIZE);

	series_begin(name);
	for (uint64_t at = 0; at < BENCH_SAMPLES * (uint64_t)GRANULE_SIZE; at += GRANULE_SIZE) {
		(void)sample(RMI_DATA_CREATE, realm->rd, data + at, ipa + at, source, flags);
	}
	series_end();
}

static void create_unknown(const struct rig_realm *realm, uint64_t ipa)
{
	uint64_t data = granules_take_delegated(BENCH_SAMPLES, GRANULE_SIZE);

	series_begin("RMI_DATA_CREATE_UNKNOWN");
	for (uint64_t at = 0; at < BENCH_SAMPLES * (uint64_t)GRANULE_SIZE; at += GRANULE_SIZE) {
		(void)sample(RMI_DATA_CREATE_UNKNOWN, realm->rd, data + at, ipa + at);
	}
	series_end();
}

static void destroy_data(const struct rig_realm *realm, uint64_t ipa)
{
	series_begin("RMI_DATA_DESTROY");
	for (uint64_t at = 0; at < BENCH_SAMPLES * (uint64_t)GRANULE_SIZE; at += GRANULE_SIZE) {
		(void)sample(RMI_DATA_DESTROY, realm->rd, ipa + at);
	}
	series_end();
}

/* Page by page, so that each sample is one entry that is measured. */
static void init_ripas(struct rig_realm *realm)
{
	(void)realm_tables(realm, RAM_BASE, LEVEL_PAGE);
	series_begin("RMI_RTT_INIT_RIPAS");
	for (unsigned int n = 0; n < BENCH_SAMPLES; n++) {
		uint64_t ipa = RAM_BASE + (uint64_t)n * GRANULE_SIZE;

		(void)sample(RMI_RTT_INIT_RIPAS, realm->rd, ipa, ipa + GRANULE_SIZE);
	}
	series_end();
	if (realm_ram(realm, RAM_BASE, RAM_BASE + RAM_SIZE, true) != RMI_SUCCESS) {
		series_failed("RAM of", RAM_SIZE);
	}
}

void measure_granules(void)
{
	const uint64_t step = BENCH_SAMPLES * (uint64_t)GRANULE_SIZE;
	struct rig_realm *realm;

	delegate_and_back();
	realm = realm_make();
	init_ripas(realm);
	create_data("RMI_DATA_CREATE:measured", realm, RAM_BASE, RMI_DATA_MEASURE);
	create_data("RMI_DATA_CREATE:unmeasured", realm, RAM_BASE + step, RMI_DATA_NO_MEASURE);
	create_unknown(realm, RAM_BASE + 2U * step);
	destroy_data(realm, RAM_BASE + 2U * step);
	clean_up();
}
