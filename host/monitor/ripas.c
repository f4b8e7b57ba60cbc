/* SPDX-License-Identifier: BSD-3-Clause */
#include "ripas.h"
#include "granule.h"

#define LEVEL_PAGE 3

void ripas_release(struct realm *realm, uint64_t base, uint64_t top)
{
	uint64_t at = base;

	while (at < top) {
		struct ipa next = ipa_make(at);
		struct pa page;
		struct rmi_result result = rmi_data_destroy(realm->rd, ipa_make(at), &page, &next);

		if (rmi_ok(result)) {
			granule_give_back(page);
		} else if (result.status != RMI_ERROR_RTT) {
			return;
		}
		/* `next` skips what holds no page, but does not move past a page or a table. */
		at = next.value > at ? next.value : at + PAGE_SIZE;
	}
}

/* One step: the RMM changes the entries of one table at a time, and wants whole entries. */
static bool step(struct vcpu *vcpu, uint64_t base, uint64_t top, uint64_t *reached)
{
	struct realm *realm = vcpu->realm;
	struct ipa out = ipa_make(base);
	struct rmi_result result =
		rmi_rtt_set_ripas(realm->rd, vcpu->rec, ipa_make(base), ipa_make(top), &out);

	if (result.status == RMI_ERROR_RTT && result.index < LEVEL_PAGE) {
		if (!realm_create_rtt(realm, ipa_make(base), (int)result.index + 1)) {
			return false;
		}
		*reached = base;
		return true;
	}
	*reached = out.value;
	return rmi_ok(result) && out.value > base;
}

void ripas_change(struct vcpu *vcpu)
{
	struct realm *realm = vcpu->realm;
	const struct rmi_rec_exit *exit = &vcpu->run->exit;
	uint64_t base = exit->ripas_base;
	uint64_t top = exit->ripas_top;
	uint64_t at = base;

	if (!realm_has_ram(realm, base, top - base)) {
		/* Not ours to change: the realm is told that nothing was done. */
		vcpu->run->enter.flags |= RMI_ENTER_RIPAS_REJECT_MASK;
		return;
	}
	spin_lock(&realm->memory_lock);
	while (at < top) {
		uint64_t reached;

		if (!step(vcpu, at, top, &reached)) {
			break;
		}
		at = reached;
	}
	/* After some progress the realm asks again for the rest. */
	if (at == base) {
		vcpu->run->enter.flags |= RMI_ENTER_RIPAS_REJECT_MASK;
	}
	if (exit->ripas_value == RMI_RIPAS_EMPTY) {
		ripas_release(realm, base, at);
	}
	spin_unlock(&realm->memory_lock);
}
