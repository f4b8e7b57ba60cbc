/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>

#include "memory.h"
#include "rmi/rmi.h"
#include "rmi/walk.h"
#include "tlb.h"

/* The child table of a command that names it by `ipa` and its own `level`: locked, with parent. */
struct child {
	struct rtt_walk parent;
	struct rtt_entry entry; /* the parent's, before the command */
	uint64_t *entries;
};

/* Walks to the entry for the table of `level`; false is RMI_ERROR_INPUT. */
static bool walk_to_parent(const struct rmi_call *call, uint64_t ipa, int64_t level,
			   struct stage2 *s2, struct rtt_walk *walk)
{
	return level > 0 && level <= RTT_LEVEL_LAST &&
	       rmi_walk(pa_make(call->x[1]), ipa, level - 1, RMI_PART_ANY, s2, walk);
}

/* The new table maps what the parent's entry mapped, in smaller entries. */
static void fill_table(uint64_t *entries, const struct rtt_entry *parent, int32_t level)
{
	uint64_t descriptor = rtt_encode(parent, level);
	uint64_t step = rtt_next_address(parent, level);

#pragma GCC unroll 8
	for (uint32_t n = 0; n < RTT_ENTRY_COUNT; n++, descriptor += step) {
		entries[n] = descriptor;
	}
	tlb_publish();
}

/* `rtt` is locked; it is unlocked as the table that it became, or else left to the caller. */
static uint64_t create(const struct rmi_call *call, struct pa rtt)
{
	uint64_t ipa = call->x[3];
	int64_t level = (int64_t)call->x[4];
	struct rtt_entry table = { .state = RTT_TABLE, .pa = rtt };
	struct rtt_entry old;
	struct rtt_walk walk;
	struct stage2 s2;
	uint64_t status;

	if (!walk_to_parent(call, ipa, level, &s2, &walk)) {
		return RMI_ERROR_INPUT;
	}
	old = rtt_walk_entry(&walk);
	if (walk.level < level - 1 || old.state == RTT_TABLE) {
		status = rmi_status(RMI_ERROR_RTT, walk.level);
	} else {
		fill_table(memory_realm(rtt), &old, walk.level + 1);
		rtt_walk_set(&walk, &s2, ipa, &table);
		/* Before anybody can follow the new entry. */
		granule_unlock_as(rtt, GRANULE_RTT);
		status = RMI_SUCCESS;
	}
	rtt_walk_end(&walk);
	return status;
}

void rmi_rtt_create(struct rmi_call *call)
{
	struct pa rtt = pa_make(call->x[2]);

	if (!granule_lock(rtt, GRANULE_DELEGATED)) {
		call->result[0] = RMI_ERROR_INPUT;
		return;
	}
	call->result[0] = create(call, rtt);
	if (call->result[0] != RMI_SUCCESS) {
		granule_unlock(rtt);
	}
}

/*
 * Finds the child table and locks it. On success returns RMI_SUCCESS with both locked; otherwise a
 * status, with the parent locked if that is an RTT error.
 */
static uint64_t open_child(const struct rmi_call *call, uint64_t ipa, int64_t level,
			   struct stage2 *s2, struct child *child)
{
	if (!walk_to_parent(call, ipa, level, s2, &child->parent)) {
		return RMI_ERROR_INPUT;
	}
	child->entry = rtt_walk_entry(&child->parent);
	if (child->parent.level < level - 1 || child->entry.state != RTT_TABLE) {
		return rmi_status(RMI_ERROR_RTT, child->parent.level);
	}
	granule_lock_known(child->entry.pa, GRANULE_RTT);
	child->entries = memory_realm(child->entry.pa);
	return RMI_SUCCESS;
}

static void close_child(const struct child *child)
{
	granule_unlock(child->entry.pa);
	rtt_walk_end(&child->parent);
}

/* A table of unprotected entries may be destroyed with mappings in it: they are the host's own. */
static bool table_is_live(const uint64_t *entries, int32_t level, bool *has_mappings)
{
	uint64_t before = ~entries[0];

	*has_mappings = false;
	for (uint32_t n = 0; n < RTT_ENTRY_COUNT; n++) {
		enum rtt_state state;

		/* Most entries repeat the one before, and so its answer. */
		if (entries[n] == before) {
			continue;
		}
		before = entries[n];
		state = rtt_decode(entries[n], level).state;
		if (state == RTT_TABLE || state == RTT_ASSIGNED) {
			return true;
		}
		*has_mappings = *has_mappings || state == RTT_ASSIGNED_NS;
	}
	return false;
}

