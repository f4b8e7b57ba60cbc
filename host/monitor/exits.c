/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/monitor.h>
#include <abi/smccc.h>
#include <abi/syndrome.h>
#include <lib/bits.h>

#include "exits.h"
#include "fault.h"
#include "mmio.h"
#include "probe.h"
#include "ripas.h"

static void kill_for_exit(struct vcpu *vcpu, const char *what)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;

	realm_kill(vcpu->realm, "vCPU %u: %s: exit reason %u esr 0x%lx hpfar 0x%lx far 0x%lx",
		   vcpu->index, what, exit->exit_reason, (unsigned long)exit->esr,
		   (unsigned long)exit->hpfar, (unsigned long)exit->far);
}

static uint64_t fault_address(const struct rmi_rec_exit *exit)
{
	return field_get(exit->hpfar, HPFAR_FIPA_MASK) << GRANULE_SHIFT |
	       field_get(exit->far, EXIT_FAR_OFFSET_MASK);
}

/* An access outside RAM that the RMM has decoded for us. */
static void on_device_access(struct vcpu *vcpu, uint64_t ipa)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;
	struct rmi_rec_enter *enter = &vcpu->run->enter;
	struct mmio_access access = {
		.ipa = ipa,
		.size = 1U << field_get(exit->esr, ESR_SAS_MASK),
		.is_write = (exit->esr & ESR_WNR_MASK) != 0U,
	};

	/* Not every RMM takes off what the access does not write. */
	access.value = exit->gprs[0] & mask64(8U * access.size - 1U, 0);
	if (!mmio_emulate(vcpu, &access)) {
		enter->flags |= RMI_ENTER_INJECT_SEA_MASK;
		return;
	}
	enter->flags |= RMI_ENTER_EMUL_MMIO_MASK;
	if (!access.is_write) {
		enter->gprs[0] = access.value;
	}
}

/* On the access itself, or on the walk of the realm's tables that led to it. */
static bool is_external(uint64_t esr)
{
	uint64_t code = field_get(esr, ESR_FSC_MASK);

	return code == ESR_FSC_EXTERNAL ||
	       (code >= ESR_FSC_EXTERNAL_WALK_FIRST && code <= ESR_FSC_EXTERNAL_WALK_LAST);
}

static void on_abort(struct vcpu *vcpu)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;
	uint64_t ipa = fault_address(exit);
	bool is_shared = (ipa & REALM_SHARED_BIT) != 0U;

	ipa &= ~(uint64_t)REALM_SHARED_BIT;
	if (is_external(exit->esr)) {
		/* The memory behind the access failed, and the RMM has told the realm. */
		realm_warn(vcpu->realm, "vCPU %u met an external abort", vcpu->index);
	} else if (realm_has_ram(vcpu->realm, ipa, 1)) {
		if (is_shared) {
			fault_on_shared(vcpu, ipa);
		} else {
			fault_on_private(vcpu, ipa);
		}
	} else if (!is_shared) {
		kill_for_exit(vcpu, "access to memory it does not have");
	} else if ((exit->esr & ESR_ISV_MASK) != 0U) {
		on_device_access(vcpu, ipa);
	} else {
		vcpu->run->enter.flags |= RMI_ENTER_INJECT_SEA_MASK;
	}
}

static void on_sysreg(struct vcpu *vcpu)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;
	struct realm *realm = vcpu->realm;
	uint64_t name = exit->esr & (ESR_SYSREG_NAME_HIGH_MASK | ESR_SYSREG_NAME_LOW_MASK);
	bool is_read = (exit->esr & ESR_SYSREG_READ_MASK) != 0U;

	if (!is_read && (name == ESR_SYSREG_ICC_SGI1R || name == ESR_SYSREG_ICC_SGI0R ||
			 name == ESR_SYSREG_ICC_ASGI1R)) {
		realm_kick(realm, vgic_send_sgi(&realm->vgic, vcpu->index, exit->gprs[0]),
			   vcpu->index);
	} else {
		kill_for_exit(vcpu, "unexpected system register access");
	}
}

static void on_sync(struct vcpu *vcpu)
{
	switch (field_get(vcpu->run->exit.esr, ESR_EC_MASK)) {
	case ESR_EC_DATA_ABORT_LOWER:
	case ESR_EC_INSTRUCTION_ABORT_LOWER:
		on_abort(vcpu);
		break;
	case ESR_EC_SYSREG:
		on_sysreg(vcpu);
		break;
	case ESR_EC_WFX:
		/* Not asked for; it does no harm to run on. */
		break;
	default:
		kill_for_exit(vcpu, "unknown exception");
		break;
	}
}

/* What ended the run is acknowledged before the next one. */
static void on_interrupt(struct vcpu *vcpu)
{
	(void)vcpu;
}

/* The vCPU that a PSCI call names. Ours differ in Aff0 alone. */
static struct vcpu *find_vcpu(struct realm *realm, uint64_t mpidr)
{
	return mpidr < realm->vcpu_count ? &realm->vcpus[mpidr] : NULL;
}

static void complete_psci(struct vcpu *vcpu, bool is_cpu_on)
{
	struct realm *realm = vcpu->realm;
	struct vcpu *target = find_vcpu(realm, vcpu->run->exit.gprs[1]);
	struct rmi_result result;

	if (target == NULL) {
		kill_for_exit(vcpu, "PSCI call on a vCPU that does not exist");
		return;
	}
	result = rmi_psci_complete(vcpu->rec, target->rec, PSCI_SUCCESS);
	if (!rmi_ok(result)) {
		realm_kill(realm, "RMI_PSCI_COMPLETE: %s", rmi_status_name(result));
		return;
	}
	if (is_cpu_on) {
		__atomic_store_n(&target->wake, true, __ATOMIC_RELEASE);
		realm_kick(realm, 1U << target->index, vcpu->index);
	}
}

