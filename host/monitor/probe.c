/* SPDX-License-Identifier: BSD-3-Clause */
#include <arch/barrier.h>
#include <lib/bits.h>
#include <lib/console.h>

#include "boot/guarded.h"
#include "probe.h"
#include "realm.h"

#define LEVEL_PAGE 3
#define GARBAGE	   UINT64_C(0xA5A5A5A5A5A5A5A5)
#define MEMATTR_WB UINT64_C(6)
#define S2AP_RW	   UINT64_C(3)
/* The last page of the realm's IPA space: no RAM, no device. */
#define SPARE_IPA (2U * (uint64_t)REALM_SHARED_BIT - PAGE_SIZE)

static struct {
	bool enabled;
	/* Atomic: pages that came back, and those that were not zero. */
	uint64_t returned;
	uint64_t dirty;
} probe;

void probe_enable(void)
{
	probe.enabled = true;
}

bool probe_is_enabled(void)
{
	return probe.enabled;
}

/* The first page of the realm's RAM that holds data. */
static bool find_page(const struct realm *realm, uint64_t *ipa, struct rmi_entry *entry)
{
	uint64_t top = REALM_RAM_BASE + realm->config->ram_size;

	for (*ipa = REALM_RAM_BASE; *ipa < top; *ipa += PAGE_SIZE) {
		if (rmi_ok(rmi_rtt_read_entry(realm->rd, ipa_make(*ipa), LEVEL_PAGE, entry)) &&
		    entry->state == RMI_ASSIGNED) {
			return true;
		}
	}
	return false;
}

static void attack_by_access(struct pa page)
{
	uint64_t value;

	console_line("probe: read of realm page %s",
		     guarded_read64(page.value, &value) ? "SUCCEEDED" : "faulted");
	console_line("probe: write of realm page %s",
		     guarded_write64(page.value, GARBAGE) ? "SUCCEEDED" : "faulted");
}

static bool same_entry(const struct rmi_entry *a, const struct rmi_entry *b)
{
	return a->level == b->level && a->state == b->state && a->desc == b->desc &&
	       a->ripas == b->ripas;
}

/* Whether the RMM refused every one of some calls that make no sense. */
static bool garbage_is_refused(const struct realm *realm, struct pa page, uint64_t ipa)
{
	struct pa nowhere = pa_make(GARBAGE);
	struct ipa other = ipa_make(ipa);
	struct ipa top;
	struct pa out;
	bool accepted = false;

	accepted |= rmi_ok(rmi_granule_delegate(page));
	accepted |= rmi_ok(rmi_granule_undelegate(page));
	accepted |= rmi_ok(rmi_granule_delegate(nowhere));
	accepted |= rmi_ok(rmi_granule_undelegate(pa_make(page.value + 1U)));
	accepted |= rmi_ok(rmi_granule_delegate(pa_make(QEMU_RMM_BASE)));
	accepted |= rmi_ok(rmi_realm_create(page, page));
	accepted |= rmi_ok(rmi_realm_activate(page));
	accepted |= rmi_ok(rmi_realm_destroy(page));
	accepted |= rmi_ok(rmi_realm_destroy(realm->rd));
	accepted |= rmi_ok(rmi_rec_create(realm->rd, page, nowhere));
	accepted |= rmi_ok(rmi_rec_destroy(page));
	accepted |= rmi_ok(rmi_rec_enter(page, nowhere));
	accepted |= rmi_ok(rmi_rec_enter(realm->rd, page));
	accepted |= rmi_ok(rmi_data_create(realm->rd, page, other, nowhere, GARBAGE));
	accepted |= rmi_ok(rmi_data_create_unknown(realm->rd, page, other));
	accepted |= rmi_ok(rmi_data_destroy(page, other, &out, &top));
	accepted |= rmi_ok(rmi_data_destroy(realm->rd, ipa_make(ipa + 1U), &out, &top));
	accepted |= rmi_ok(rmi_rtt_create(realm->rd, page, other, LEVEL_PAGE));
	accepted |= rmi_ok(rmi_rtt_create(realm->rd, nowhere, ipa_make(GARBAGE), -7));
	accepted |= rmi_ok(rmi_rtt_destroy(realm->rd, other, 99, &out, &top));
	accepted |= rmi_ok(rmi_rtt_map_unprotected(realm->rd, other, LEVEL_PAGE, GARBAGE));
	accepted |= rmi_ok(rmi_rtt_map_unprotected(realm->rd, other, LEVEL_PAGE, page.value));
	accepted |= rmi_ok(rmi_psci_complete(page, page, 0));
	return !accepted;
}