void rmi_rtt_destroy(struct rmi_call *call)
{
	uint64_t ipa = call->x[2];
	int64_t level = (int64_t)call->x[3];
	struct rtt_entry gone = { .state = RTT_UNASSIGNED, .ripas = RMI_RIPAS_DESTROYED };
	struct child child;
	struct stage2 s2;
	bool has_mappings;

	call->result[0] = open_child(call, ipa, level, &s2, &child);
	if (call->result[0] == RMI_ERROR_INPUT) {
		return;
	}
	if (call->result[0] != RMI_SUCCESS) {
		call->result[2] = rtt_walk_next_live(&child.parent, ipa);
		rtt_walk_end(&child.parent);
		return;
	}
	if (table_is_live(child.entries, child.parent.level + 1, &has_mappings)) {
		close_child(&child);
		call->result[0] = rmi_status(RMI_ERROR_RTT, level);
		call->result[2] = ipa;
		return;
	}
	if (!rtt_is_protected(&s2, ipa)) {
		gone = (struct rtt_entry){ .state = RTT_UNASSIGNED_NS };
	}
	rtt_walk_set(&child.parent, &s2, ipa, &gone);
	if (has_mappings) {
		tlb_flush_realm(&s2);
	}
	granule_release(child.entry.pa);
	call->result[1] = child.entry.pa.value;
	call->result[2] = rtt_walk_next_live(&child.parent, ipa);
	rtt_walk_end(&child.parent);
}

/* Whether all entries say the same, and map contiguous memory if they map any. */
static bool is_homogeneous(const uint64_t *entries, int32_t level)
{
	struct rtt_entry first = rtt_decode(entries[0], level);
	uint64_t step = rtt_next_address(&first, level);
	uint64_t expected = entries[0];

	if (first.state == RTT_TABLE ||
	    (step != 0U && !is_aligned(first.pa.value, rtt_entry_size(level - 1)))) {
		return false;
	}
#pragma GCC unroll 8
	for (uint32_t n = 0; n < RTT_ENTRY_COUNT; n++, expected += step) {
		if (entries[n] != expected) {
			return false;
		}
	}
	return true;
}

static uint64_t fold(struct child *child, const struct stage2 *s2, uint64_t ipa)
{
	int32_t level = child->parent.level + 1;
	struct rtt_entry block = rtt_decode(child->entries[0], level);
	bool has_pa = block.state == RTT_ASSIGNED || block.state == RTT_ASSIGNED_NS;

	if (!is_homogeneous(child->entries, level)) {
		return rmi_status(RMI_ERROR_RTT, level);
	}
	if (has_pa && level <= 1) {
		/* There are no blocks at level 0. */
		return rmi_status(RMI_ERROR_RTT, level - 1);
	}
	if (rtt_is_valid(child->entries[0])) {
		/* Break all before the block is made: no PE may hold both sizes at once. */
		child->parent.entries[child->parent.index] = 0;
		tlb_flush_realm(s2);
	}
	rtt_walk_set(&child->parent, s2, ipa, &block);
	return RMI_SUCCESS;
}

void rmi_rtt_fold(struct rmi_call *call)
{
	uint64_t ipa = call->x[2];
	int64_t level = (int64_t)call->x[3];
	struct child child;
	struct stage2 s2;

	call->result[0] = open_child(call, ipa, level, &s2, &child);
	if (call->result[0] == RMI_ERROR_INPUT) {
		return;
	}
	if (call->result[0] != RMI_SUCCESS) {
		rtt_walk_end(&child.parent);
		return;
	}
	call->result[0] = fold(&child, &s2, ipa);
	if (call->result[0] != RMI_SUCCESS) {
		close_child(&child);
		return;
	}
	granule_release(child.entry.pa);
	rtt_walk_end(&child.parent);
	call->result[1] = child.entry.pa.value;
}

static void describe(struct rmi_call *call, const struct rtt_entry *entry)
{
	switch (entry->state) {
	case RTT_UNASSIGNED:
		call->result[2] = RMI_UNASSIGNED;
		call->result[4] = entry->ripas;
		break;
	case RTT_ASSIGNED:
		call->result[2] = RMI_ASSIGNED;
		call->result[3] = entry->pa.value;
		call->result[4] = entry->ripas;
		break;
	case RTT_ASSIGNED_NS:
		call->result[2] = RMI_ASSIGNED;
		call->result[3] = entry->pa.value | entry->ns_attributes;
		break;
	case RTT_TABLE:
		call->result[2] = RMI_TABLE;
		call->result[3] = entry->pa.value;
		break;
	case RTT_UNASSIGNED_NS:
	default:
		call->result[2] = RMI_UNASSIGNED;
		break;
	}
}

void rmi_rtt_read_entry(struct rmi_call *call)
{
	struct pa rd = pa_make(call->x[1]);
	int64_t level = (int64_t)call->x[3];
	struct rtt_entry entry;
	struct rtt_walk walk;
	struct stage2 s2;

	call->result[4] = 0;
	if (!rmi_walk(rd, call->x[2], level, RMI_PART_ANY, &s2, &walk)) {
		call->result[0] = RMI_ERROR_INPUT;
		return;
	}
	entry = rtt_walk_entry(&walk);
	rtt_walk_end(&walk);
	call->result[0] = RMI_SUCCESS;
	call->result[1] = (uint64_t)walk.level;
	describe(call, &entry);
}
