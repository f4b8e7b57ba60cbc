/* SPDX-License-Identifier: BSD-3-Clause */
/* Exits by their reason: the fields that each has, and zero in all others. Aborts: aborts.c. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <abi/smccc.h>

#include "call.h"
#include "gic.h"
#include "pair.h"
#include "space.h"
#include "stop.h"
#include "tap.h"

#define SOON UINT64_C(20000000)
#define LONG UINT64_C(500000000)

/* The realm's call stops its REC, which then shows these two registers and no more. */
static void expect_psci(struct rig_rec *rec, uint64_t fid, unsigned int fields, uint64_t x1,
			uint64_t x2)
{
	stop_soil(rec);
	EXPECT(!hand_order(rec, HAND_SMC, fid, x1, x2, 0x5EC2E7).done);
	EXPECT(stop_is(rec, RMI_EXIT_PSCI, STOP_GPR0 | fields));
	EXPECT_EQ(rec->run->exit.gprs[0], fid);
	EXPECT_EQ(rec->run->exit.gprs[1], (fields & STOP_GPR1) != 0U ? x1 : 0U);
}

CASE(a_suspended_rec_tells_so_and_no_more, "EXIT.psci")
{
	struct rig_rec *rec = stop_rec(1);

	expect_psci(rec, PSCI_CPU_SUSPEND_64, 0, 1, HAND_BASE);
	EXPECT(hand_resume(rec).done);
	expect_psci(rec, PSCI_CPU_SUSPEND_32, 0, 1, HAND_BASE);
}

CASE(a_rec_that_turns_off_tells_so_and_no_more, "EXIT.psci")
{
	expect_psci(stop_rec(1), PSCI_CPU_OFF, 0, 1, 2);
}

CASE(a_realm_that_turns_off_tells_so_and_no_more, "EXIT.psci")
{
	expect_psci(stop_rec(1), PSCI_SYSTEM_OFF, 0, 1, 2);
	expect_psci(stop_rec(1), PSCI_SYSTEM_RESET, 0, 1, 2);
}

CASE(a_rec_that_turns_another_on_hides_where_it_starts, "EXIT.psci")
{
	struct rig_rec *rec = stop_rec(2);

	expect_psci(rec, PSCI_CPU_ON_64, STOP_GPR1, 1, HAND_BASE);
}

CASE(a_rec_that_asks_for_another_tells_for_which, "EXIT.psci")
{
	struct rig_rec *rec = stop_rec(2);

	expect_psci(rec, PSCI_AFFINITY_INFO_64, STOP_GPR1, 1, 0);
}

CASE(a_ripas_change_shows_range_and_value, "EXIT.ripas")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT(!hand_order(rec, HAND_SMC, RSI_IPA_STATE_SET, STOP_RAM, STOP_RAM + 3U * GRANULE_SIZE,
			   RMI_RIPAS_EMPTY, RSI_CHANGE_DESTROYED)
			.done);
	EXPECT(stop_is(rec, RMI_EXIT_RIPAS_CHANGE, STOP_RIPAS));
	EXPECT_EQ(rec->run->exit.ripas_base, STOP_RAM);
	EXPECT_EQ(rec->run->exit.ripas_top, STOP_RAM + 3U * GRANULE_SIZE);
	EXPECT_EQ(rec->run->exit.ripas_value, RMI_RIPAS_EMPTY);
}

CASE(a_host_call_shows_its_structure, "EXIT.host_call")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT(hand_order(rec, HAND_GET, HAND_REG_CURRENTEL).done);
	EXPECT_EQ(rec->run->exit.imm, HAND_IMM);
	EXPECT(stop_is(rec, RMI_EXIT_HOST_CALL, STOP_HOST_CALL));
}

CASE(an_exit_leaves_nothing_of_the_one_before, "EXIT.fresh")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT(!hand_order(rec, HAND_WRITE, STOP_UNPROTECTED, 8, 0x5EC2E7).done);
	EXPECT(stop_is(rec, RMI_EXIT_SYNC, STOP_ESR | STOP_FAR | STOP_HPFAR | STOP_GPR0));
	gic_alarm(SOON);
	EXPECT(!stop_resume_with(rec, RMI_ENTER_EMUL_MMIO_MASK).done ||
	       !hand_order(rec, HAND_SPIN, LONG).done);
	EXPECT(stop_is(rec, RMI_EXIT_IRQ, 0));
	(void)gic_drain();
	EXPECT(hand_resume(rec).done);
	EXPECT(!hand_order(rec, HAND_SMC, PSCI_CPU_SUSPEND_64).done);
	EXPECT(stop_is(rec, RMI_EXIT_PSCI, STOP_GPR0));
}

CASE(the_pmu_of_a_realm_without_one_does_not_overflow, "EXIT.pmu")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT(hand_order(rec, HAND_SET, HAND_REG_PMCR_EL0, 1).done);
	EXPECT_EQ(rec->run->exit.pmu_ovf_status, 0);
}