static void on_psci(struct vcpu *vcpu)
{
	switch (vcpu->run->exit.gprs[0]) {
	case PSCI_CPU_ON_32:
	case PSCI_CPU_ON_64:
		complete_psci(vcpu, true);
		break;
	case PSCI_AFFINITY_INFO_32:
	case PSCI_AFFINITY_INFO_64:
		complete_psci(vcpu, false);
		break;
	case PSCI_CPU_SUSPEND_32:
	case PSCI_CPU_SUSPEND_64:
		/* As WFI, which the PE sleeps through in the realm: it may return at once. */
		break;
	case PSCI_CPU_OFF:
		vcpu->is_off = true;
		break;
	case PSCI_SYSTEM_OFF:
		realm_stop(vcpu->realm, REALM_OFF);
		break;
	case PSCI_SYSTEM_RESET:
		realm_stop(vcpu->realm, REALM_RESET);
		break;
	default:
		kill_for_exit(vcpu, "unknown PSCI call");
		break;
	}
}

static uint64_t release_page(struct realm *realm, uint64_t ipa)
{
	if (!probe_is_enabled() || !is_aligned(ipa, PAGE_SIZE) ||
	    !realm_has_ram(realm, ipa, PAGE_SIZE)) {
		return (uint64_t)MONITOR_CALL_INVALID;
	}
	spin_lock(&realm->memory_lock);
	ripas_release(realm, ipa, ipa + PAGE_SIZE);
	spin_unlock(&realm->memory_lock);
	return MONITOR_CALL_OK;
}

static void on_host_call(struct vcpu *vcpu)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;
	struct rmi_rec_enter *enter = &vcpu->run->enter;

	for (unsigned int n = 0; n < RMI_GPRS; n++) {
		enter->gprs[n] = exit->gprs[n];
	}
	switch (exit->imm) {
	case MONITOR_CALL_VERSION:
		enter->gprs[0] = MONITOR_CALL_OK;
		enter->gprs[1] = MONITOR_CALLS_VERSION_1;
		break;
	case MONITOR_CALL_RELEASE_PAGE:
		enter->gprs[0] = release_page(vcpu->realm, exit->gprs[1]);
		break;
	default:
		enter->gprs[0] = (uint64_t)MONITOR_CALL_NOT_SUPPORTED;
		break;
	}
}

static void on_serror(struct vcpu *vcpu)
{
	kill_for_exit(vcpu, "SError");
}

typedef void on_exit(struct vcpu *vcpu);

static on_exit *const handlers[REALM_EXIT_REASONS] = {
	[RMI_EXIT_SYNC] = on_sync,
	[RMI_EXIT_IRQ] = on_interrupt,
	[RMI_EXIT_FIQ] = on_interrupt,
	[RMI_EXIT_PSCI] = on_psci,
	[RMI_EXIT_RIPAS_CHANGE] = ripas_change,
	[RMI_EXIT_HOST_CALL] = on_host_call,
	[RMI_EXIT_SERROR] = on_serror,
};

static void trace(const struct vcpu *vcpu)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;

	if (exit->exit_reason == RMI_EXIT_IRQ || exit->exit_reason == RMI_EXIT_FIQ) {
		return;
	}
	realm_line(vcpu->realm, "trace: vCPU %u reason %u esr 0x%lx hpfar 0x%lx far 0x%lx x0 0x%lx",
		   vcpu->index, exit->exit_reason, (unsigned long)exit->esr,
		   (unsigned long)exit->hpfar, (unsigned long)exit->far,
		   (unsigned long)exit->gprs[0]);
}

void exits_report(const struct vcpu *vcpu)
{
	const uint64_t *counts = vcpu->exit_counts;

	realm_line(vcpu->realm,
		   "vCPU %u exits: sync %lu irq %lu fiq %lu psci %lu ripas %lu host call %lu",
		   vcpu->index, (unsigned long)counts[RMI_EXIT_SYNC],
		   (unsigned long)counts[RMI_EXIT_IRQ], (unsigned long)counts[RMI_EXIT_FIQ],
		   (unsigned long)counts[RMI_EXIT_PSCI],
		   (unsigned long)counts[RMI_EXIT_RIPAS_CHANGE],
		   (unsigned long)counts[RMI_EXIT_HOST_CALL]);
}

/* An exit that is neither a fault nor a matter of time: the vCPU has executed something. */
static bool shows_progress(const struct rmi_rec_exit *exit)
{
	return exit->exit_reason != RMI_EXIT_SYNC && exit->exit_reason != RMI_EXIT_IRQ &&
	       exit->exit_reason != RMI_EXIT_FIQ;
}

void exits_handle(struct vcpu *vcpu)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;

	if (vcpu->realm->config->trace) {
		trace(vcpu);
	}
	vcpu->run->enter.flags = 0;
	if (exit->exit_reason >= ARRAY_COUNT(handlers)) {
		kill_for_exit(vcpu, "unknown exit");
		return;
	}
	vcpu->exit_counts[exit->exit_reason]++;
	if (shows_progress(exit)) {
		vcpu->same_faults = 0;
	}
	handlers[exit->exit_reason](vcpu);
}
