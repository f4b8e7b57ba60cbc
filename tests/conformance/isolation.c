/* SPDX-License-Identifier: BSD-3-Clause */
/* System registers: those of the host are its own, and those of a REC are its own. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <arch/barrier.h>
#include <arch/sysreg.h>
#include <lib/bits.h>

#include "call.h"
#include "pe.h"
#include "stop.h"
#include "tap.h"

#define HOSTS	 UINT64_C(0x0055A55A005AA550)
#define REALMS	 UINT64_C(0x00333CC300C33C30)
#define OTHERS	 UINT64_C(0x000FF0F0000F0FF0)
#define OTHER_PE 1U

/* What both worlds have, and neither the RMM nor the rig needs while the host runs. */
#define EL1_REGISTERS(X)                                                                           \
	X(SCTLR_EL1)                                                                               \
	X(TTBR0_EL1)                                                                               \
	X(TTBR1_EL1)                                                                               \
	X(TCR_EL1)                                                                                 \
	X(MAIR_EL1)                                                                                \
	X(AMAIR_EL1)                                                                               \
	X(VBAR_EL1)                                                                                \
	X(CPACR_EL1)                                                                               \
	X(TPIDR_EL0)                                                                               \
	X(TPIDRRO_EL0)                                                                             \
	X(TPIDR_EL1)                                                                               \
	X(CONTEXTIDR_EL1)                                                                          \
	X(PAR_EL1)                                                                                 \
	X(ELR_EL1)                                                                                 \
	X(SPSR_EL1)                                                                                \
	X(ESR_EL1)                                                                                 \
	X(FAR_EL1)                                                                                 \
	X(AFSR0_EL1)                                                                               \
	X(AFSR1_EL1)                                                                               \
	X(SP_EL0)                                                                                  \
	X(SP_EL1)                                                                                  \
	X(CNTKCTL_EL1)                                                                             \
	X(CSSELR_EL1)                                                                              \
	X(APIAKEYLO_EL1)                                                                           \
	X(APIAKEYHI_EL1)                                                                           \
	X(APDAKEYLO_EL1)                                                                           \
	X(APGAKEYHI_EL1)

#define DEBUG_REGISTERS(X)                                                                         \
	X(DBGBVR0_EL1)                                                                             \
	X(DBGBVR1_EL1)                                                                             \
	X(DBGWVR0_EL1)                                                                             \
	X(DBGWVR1_EL1)                                                                             \
	X(MDCCINT_EL1)

#define PMU_REGISTERS(X)                                                                           \
	X(PMCNTENSET_EL0)                                                                          \
	X(PMINTENSET_EL1)                                                                          \
	X(PMEVTYPER0_EL0)                                                                          \
	X(PMEVCNTR0_EL0)                                                                           \
	X(PMUSERENR_EL0)                                                                           \
	X(PMSELR_EL0)

/* Switched by EL3; the rig does not use them. */
#define EL2_REGISTERS(X)                                                                           \
	X(VTTBR_EL2)                                                                               \
	X(VTCR_EL2)                                                                                \
	X(VMPIDR_EL2)                                                                              \
	X(VPIDR_EL2)                                                                               \
	X(TTBR0_EL2)                                                                               \
	X(TCR_EL2)                                                                                 \
	X(MAIR_EL2)                                                                                \
	X(HPFAR_EL2)                                                                               \
	X(FAR_EL2)                                                                                 \
	X(ESR_EL2)                                                                                 \
	X(CNTHCTL_EL2)                                                                             \
	X(ICH_VMCR_EL2)

#define NUMBER(name) NUMBER_##name,
#define ALL(X)	     EL1_REGISTERS(X) DEBUG_REGISTERS(X) PMU_REGISTERS(X) EL2_REGISTERS(X)
enum {
	ALL(NUMBER) NUMBER_COUNT
};

struct values {
	uint64_t of[NUMBER_COUNT];
};

