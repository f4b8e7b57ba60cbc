/* SPDX-License-Identifier: BSD-3-Clause */
/* PSCI CPU_ON and AFFINITY_INFO between two RECs, the second of them on another PE. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <abi/smccc.h>
#include <lib/bits.h>

#include "pair.h"
#include "pe.h"
#include "tap.h"

#define OTHER_PE    1U
#define SECRET	    UINT64_C(0x5345435245540000)
#define SPIN_TICKS  UINT64_C(200000000)
#define CURRENT_EL1 UINT64_C(4)
#define DAIF_ALL    UINT64_C(0x3C0)
#define MPIDR_RES1  bit64(31)
#define SCTLR_M	    bit64(0)
#define SCTLR_EE    bit64(25)
#define UPPER_HALF  UINT64_C(0xDEADBEEF00000000)

static struct pair pair;

CASE(cpu_on_asks_the_host_and_hides_its_arguments, "CPU_ON.exit")
{
	pair = pair_make();
	LEAVE_UNLESS(pair_ask_on(&pair, HAND_BASE, SECRET));
	EXPECT_EQ(pair.first->run->exit.gprs[0], PSCI_CPU_ON_64);
	EXPECT_EQ(pair.first->run->exit.gprs[1], 1);
	EXPECT(exit_shows_no_more(pair.first, 2));
}

CASE(cpu_on_of_32_bits_takes_the_lower_halves, "CPU_ON.smc32")
{
	pair = pair_make();
	LEAVE_UNLESS(ask(pair.first, RMI_EXIT_PSCI, PSCI_CPU_ON_32, UPPER_HALF | 1U,
			 UPPER_HALF | HAND_BASE, UPPER_HALF | 1U));
	EXPECT_EQ(pair.first->run->exit.gprs[0], PSCI_CPU_ON_32);
	EXPECT_EQ(pair.first->run->exit.gprs[1], 1);
	EXPECT(exit_shows_no_more(pair.first, 2));
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_SUCCESS), RMI_SUCCESS);
	EXPECT_EQ(ask_again(pair.first).x[0], PSCI_SUCCESS);
	EXPECT(hand_begin(pair.second));
}

CASE(cpu_on_waits_for_the_host, "CPU_ON.pending")
{
	pair = pair_make();
	LEAVE_UNLESS(pair_ask_on(&pair, HAND_BASE, 1));
	EXPECT_EQ(rec_enter(pair.first), RMI_ERROR_REC);
	EXPECT_EQ(rec_enter(pair.second), RMI_ERROR_REC);
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_SUCCESS), RMI_SUCCESS);
	EXPECT_EQ(ask_again(pair.first).x[0], PSCI_SUCCESS);
}

CASE(a_rec_begins_where_cpu_on_said, "CPU_ON.state")
{
	struct rig_rec *second;

	pair = pair_make();
	second = pair.second;
	/* The hand finds its stack by the context, which X0 holds. */
	pair_turn_on(&pair);
	EXPECT_EQ(hand_do(second, HAND_GET, HAND_REG_CURRENTEL).gprs[1], CURRENT_EL1);
	EXPECT_EQ(hand_do(second, HAND_GET, HAND_REG_DAIF).gprs[1], DAIF_ALL);
	EXPECT_EQ(hand_do(second, HAND_GET, HAND_REG_SCTLR_EL1).gprs[1] & (SCTLR_M | SCTLR_EE), 0);
	EXPECT_EQ(hand_do(second, HAND_GET, HAND_REG_MPIDR_EL1).gprs[1], MPIDR_RES1 | 1U);
}

CASE(a_rec_that_was_off_begins_anew, "CPU_ON.state CPU_OFF.not_runnable")
{
	pair = pair_make();
	pair_turn_on(&pair);
	(void)hand_do(pair.second, HAND_SET, HAND_REG_DAIF, 0);
	rec_turn_off(pair.second);
	EXPECT_EQ(rec_enter(pair.second), RMI_ERROR_REC);
	pair_turn_on(&pair);
	EXPECT_EQ(hand_do(pair.second, HAND_GET, HAND_REG_DAIF).gprs[1], DAIF_ALL);
}

static uint64_t affinity_of_second(void)
{
	if (!ask(pair.first, RMI_EXIT_PSCI, PSCI_AFFINITY_INFO_64, 1, 0) ||
	    !EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_SUCCESS), RMI_SUCCESS)) {
		return UINT64_MAX;
	}
	return ask_again(pair.first).x[0];
}

