/* SPDX-License-Identifier: BSD-3-Clause */
/* By RMI calls alone the host gets everything back, whatever went before. */
#include "fuzz.h"

static void must_succeed(const char *what, uint64_t pa, uint64_t status)
{
	MUST(status == RMI_SUCCESS, "teardown: %s of 0x%lx gives 0x%lx", what, pa, status);
}

static void destroy_entries(uint64_t rd, const struct stage2 *s2, uint64_t table, uint64_t ipa,
			    int32_t level);

static void destroy_entry(uint64_t rd, const struct stage2 *s2, uint64_t descriptor, uint64_t ipa,
			  int32_t level)
{
	struct rtt_entry entry = rtt_decode(descriptor, level);

	if (entry.state == RTT_ASSIGNED && level == RTT_LEVEL_LAST) {
		must_succeed("DATA_DESTROY", ipa, rmi(RMI_DATA_DESTROY, rd, ipa, 0, 0, 0));
		return;
	}
	if (entry.state == RTT_ASSIGNED) {
		/* A block: data is destroyed by the page. */
		must_succeed("RTT_CREATE", ipa,
			     rmi(RMI_RTT_CREATE, rd, SPARE, ipa, (uint64_t)level + 1U, 0));
		entry.state = RTT_TABLE;
		entry.pa = pa_make(SPARE);
	}
	if (entry.state == RTT_TABLE) {
		destroy_entries(rd, s2, entry.pa.value, ipa, level + 1);
		must_succeed("RTT_DESTROY", ipa,
			     rmi(RMI_RTT_DESTROY, rd, ipa, (uint64_t)level + 1U, 0, 0));
		MUST(regs.x[1] == entry.pa.value, "RTT_DESTROY gave back 0x%lx", regs.x[1]);
	}
}

static void destroy_entries(uint64_t rd, const struct stage2 *s2, uint64_t table, uint64_t ipa,
			    int32_t level)
{
	const uint64_t *descriptors = fake_memory(table);

	for (uint64_t n = 0; n < RTT_ENTRY_COUNT; n++) {
		destroy_entry(rd, s2, descriptors[n], ipa + n * rtt_entry_size(level), level);
	}
}

static void destroy_realm(uint64_t rd)
{
	struct stage2 s2 = ((const struct realm *)fake_memory(rd))->s2;
	uint64_t span = rtt_entry_size(s2.start_level) * RTT_ENTRY_COUNT;

	for (uint64_t n = 0; n < s2.root_count; n++) {
		destroy_entries(rd, &s2, s2.root.value + n * GRANULE_SIZE, n * span,
				s2.start_level);
	}
	must_succeed("REALM_DESTROY", rd, rmi(RMI_REALM_DESTROY, rd, 0, 0, 0, 0));
	MUST(realm_reserve_vmid(s2.vmid), "VMID %u is not free", s2.vmid);
	realm_free_vmid(s2.vmid);
}

void teardown(void)
{
	static const uint8_t zeros[GRANULE_SIZE];

	fake_ns_fault = 0;
	must_succeed("DELEGATE", SPARE, delegate(SPARE));
	for (size_t n = 0; n < POOL_SIZE; n++) {
		if (granules_state(pool_pa(n)) == GRANULE_REC) {
			must_succeed("REC_DESTROY", pool_pa(n),
				     rmi(RMI_REC_DESTROY, pool_pa(n), 0, 0, 0, 0));
		}
	}
	for (size_t n = 0; n < POOL_SIZE; n++) {
		if (granules_state(pool_pa(n)) == GRANULE_RD) {
			destroy_realm(pool_pa(n));
		}
	}
	for (uint64_t pa = FAKE_DRAM_BASE; pa < FAKE_DRAM_BASE + FAKE_DRAM_SIZE;
	     pa += GRANULE_SIZE) {
		if (granules_state(pa) == GRANULE_UNDELEGATED) {
			continue;
		}
		must_succeed("UNDELEGATE", pa, rmi(RMI_GRANULE_UNDELEGATE, pa, 0, 0, 0, 0));
		MUST(memcmp(fake_memory(pa), zeros, GRANULE_SIZE) == 0, "0x%lx is not wiped", pa);
	}
}
