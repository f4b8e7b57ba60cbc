/* SPDX-License-Identifier: BSD-3-Clause */
#include <arch/barrier.h>
#include <arch/pe.h>

#include "exits.h"
#include "machine.h"
#include "vcpu.h"

/* CNTx_CTL_EL0: ENABLE and ISTATUS, without IMASK (Arm ARM DDI 0487, D24.10). */
#define TIMER_CTL_MASK	   UINT64_C(7)
#define TIMER_CTL_ASSERTED UINT64_C(5)

static bool is_asserted(uint64_t ctl)
{
	return (ctl & TIMER_CTL_MASK) == TIMER_CTL_ASSERTED;
}

/* The lines that the REC's own devices hold now. They end in this vCPU, so nobody is kicked. */
static void sample_lines(struct vcpu *vcpu)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;
	struct vgic *vgic = &vcpu->realm->vgic;
	unsigned int index = vcpu->index;

	(void)vgic_set_line(vgic, index, GIC_PPI_CNTV, is_asserted(exit->cntv_ctl));
	(void)vgic_set_line(vgic, index, GIC_PPI_CNTP, is_asserted(exit->cntp_ctl));
	(void)vgic_set_line(vgic, index, GIC_PPI_PMU, exit->pmu_ovf_status != 0U);
}

/* Sleeps until there is a reason to try the REC again. */
static void wait_for_cpu_on(struct vcpu *vcpu)
{
	while (realm_runs(vcpu->realm) &&
	       !__atomic_exchange_n(&vcpu->wake, false, __ATOMIC_ACQUIRE)) {
		/* A kick that comes after the look above is pending here: WFI falls through. */
		dsb_sy();
		pe_wait_for_interrupt();
		machine_take_interrupts();
	}
}

static void run_once(struct vcpu *vcpu)
{
	struct realm *realm = vcpu->realm;
	struct rmi_rec_run *run = vcpu->run;
	struct rmi_result result;

	vgic_fill(&realm->vgic, vcpu->index, &run->enter);
	result = rmi_rec_enter(vcpu->rec, pa_make((uintptr_t)run));
	if (rmi_ok(result)) {
		realm_kick(realm,
			   vgic_drain(&realm->vgic, vcpu->index, run->exit.gicv3_lrs,
				      run->exit.gicv3_hcr),
			   vcpu->index);
		vcpu->is_off = false;
		sample_lines(vcpu);
		exits_handle(vcpu);
		return;
	}
	(void)vgic_drain(&realm->vgic, vcpu->index, run->enter.gicv3_lrs, 0);
	if (result.status == RMI_ERROR_REC && vcpu->is_off) {
		wait_for_cpu_on(vcpu);
	} else if (result.status != RMI_ERROR_REALM) {
		realm_kill(realm, "RMI_REC_ENTER of vCPU %u: %s, index %u", vcpu->index,
			   rmi_status_name(result), result.index);
	}
	/* RMI_ERROR_REALM: another vCPU has turned the realm off, and is about to say so. */
}

void vcpu_run(struct vcpu *vcpu)
{
	while (realm_runs(vcpu->realm)) {
		machine_take_interrupts();
		if (vcpu->is_off) {
			wait_for_cpu_on(vcpu);
		}
		if (realm_runs(vcpu->realm)) {
			run_once(vcpu);
		}
	}
	exits_report(vcpu);
}