CASE(a_second_rec_runs_on_another_pe, "CPU_ON.success AFFINITY_INFO.on")
{
	pair = pair_make();
	pair_turn_on(&pair);
	rec_spin_elsewhere(pair.second, OTHER_PE, SPIN_TICKS);
	EXPECT_EQ(affinity_of_second(), PSCI_AFFINITY_ON);
	EXPECT(pe_busy(OTHER_PE));
	pe_join(OTHER_PE);
}

CASE(affinity_info_asks_the_host, "AFFINITY_INFO.exit")
{
	pair = pair_make();
	LEAVE_UNLESS(ask(pair.first, RMI_EXIT_PSCI, PSCI_AFFINITY_INFO_64, 1, 0, SECRET));
	EXPECT_EQ(pair.first->run->exit.gprs[0], PSCI_AFFINITY_INFO_64);
	EXPECT_EQ(pair.first->run->exit.gprs[1], 1);
	EXPECT(exit_shows_no_more(pair.first, 2));
	EXPECT_EQ(rec_enter(pair.first), RMI_ERROR_REC);
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_SUCCESS), RMI_SUCCESS);
	EXPECT_EQ(ask_again(pair.first).x[0], PSCI_AFFINITY_OFF);
}

CASE(affinity_info_of_32_bits_takes_the_lower_halves, "AFFINITY_INFO.smc32")
{
	pair = pair_make();
	LEAVE_UNLESS(
		ask(pair.first, RMI_EXIT_PSCI, PSCI_AFFINITY_INFO_32, UPPER_HALF | 1U, UPPER_HALF));
	EXPECT_EQ(pair.first->run->exit.gprs[0], PSCI_AFFINITY_INFO_32);
	EXPECT_EQ(pair.first->run->exit.gprs[1], 1);
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_SUCCESS), RMI_SUCCESS);
	EXPECT_EQ(ask_again(pair.first).x[0], PSCI_AFFINITY_OFF);
}

CASE(affinity_info_tells_on_and_off, "AFFINITY_INFO.on AFFINITY_INFO.off")
{
	pair = pair_make();
	EXPECT_EQ(affinity_of_second(), PSCI_AFFINITY_OFF);
	pair_turn_on(&pair);
	EXPECT_EQ(affinity_of_second(), PSCI_AFFINITY_ON);
	rec_turn_off(pair.second);
	EXPECT_EQ(affinity_of_second(), PSCI_AFFINITY_OFF);
}

CASE(cpu_on_of_a_rec_that_is_on_is_already_on, "CPU_ON.already_on")
{
	pair = pair_make();
	pair_turn_on(&pair);
	LEAVE_UNLESS(pair_ask_on(&pair, HAND_BASE, SECRET));
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_SUCCESS), RMI_SUCCESS);
	EXPECT_EQ(ask_again(pair.first).x[0], (uint64_t)PSCI_ALREADY_ON);
	EXPECT_EQ(hand_smc(pair.second, RSI_VERSION, RSI_ABI_VERSION_1_0).x[0], RSI_SUCCESS);
}

CASE(cpu_on_can_be_denied, "CPU_ON.denied")
{
	pair = pair_make();
	LEAVE_UNLESS(pair_ask_on(&pair, HAND_BASE, 1));
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_DENIED), RMI_SUCCESS);
	EXPECT_EQ(ask_again(pair.first).x[0], (uint64_t)PSCI_DENIED);
	EXPECT_EQ(rec_enter(pair.second), RMI_ERROR_REC);
	pair_turn_on(&pair);
}

CASE(a_psci_result_leaves_no_arguments_behind, "PSCI.results")
{
	struct call result;

	pair = pair_make();
	LEAVE_UNLESS(pair_ask_on(&pair, HAND_BASE, 1));
	for (unsigned int n = 0; n < RMI_GPRS; n++) {
		pair.first->run->enter.gprs[n] = SECRET;
	}
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_SUCCESS), RMI_SUCCESS);
	result = ask_again(pair.first);
	EXPECT_EQ(result.x[0], PSCI_SUCCESS);
	EXPECT_EQ(result.x[1] | result.x[2] | result.x[3], 0);
}
