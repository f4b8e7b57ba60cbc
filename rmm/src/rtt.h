/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Realm translation tables: stage 2 descriptors that the PE walks, which also hold what the PE
 * ignores (the state of an entry that is not mapped). A table belongs to the holder of the lock of
 * its granule, which has state RTT. Start-level tables are found through the RD, every other table
 * through exactly one TABLE entry; so a walk locks hand over hand from the root.
 *
 *   bits [1:0] = 0: not mapped. [3:2] what it is, [5:4] RIPAS, [47:12] PA if ASSIGNED.
 *   otherwise a valid descriptor: TABLE, ASSIGNED with RIPAS RAM, or (bit 55) ASSIGNED_NS.
 */
#pragma once

#include <abi/rmi.h>
#include <lib/bits.h>
#include <lib/types.h>

#define RTT_LEVEL_LAST	  3
#define RTT_INDEX_BITS	  9U
#define RTT_ENTRY_COUNT	  (1U << RTT_INDEX_BITS)
#define RTT_MAX_NUM_START 16U

enum rtt_state {
	RTT_UNASSIGNED,
	RTT_ASSIGNED,
	RTT_UNASSIGNED_NS,
	RTT_ASSIGNED_NS,
	RTT_TABLE,
};

/* What a descriptor says. `ripas` is an RMI_RIPAS_ value, for UNASSIGNED and ASSIGNED only. */
struct rtt_entry {
	enum rtt_state state;
	uint32_t ripas;
	struct pa pa;
	uint64_t ns_attributes; /* ASSIGNED_NS: MemAttr and S2AP, in place */
};

/* The stage 2 geometry of a realm; constant from RMI_REALM_CREATE on. */
struct stage2 {
	struct pa root; /* first of `root_count` contiguous start-level tables */
	uint32_t root_count;
	int32_t start_level;
	uint32_t ipa_bits;
	uint32_t vmid;
};

/* A position in the tables: `table` is locked, `level` is its level. */
struct rtt_walk {
	struct pa table;
	uint64_t *entries;
	uint32_t index;
	int32_t level;
};

/* Bytes that one entry at `level` maps: their logarithm, and they. */
static inline unsigned int rtt_entry_shift(int64_t level)
{
	return GRANULE_SHIFT + RTT_INDEX_BITS * (unsigned int)(RTT_LEVEL_LAST - level);
}

static inline uint64_t rtt_entry_size(int64_t level)
{
	return bit64(rtt_entry_shift(level));
}

/* Whether `ipa` is below the IPA width. */
static inline bool rtt_is_in_space(const struct stage2 *s2, uint64_t ipa)
{
	return ipa < bit64(s2->ipa_bits);
}

static inline bool rtt_is_protected(const struct stage2 *s2, uint64_t ipa)
{
	return ipa < bit64(s2->ipa_bits - 1U);
}

/* Whether [base, top) is aligned to granules, not empty and wholly protected. */
bool rtt_is_protected_range(const struct stage2 *s2, uint64_t base, uint64_t top);

struct rtt_entry rtt_decode(uint64_t descriptor, int32_t level);
uint64_t rtt_encode(const struct rtt_entry *entry, int32_t level);
/*
 * What to add to an entry's descriptor for the one beside it that maps the next address, if either
 * maps any. The PA has its own place in every descriptor that has one.
 */
uint64_t rtt_next_address(const struct rtt_entry *entry, int32_t level);
/* Whether the PE may have cached the descriptor: it is valid. */
bool rtt_is_valid(uint64_t descriptor);

/* Makes the start-level tables, whose granules the caller holds, empty. */
void rtt_init_roots(const struct stage2 *s2);

/*
 * Walks towards the entry for `ipa` (in space) at `level`, and stops there or at the first entry
 * that is no TABLE. The table reached is left locked: end with rtt_walk_end().
 */
void rtt_walk_start(struct rtt_walk *walk, const struct stage2 *s2, uint64_t ipa, int64_t level);
void rtt_walk_end(const struct rtt_walk *walk);

struct rtt_entry rtt_walk_entry(const struct rtt_walk *walk);

/* Replaces the entry reached. If it was valid, its mapping is broken first: `ipa` lies in it. */
void rtt_walk_set(const struct rtt_walk *walk, const struct stage2 *s2, uint64_t ipa,
		  const struct rtt_entry *entry);

/* Address of the first live entry of the table reached, from the one for `ipa` on, or its end. */
uint64_t rtt_walk_next_live(const struct rtt_walk *walk, uint64_t ipa);
