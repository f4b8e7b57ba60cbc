/* SPDX-License-Identifier: BSD-3-Clause */
#include "fuzz.h"

/* A table that is being looked at, and what it maps. */
struct table {
	const struct stage2 *s2;
	uint64_t pa;
	uint64_t ipa;
	int32_t level;
	uint8_t *owners;
};

static void own(uint8_t owners[GRANULES], uint64_t pa, uint64_t size)
{
	for (uint64_t at = pa; at < pa + size; at += GRANULE_SIZE) {
		MUST(at - FAKE_DRAM_BASE < FAKE_DRAM_SIZE, "0x%lx is mapped", at);
		owners[(at - FAKE_DRAM_BASE) / GRANULE_SIZE]++;
	}
}

static void check_assigned(const struct table *table, const struct rtt_entry *entry, uint64_t size)
{
	MUST(entry->pa.value % size == 0U, "0x%lx is mapped at level %d", entry->pa.value,
	     table->level);
	for (uint64_t at = 0; at < size; at += GRANULE_SIZE) {
		MUST(granules_state(entry->pa.value + at) == GRANULE_DATA,
		     "0x%lx is mapped in state %u", entry->pa.value + at,
		     granules_state(entry->pa.value + at));
	}
	own(table->owners, entry->pa.value, size);
}

static void check_table(const struct table *table);

static void check_entry(const struct table *table, uint64_t descriptor, uint64_t ipa, uint64_t size)
{
	struct rtt_entry entry = rtt_decode(descriptor, table->level);
	struct table child = *table;
	bool protected = rtt_is_protected(table->s2, ipa);

	MUST(rtt_encode(&entry, table->level) == descriptor, "descriptor 0x%lx at level %d",
	     descriptor, table->level);
	MUST(entry.ripas <= RMI_RIPAS_DESTROYED, "RIPAS %u at 0x%lx", entry.ripas, ipa);
	switch (entry.state) {
	case RTT_TABLE:
		MUST(granules_state(entry.pa.value) == GRANULE_RTT, "table 0x%lx in state %u",
		     entry.pa.value, granules_state(entry.pa.value));
		child.pa = entry.pa.value;
		child.ipa = ipa;
		child.level++;
		own(table->owners, child.pa, GRANULE_SIZE);
		check_table(&child);
		break;
	case RTT_ASSIGNED:
		MUST(protected, "data at the unprotected 0x%lx", ipa);
		check_assigned(table, &entry, size);
		break;
	case RTT_UNASSIGNED:
		MUST(protected, "no data at the unprotected 0x%lx", ipa);
		break;
	case RTT_ASSIGNED_NS:
		MUST(table->level >= 1 && entry.pa.value % size == 0U,
		     "0x%lx is mapped at level %d", entry.pa.value, table->level);
		MUST(!protected, "the host's memory at the protected 0x%lx", ipa);
		break;
	case RTT_UNASSIGNED_NS:
	default:
		MUST(!protected, "unprotected entry at the protected 0x%lx", ipa);
		break;
	}
}

static void check_table(const struct table *table)
{
	const uint64_t *descriptors = fake_memory(table->pa);
	uint64_t size = rtt_entry_size(table->level);

	/* Most tables are filled with the same: equal neighbours that lead nowhere are checked
	 * once. */
	for (uint64_t n = 0; n < RTT_ENTRY_COUNT; n++) {
		uint64_t ipa = table->ipa + n * size;

		if (n != 0U && descriptors[n] == descriptors[n - 1U] && descriptors[n] < 0x40U &&
		    rtt_is_protected(table->s2, ipa) == rtt_is_protected(table->s2, ipa - size)) {
			continue;
		}
		check_entry(table, descriptors[n], ipa, size);
	}
}

void tables_check(const struct realm *realm, uint8_t owners[GRANULES])
{
	const struct stage2 *s2 = &realm->s2;
	uint64_t span = rtt_entry_size(s2->start_level) * RTT_ENTRY_COUNT;

	for (uint32_t n = 0; n < s2->root_count; n++) {
		struct table root = {
			.s2 = s2,
			.pa = s2->root.value + n * GRANULE_SIZE,
			.ipa = n * span,
			.level = s2->start_level,
			.owners = owners,
		};

		own(owners, root.pa, GRANULE_SIZE);
		check_table(&root);
	}
}