static void attack_by_garbage(const struct realm *realm, uint64_t ipa,
			      const struct rmi_entry *before)
{
	bool refused = garbage_is_refused(realm, pa_make(before->desc), ipa);
	struct rmi_entry after;
	bool same = rmi_ok(rmi_rtt_read_entry(realm->rd, ipa_make(ipa), LEVEL_PAGE, &after)) &&
		    same_entry(before, &after);

	console_line("probe: RMI with garbage arguments %s", refused ? "refused" : "ACCEPTED");
	console_line("probe: RMI with garbage arguments %s",
		     same ? "changed nothing" : "CHANGED THE REALM");
}

/*
 * RMM 1.0 does not check what is mapped as unprotected. The page stays in the Realm world, so even
 * the realm cannot reach it through such a mapping; a test in the realm tries.
 */
static void attack_by_mapping(struct realm *realm, struct pa page)
{
	uint64_t desc = page.value | field_make(MEMATTR_WB, RMI_UNPROT_MEMATTR_MASK) |
			field_make(S2AP_RW, RMI_UNPROT_S2AP_MASK);
	struct rmi_result result;
	uint64_t value;

	if (!realm_create_rtt(realm, ipa_make(SPARE_IPA), LEVEL_PAGE)) {
		console_line("probe: no table for the unprotected mapping");
		return;
	}
	result = rmi_rtt_map_unprotected(realm->rd, ipa_make(SPARE_IPA), LEVEL_PAGE, desc);
	console_line("probe: RTT_MAP_UNPROTECTED of realm page at ipa 0x%lx: %s",
		     (unsigned long)SPARE_IPA, rmi_status_name(result));
	console_line("probe: read of realm page after mapping it unprotected %s",
		     guarded_read64(page.value, &value) ? "SUCCEEDED" : "faulted");
}

void probe_realm(struct realm *realm)
{
	struct rmi_entry entry;
	uint64_t ipa;

	if (!probe.enabled || realm->number != 0U) {
		return;
	}
	if (!find_page(realm, &ipa, &entry)) {
		console_line("probe: the realm has no page to attack");
		return;
	}
	attack_by_access(pa_make(entry.desc));
	attack_by_garbage(realm, ipa, &entry);
	attack_by_mapping(realm, pa_make(entry.desc));
}

void probe_returned_page(struct pa page)
{
	const uint64_t *words = (const uint64_t *)(uintptr_t)page.value;
	uint64_t seen = 0;

	if (!probe.enabled) {
		return;
	}
	for (size_t n = 0; n < PAGE_SIZE / sizeof(*words); n++) {
		seen |= words[n];
	}
	(void)__atomic_fetch_add(&probe.returned, 1U, __ATOMIC_RELAXED);
	if (seen != 0U) {
		(void)__atomic_fetch_add(&probe.dirty, 1U, __ATOMIC_RELAXED);
	}
}

void probe_report_returned_pages(void)
{
	if (!probe.enabled) {
		return;
	}
	if (probe.dirty == 0U) {
		console_line("probe: destroyed realm's memory reads zero (%lu pages)",
			     (unsigned long)probe.returned);
	} else {
		console_line(
			"probe: destroyed realm's memory does NOT read zero (%lu of %lu pages)",
			(unsigned long)probe.dirty, (unsigned long)probe.returned);
	}
}
