/* SPDX-License-Identifier: BSD-3-Clause */
#include "fault.h"
#include "granule.h"

#define LEVEL_BLOCK 2
#define LEVEL_PAGE  3

/* Stage-2 attributes that the host chooses: Normal write-back (with FWB), read and write. */
#define MEMATTR_NORMAL UINT64_C(6)
#define S2AP_RW	       UINT64_C(3)

/* False, with the realm ended, if faults on one address do not stop. */
static bool makes_progress(struct vcpu *vcpu, uint64_t ipa)
{
	if (ipa != vcpu->last_fault) {
		vcpu->last_fault = ipa;
		vcpu->same_faults = 0;
	}
	if (++vcpu->same_faults <= MAX_SAME_FAULTS) {
		return true;
	}
	realm_kill(vcpu->realm, "vCPU %u faults on ipa 0x%lx again and again", vcpu->index,
		   (unsigned long)ipa);
	return false;
}

/* Gives the realm a page at `ipa`; true also if there is one. The level 3 table exists. */
static bool populate_page(struct realm *realm, uint64_t ipa)
{
	struct rmi_result result;
	struct pa page;

	if (!granule_take(&page)) {
		return false;
	}
	result = rmi_data_create_unknown(realm->rd, page, ipa_make(ipa));
	if (rmi_ok(result)) {
		return true;
	}
	granule_give_back(page);
	return rmi_is_rtt_error(result, LEVEL_PAGE);
}

static bool populate_around(struct realm *realm, uint64_t ipa)
{
	/* RAM is made of blocks, and a piece is part of one: it cannot reach beyond RAM. */
	uint64_t base = align_down(ipa, POPULATE_SIZE);

	for (uint64_t at = base; at < base + POPULATE_SIZE; at += PAGE_SIZE) {
		if (!populate_page(realm, at)) {
			return false;
		}
	}
	return true;
}

_Static_assert(BLOCK_SIZE % POPULATE_SIZE == 0, "a piece lies in one block");

static void populate(struct vcpu *vcpu, uint64_t ipa, const struct rmi_entry *entry)
{
	struct realm *realm = vcpu->realm;

	if (entry->ripas == RMI_RIPAS_DESTROYED) {
		realm_kill(realm, "vCPU %u touched ipa 0x%lx, whose content was destroyed",
			   vcpu->index, (unsigned long)ipa);
		return;
	}
	if (entry->state != RMI_UNASSIGNED) {
		/* Another vCPU was faster. */
		return;
	}
	if (entry->level < LEVEL_PAGE && !realm_create_rtt(realm, ipa_make(ipa), LEVEL_PAGE)) {
		realm_kill(realm, "no translation table for ipa 0x%lx", (unsigned long)ipa);
		return;
	}
	if (!populate_around(realm, ipa)) {
		realm_kill(realm, "no memory for ipa 0x%lx", (unsigned long)ipa);
	}
}

void fault_on_private(struct vcpu *vcpu, uint64_t ipa)
{
	struct realm *realm = vcpu->realm;
	uint64_t page = align_down(ipa, PAGE_SIZE);
	struct rmi_entry entry;
	struct rmi_result result;

	if (!makes_progress(vcpu, page)) {
		return;
	}
	spin_lock(&realm->memory_lock);
	result = rmi_rtt_read_entry(realm->rd, ipa_make(page), LEVEL_PAGE, &entry);
	if (rmi_ok(result)) {
		populate(vcpu, page, &entry);
	} else {
		realm_kill(realm, "RMI_RTT_READ_ENTRY at ipa 0x%lx: %s", (unsigned long)page,
			   rmi_status_name(result));
	}
	spin_unlock(&realm->memory_lock);
}

static struct rmi_result map(const struct realm *realm, uint64_t ipa, int level)
{
	uint64_t size = level == LEVEL_BLOCK ? BLOCK_SIZE : PAGE_SIZE;
	uint64_t base = align_down(ipa, size);
	uint64_t pa = realm->window.pa + (base - REALM_RAM_BASE);
	uint64_t desc = pa | field_make(MEMATTR_NORMAL, RMI_UNPROT_MEMATTR_MASK) |
			field_make(S2AP_RW, RMI_UNPROT_S2AP_MASK);

	return rmi_rtt_map_unprotected(realm->rd, ipa_make(base | REALM_SHARED_BIT), level, desc);
}

/*
 * The window has blocks where RAM has them, so one call maps 2 MiB, unless a table is in the way.
 * An entry that is mapped already means that another vCPU was faster.
 */
void fault_on_shared(struct vcpu *vcpu, uint64_t ipa)
{
	struct realm *realm = vcpu->realm;
	struct rmi_result result;

	if (!makes_progress(vcpu, align_down(ipa, PAGE_SIZE) | REALM_SHARED_BIT)) {
		return;
	}
	spin_lock(&realm->memory_lock);
	result = map(realm, ipa, LEVEL_BLOCK);
	if (rmi_is_rtt_error(result, LEVEL_BLOCK)) {
		result = map(realm, ipa, LEVEL_PAGE);
	}
	spin_unlock(&realm->memory_lock);
	if (!rmi_ok(result) && result.status != RMI_ERROR_RTT) {
		realm_kill(realm, "RMI_RTT_MAP_UNPROTECTED at ipa 0x%lx: %s", (unsigned long)ipa,
			   rmi_status_name(result));
	}
}
