/* SPDX-License-Identifier: BSD-3-Clause */
/* Destroying a realm, in the order that RMM 1.0 asks for: RECs, data, tables, realm. */
#include "granule.h"
#include "pool.h"
#include "realm.h"
#include "ripas.h"

#define LEVEL_BLOCK 2
#define LEVEL_PAGE  3

static void destroy_recs(struct realm *realm)
{
	for (unsigned int n = 0; n < realm->vcpu_count; n++) {
		struct vcpu *vcpu = &realm->vcpus[n];
		struct rmi_result result = rmi_rec_destroy(vcpu->rec);

		if (!rmi_ok(result)) {
			realm_line(realm, "RMI_REC_DESTROY: %s", rmi_status_name(result));
			continue;
		}
		granule_give_back(vcpu->rec);
		for (unsigned int aux = 0; aux < realm->aux_count; aux++) {
			granule_give_back(vcpu->aux[aux]);
		}
		pool_give_back(pa_make((uintptr_t)vcpu->run));
	}
}

/*
 * What the realm shared. Whether these mappings keep a table alive is the RMM's affair: without
 * them none does.
 */
static void unmap_shared(const struct realm *realm)
{
	uint64_t top = 2 * (uint64_t)REALM_SHARED_BIT;
	uint64_t at = REALM_SHARED_BIT;

	while (at < top) {
		struct ipa next = ipa_make(at);
		struct rmi_result result =
			rmi_rtt_unmap_unprotected(realm->rd, ipa_make(at), LEVEL_PAGE, &next);

		if (rmi_is_rtt_error(result, LEVEL_BLOCK) && next.value == at) {
			result = rmi_rtt_unmap_unprotected(realm->rd, ipa_make(at), LEVEL_BLOCK,
							   &next);
		}
		if (!rmi_ok(result) && result.status != RMI_ERROR_RTT) {
			return;
		}
		at = next.value > at ? next.value : at + PAGE_SIZE;
	}
}

/* The tables of one half of the IPA space; with start level 2 they are all of level 3. */
static void destroy_tables(struct realm *realm, uint64_t base, uint64_t top)
{
	uint64_t at = base;

	while (at < top) {
		struct ipa next = ipa_make(at);
		struct pa rtt;
		struct rmi_result result =
			rmi_rtt_destroy(realm->rd, ipa_make(at), LEVEL_PAGE, &rtt, &next);

		if (rmi_ok(result)) {
			granule_give_back(rtt);
		} else if (result.status != RMI_ERROR_RTT) {
			return;
		}
		/* `next` skips what is not live. */
		at = next.value >= at + BLOCK_SIZE ? next.value : at + BLOCK_SIZE;
	}
}

void realm_tear_down(struct realm *realm)
{
	uint64_t ram_top = REALM_RAM_BASE + realm->config->ram_size;
	struct rmi_result result;

	destroy_recs(realm);
	spin_lock(&realm->memory_lock);
	ripas_release(realm, REALM_RAM_BASE, ram_top);
	unmap_shared(realm);
	destroy_tables(realm, 0, REALM_SHARED_BIT);
	destroy_tables(realm, REALM_SHARED_BIT, 2 * (uint64_t)REALM_SHARED_BIT);
	spin_unlock(&realm->memory_lock);

	result = rmi_realm_destroy(realm->rd);
	if (!rmi_ok(result)) {
		realm_line(realm, "RMI_REALM_DESTROY: %s", rmi_status_name(result));
		return;
	}
	granule_give_back(realm->rd);
	for (unsigned int n = 0; n < realm->rtt_count; n++) {
		granule_give_back(pa_make(realm->rtt_base.value + (uint64_t)n * PAGE_SIZE));
	}
}
