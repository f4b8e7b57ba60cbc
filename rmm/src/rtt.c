/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rmi.h>
#include <lib/bits.h>
#include <lib/check.h>

#include "granule.h"
#include "memory.h"
#include "rtt.h"
#include "tlb.h"

/* Arm ARM D8.3: VMSAv8-64 stage 2 descriptors with FEAT_S2FWB, Realm state. */
#define DESC_TYPE_MASK	UINT64_C(0x3)
#define DESC_BLOCK	UINT64_C(0x1)
#define DESC_TABLE	UINT64_C(0x3)
#define DESC_PAGE	UINT64_C(0x3)
#define DESC_MEMATTR_WB (UINT64_C(6) << 2)
#define DESC_S2AP_RW	(UINT64_C(3) << 6)
#define DESC_SH_INNER	(UINT64_C(3) << 8)
#define DESC_AF		(UINT64_C(1) << 10)
#define DESC_XN		(UINT64_C(2) << 53)
#define DESC_NS		(UINT64_C(1) << 55)
#define DESC_PA_MASK	UINT64_C(0x0000FFFFFFFFF000)

/* Descriptors that are not valid: ours to define. */
#define SOFT_STATE_MASK	   UINT64_C(0x0C)
#define SOFT_RIPAS_MASK	   UINT64_C(0x30)

#define NS_ATTRIBUTES_MASK (RMI_UNPROT_MEMATTR_MASK | RMI_UNPROT_S2AP_MASK)

bool rtt_is_protected_range(const struct stage2 *s2, uint64_t base, uint64_t top)
{
	return is_aligned(base | top, GRANULE_SIZE) && base < top &&
	       top <= bit64(s2->ipa_bits - 1U);
}

bool rtt_is_valid(uint64_t descriptor)
{
	return (descriptor & DESC_TYPE_MASK) != 0U;
}

struct rtt_entry rtt_decode(uint64_t descriptor, int32_t level)
{
	struct rtt_entry entry = { .pa = pa_make(descriptor & DESC_PA_MASK) };

	if (!rtt_is_valid(descriptor)) {
		entry.state = (enum rtt_state)field_get(descriptor, SOFT_STATE_MASK);
		entry.ripas = (uint32_t)field_get(descriptor, SOFT_RIPAS_MASK);
	} else if (level < RTT_LEVEL_LAST && (descriptor & DESC_TYPE_MASK) == DESC_TABLE) {
		entry.state = RTT_TABLE;
	} else if ((descriptor & DESC_NS) != 0U) {
		entry.state = RTT_ASSIGNED_NS;
		entry.ns_attributes = descriptor & NS_ATTRIBUTES_MASK;
	} else {
		entry.state = RTT_ASSIGNED;
		entry.ripas = RMI_RIPAS_RAM;
	}
	return entry;
}

uint64_t rtt_next_address(const struct rtt_entry *entry, int32_t level)
{
	bool has_pa = entry->state == RTT_ASSIGNED || entry->state == RTT_ASSIGNED_NS;

	return has_pa ? rtt_entry_size(level) : 0U;
}

uint64_t rtt_encode(const struct rtt_entry *entry, int32_t level)
{
	uint64_t leaf = entry->pa.value | DESC_AF | DESC_SH_INNER |
			(level == RTT_LEVEL_LAST ? DESC_PAGE : DESC_BLOCK);

	if (entry->state == RTT_TABLE) {
		return entry->pa.value | DESC_TABLE;
	}
	if (entry->state == RTT_ASSIGNED_NS) {
		return leaf | entry->ns_attributes | DESC_XN | DESC_NS;
	}
	if (entry->state == RTT_ASSIGNED && entry->ripas == RMI_RIPAS_RAM) {
		return leaf | DESC_MEMATTR_WB | DESC_S2AP_RW;
	}
	return entry->pa.value | field_make((uint64_t)entry->state, SOFT_STATE_MASK) |
	       field_make(entry->ripas, SOFT_RIPAS_MASK);
}

void rtt_init_roots(const struct stage2 *s2)
{
	const struct rtt_entry empty = { .state = RTT_UNASSIGNED, .ripas = RMI_RIPAS_EMPTY };
	const struct rtt_entry none = { .state = RTT_UNASSIGNED_NS };
	uint64_t protected = rtt_encode(&empty, s2->start_level);
	uint64_t unprotected = rtt_encode(&none, s2->start_level);
	uint64_t size = rtt_entry_size(s2->start_level);

	for (uint64_t n = 0; n < s2->root_count * (uint64_t)RTT_ENTRY_COUNT; n++) {
		struct pa table = pa_make(s2->root.value + n / RTT_ENTRY_COUNT * GRANULE_SIZE);
		uint64_t *entries = memory_realm(table);
		bool is_lower = n < bit64(s2->ipa_bits - 1U) / size;

		entries[n % RTT_ENTRY_COUNT] = is_lower ? protected : unprotected;
	}
	tlb_publish();
}

static void enter_table(struct rtt_walk *walk, struct pa table, uint64_t ipa, int32_t level)
{
	granule_lock_known(table, GRANULE_RTT);
	walk->table = table;
	walk->entries = memory_realm(table);
	walk->level = level;
	walk->index = (uint32_t)((ipa >> rtt_entry_shift(level)) % RTT_ENTRY_COUNT);
}

void rtt_walk_start(struct rtt_walk *walk, const struct stage2 *s2, uint64_t ipa, int64_t level)
{
	uint64_t root = ipa >> (rtt_entry_shift(s2->start_level) + RTT_INDEX_BITS);

	CHECK(root < s2->root_count);
	enter_table(walk, pa_make(s2->root.value + root * GRANULE_SIZE), ipa, s2->start_level);
	while (walk->level < level) {
		struct rtt_entry entry = rtt_walk_entry(walk);
		struct pa parent = walk->table;

		if (entry.state != RTT_TABLE) {
			break;
		}
		enter_table(walk, entry.pa, ipa, walk->level + 1);
		granule_unlock(parent);
	}
}

void rtt_walk_end(const struct rtt_walk *walk)
{
	granule_unlock(walk->table);
}

struct rtt_entry rtt_walk_entry(const struct rtt_walk *walk)
{
	return rtt_decode(walk->entries[walk->index], walk->level);
}

void rtt_walk_set(const struct rtt_walk *walk, const struct stage2 *s2, uint64_t ipa,
		  const struct rtt_entry *entry)
{
	uint64_t *at = &walk->entries[walk->index];
	uint64_t descriptor = rtt_encode(entry, walk->level);

	if (rtt_is_valid(*at)) {
		__atomic_store_n(at, 0, __ATOMIC_RELAXED);
		tlb_flush_entry(s2, ipa);
	}
	__atomic_store_n(at, descriptor, __ATOMIC_RELEASE);
	tlb_publish();
}

static bool is_live(uint64_t descriptor)
{
	return rtt_is_valid(descriptor) || field_get(descriptor, SOFT_STATE_MASK) == RTT_ASSIGNED;
}

uint64_t rtt_walk_next_live(const struct rtt_walk *walk, uint64_t ipa)
{
	uint64_t size = rtt_entry_size(walk->level);
	uint64_t at = align_down(ipa, size);

	for (uint32_t n = walk->index; n < RTT_ENTRY_COUNT; n++, at += size) {
		if (is_live(walk->entries[n])) {
			/* `ipa` may lie in the middle of the first entry. */
			return n == walk->index ? ipa : at;
		}
	}
	return at;
}
