/* SPDX-License-Identifier: BSD-3-Clause */
/* Translation tables, and what the host maps into a realm. */
#include <abi/rmi.h>

#include "bench.h"
#include "granules.h"
#include "realm.h"

#define LEVEL_PAGE 3
#define BLOCK_SIZE UINT64_C(0x200000)
#define PAGES	   (BLOCK_SIZE / GRANULE_SIZE)

/* Of a full table: each sample moves or reads 512 entries. */
#define FULL_SAMPLES 3U

static void create(const char *name, const struct rig_realm *realm, uint64_t rtt)
{
	series_begin(name);
	for (unsigned int n = 0; n < BENCH_SAMPLES; n++) {
		(void)sample(RMI_RTT_CREATE, realm->rd, rtt + (uint64_t)n * GRANULE_SIZE,
			     n * BLOCK_SIZE, LEVEL_PAGE);
	}
	series_end();
}

static void take_back(const char *name, uint64_t fid, const struct rig_realm *realm)
{
	series_begin(name);
	for (unsigned int n = 0; n < BENCH_SAMPLES; n++) {
		(void)sample(fid, realm->rd, n * BLOCK_SIZE, LEVEL_PAGE);
	}
	series_end();
}

static void empty_tables(const struct rig_realm *realm)
{
	uint64_t rtt = granules_take_delegated(BENCH_SAMPLES, GRANULE_SIZE);

	create("RMI_RTT_CREATE", realm, rtt);
	take_back("RMI_RTT_FOLD", RMI_RTT_FOLD, realm);
	for (unsigned int n = 0; n < BENCH_SAMPLES; n++) {
		(void)rmi(RMI_RTT_CREATE, realm->rd, rtt + (uint64_t)n * GRANULE_SIZE,
			  n * BLOCK_SIZE, LEVEL_PAGE);
	}
	take_back("RMI_RTT_DESTROY", RMI_RTT_DESTROY, realm);
}

static void fill(struct rig_realm *realm, uint64_t ipa)
{
	uint64_t data = granules_take_delegated(PAGES, BLOCK_SIZE);

	(void)realm_tables(realm, ipa, LEVEL_PAGE);
	for (uint64_t at = 0; at < BLOCK_SIZE; at += GRANULE_SIZE) {
		uint64_t status =
			rmi_status(RMI_DATA_CREATE_UNKNOWN, realm->rd, data + at, ipa + at);

		if (status != RMI_SUCCESS) {
			series_failed("RMI_DATA_CREATE_UNKNOWN", status);
		}
	}
}

static void full_table(struct rig_realm *realm)
{
	uint64_t ipa = BLOCK_SIZE * BENCH_SAMPLES;
	uint64_t rtt = 0;

	fill(realm, ipa);
	series_begin("RMI_RTT_FOLD:512-pages");
	for (unsigned int n = 0; n < FULL_SAMPLES; n++) {
		rtt = sample(RMI_RTT_FOLD, realm->rd, ipa, LEVEL_PAGE).x[1];
		(void)rmi(RMI_RTT_CREATE, realm->rd, rtt, ipa, LEVEL_PAGE);
	}
	series_end();
	series_begin("RMI_RTT_CREATE:512-pages");
	for (unsigned int n = 0; n < FULL_SAMPLES; n++) {
		rtt = rmi(RMI_RTT_FOLD, realm->rd, ipa, LEVEL_PAGE).x[1];
		(void)sample(RMI_RTT_CREATE, realm->rd, rtt, ipa, LEVEL_PAGE);
	}
	series_end();
}

static void unprotected(struct rig_realm *realm)
{
	uint64_t base = realm_shared_bit(realm);
	uint64_t pa = granules_take(BENCH_SAMPLES, GRANULE_SIZE);

	(void)realm_tables(realm, base, LEVEL_PAGE);
	series_begin("RMI_RTT_MAP_UNPROTECTED");
	for (uint64_t at = 0; at < BENCH_SAMPLES * (uint64_t)GRANULE_SIZE; at += GRANULE_SIZE) {
		(void)sample(RMI_RTT_MAP_UNPROTECTED, realm->rd, base + at, LEVEL_PAGE,
			     (pa + at) | UNPROTECTED_RW);
	}
	series_end();
	series_begin("RMI_RTT_UNMAP_UNPROTECTED");
	for (uint64_t at = 0; at < BENCH_SAMPLES * (uint64_t)GRANULE_SIZE; at += GRANULE_SIZE) {
		(void)sample(RMI_RTT_UNMAP_UNPROTECTED, realm->rd, base + at, LEVEL_PAGE);
	}
	series_end();
}

static void read_entry(const struct rig_realm *realm)
{
	series_begin("RMI_RTT_READ_ENTRY");
	for (unsigned int n = 0; n < BENCH_SAMPLES; n++) {
		(void)sample(RMI_RTT_READ_ENTRY, realm->rd, (uint64_t)n * GRANULE_SIZE, LEVEL_PAGE);
	}
	series_end();
}

void measure_tables(void)
{
	struct rig_realm *realm = realm_make();

	empty_tables(realm);
	read_entry(realm);
	full_table(realm);
	unprotected(realm);
	clean_up();
}