/* Registers keep of a value what they implement. */
#define READ(name)  values.of[NUMBER_##name] = read_sysreg(name);
#define WRITE(name) write_sysreg(name, values->of[NUMBER_##name]);
#define FILL(name)  write_sysreg(name, pattern + 16U * NUMBER_##name);
#define CHECK(name)                                                                                \
	if (before->of[NUMBER_##name] != after->of[NUMBER_##name]) {                               \
		tap_fail(#name " of the host became 0x%lx from 0x%lx",                             \
			 (unsigned long)after->of[NUMBER_##name],                                  \
			 (unsigned long)before->of[NUMBER_##name]);                                \
	}

static struct values read_all(void)
{
	struct values values;

	isb();
	ALL(READ)
	return values;
}

static void write_all(const struct values *values)
{
	ALL(WRITE)
	isb();
}

static struct values fill_all(uint64_t pattern)
{
	ALL(FILL)
	return read_all();
}

static void check_all(const struct values *before, const struct values *after)
{
	ALL(CHECK)
}

/* Registers of the hand that it does not use itself. */
static const uint64_t free_registers[] = {
	HAND_REG_TTBR0_EL1,	 HAND_REG_TTBR1_EL1,   HAND_REG_TCR_EL1,     HAND_REG_MAIR_EL1,
	HAND_REG_AMAIR_EL1,	 HAND_REG_TPIDR_EL0,   HAND_REG_TPIDRRO_EL0, HAND_REG_TPIDR_EL1,
	HAND_REG_CONTEXTIDR_EL1, HAND_REG_PAR_EL1,     HAND_REG_ELR_EL1,     HAND_REG_SPSR_EL1,
	HAND_REG_ESR_EL1,	 HAND_REG_FAR_EL1,     HAND_REG_AFSR0_EL1,   HAND_REG_AFSR1_EL1,
	HAND_REG_SP_EL0,	 HAND_REG_CNTKCTL_EL1, HAND_REG_CSSELR_EL1,  HAND_REG_APIAKEYLO_EL1,
	HAND_REG_APIAKEYHI_EL1,
};
#define FREE_REGISTERS ARRAY_COUNT(free_registers)

struct kept {
	uint64_t of[FREE_REGISTERS];
};

/* The realm's registers as they are after the hand wrote `pattern` to each. */
static struct kept realm_fills(struct rig_rec *rec, uint64_t pattern)
{
	struct kept kept;

	for (size_t n = 0; n < FREE_REGISTERS; n++) {
		(void)hand_do(rec, HAND_SET, free_registers[n], pattern + 16U * n);
	}
	for (size_t n = 0; n < FREE_REGISTERS; n++) {
		kept.of[n] = hand_do(rec, HAND_GET, free_registers[n]).gprs[1];
	}
	return kept;
}

static void realm_has(struct rig_rec *rec, const struct kept *kept)
{
	for (size_t n = 0; n < FREE_REGISTERS; n++) {
		uint64_t found = hand_do(rec, HAND_GET, free_registers[n]).gprs[1];

		if (found != kept->of[n]) {
			tap_fail("register %u of the realm became 0x%lx from 0x%lx",
				 (unsigned int)free_registers[n], (unsigned long)found,
				 (unsigned long)kept->of[n]);
		}
	}
}

CASE(the_hosts_system_registers_survive_a_run, "ISOLATION.host_registers ISOLATION.host_debug "
					       "ISOLATION.host_pmu ISOLATION.host_el2")
{
	struct rig_rec *rec = stop_rec(1);
	struct values own = read_all();
	struct values before = fill_all(HOSTS);
	struct values after;
	bool ran = hand_order(rec, HAND_GET, HAND_REG_CURRENTEL).done;

	after = read_all();
	write_all(&own);
	EXPECT(ran);
	check_all(&before, &after);
}

CASE(what_the_realm_writes_does_not_reach_the_hosts_registers,
     "ISOLATION.host_registers ISOLATION.host_debug ISOLATION.host_pmu")
{
	static const uint64_t hidden[] = {
		HAND_REG_MDSCR_EL1,   HAND_REG_DBGBVR0_EL1, HAND_REG_DBGBCR0_EL1,
		HAND_REG_DBGWVR0_EL1, HAND_REG_DBGWCR0_EL1, HAND_REG_PMCR_EL0,
		HAND_REG_PMCCNTR_EL0,
	};
	struct rig_rec *rec = stop_rec(1);
	struct values own = read_all();
	struct values before = fill_all(HOSTS);
	struct values after;

	(void)realm_fills(rec, REALMS);
	for (size_t n = 0; n < ARRAY_COUNT(hidden); n++) {
		(void)hand_do(rec, HAND_SET, hidden[n], UINT64_MAX);
	}
	after = read_all();
	write_all(&own);
	check_all(&before, &after);
}

CASE(a_realm_sees_none_of_the_hosts_registers, "ISOLATION.realm_blind")
{
	struct rig_realm *realm = hand_realm(1);
	struct rig_rec *rec = &realm->recs[0];
	struct values own = read_all();

	(void)fill_all(HOSTS);
	if (hand_begin(rec)) {
		for (size_t n = 0; n < FREE_REGISTERS; n++) {
			uint64_t found = hand_do(rec, HAND_GET, free_registers[n]).gprs[1];

			if (found != 0U) {
				tap_fail("register %u is 0x%lx", (unsigned int)free_registers[n],
					 (unsigned long)found);
			}
		}
	}
	write_all(&own);
}

CASE(a_realms_registers_survive_exits, "ISOLATION.realm_registers")
{
	struct rig_rec *rec = stop_rec(1);
	struct values own = read_all();
	struct kept kept = realm_fills(rec, REALMS);

	(void)fill_all(HOSTS);
	realm_has(rec, &kept);
	(void)fill_all(~HOSTS & UINT64_C(0x00FFFFFFFFFFFFF0));
	realm_has(rec, &kept);
	write_all(&own);
}

CASE(two_realms_have_each_their_registers, "ISOLATION.realm_registers")
{
	struct rig_rec *one = stop_rec(1);
	struct rig_rec *two = stop_rec(1);
	struct kept ones = realm_fills(one, REALMS);
	struct kept twos = realm_fills(two, OTHERS);

	realm_has(one, &ones);
	realm_has(two, &twos);
}

static const struct kept *expected;

static void check_there(void *rec)
{
	(void)fill_all(HOSTS);
	realm_has((struct rig_rec *)rec, expected);
}

static struct values theirs;

static void save_there(void *unused)
{
	(void)unused;
	theirs = read_all();
}

static void restore_there(void *unused)
{
	(void)unused;
	write_all(&theirs);
}

CASE(a_realms_registers_follow_its_rec_to_another_pe, "ISOLATION.migration")
{
	struct rig_rec *rec = stop_rec(1);
	struct kept kept = realm_fills(rec, REALMS);

	expected = &kept;
	pe_send(OTHER_PE, save_there, NULL);
	pe_join(OTHER_PE);
	pe_send(OTHER_PE, check_there, rec);
	pe_join(OTHER_PE);
	pe_send(OTHER_PE, restore_there, NULL);
	pe_join(OTHER_PE);
	realm_has(rec, &kept);
}

CASE(rec_enter_leaves_nothing_of_the_realm_in_the_results, "ISOLATION.results")
{
	struct rig_rec *rec = stop_rec(1);
	struct call result;

	EXPECT(!hand_order(rec, HAND_READ, STOP_UNPROTECTED, 8).done);
	result = rmi(RMI_REC_ENTER, rec->pa, (uintptr_t)rec->run);
	EXPECT_EQ(result.x[0], RMI_SUCCESS);
	EXPECT_EQ(result.x[1], 0);
	EXPECT_EQ(result.x[2], 0);
	EXPECT_EQ(result.x[3], 0);
}
