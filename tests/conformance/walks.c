/* SPDX-License-Identifier: BSD-3-Clause */
/* Aborts of a realm that translates: on the walk of its tables, and at addresses that are not IPAs.
 */
#include <abi/rmi.h>
#include <lib/bits.h>

#include "call.h"
#include "granules.h"
#include "space.h"
#include "stop.h"
#include "tap.h"

#define TABLE		   UINT64_C(0x180000) /* level 1 of stage 1: 8 entries of 1 GiB, in the hand's RAM */
#define S1_ENTRIES	   8U
#define S1_BLOCK	   (bit64(0) | bit64(10)) /* valid, AF, read and write at EL1 */
#define S1_TABLE	   (bit64(0) | bit64(1))
#define TCR_33_BITS	   (UINT64_C(31) | UINT64_C(5) << 32) /* 4 KiB granules, 48 bits of IPA */
#define SCTLR_M		   bit64(0)
#define VA		   GIGABYTE
#define OFFSET		   UINT64_C(0x200128)
#define PAGE_OFFSET	   UINT64_C(0x128)
#define BEYOND		   (2U * RIG_UNPROTECTED)
#define READ_ONLY	   UINT64_C(0x58)
#define PAGE_FAULT	   (STOP_TRANSLATION + 3U)
#define BLOCK_FAULT	   (STOP_TRANSLATION + 2U)
#define SHOWN		   (STOP_ESR | STOP_HPFAR)
#define ESR_TRANSLATION_L2 UINT64_C(0x06)

/*
 * A realm whose VAs are its IPAs, but for the gigabyte from VA on, which `entry` describes. MAIR is
 * 0: all of its memory is Device, as with stage 1 off.
 */
static struct rig_rec *translating(uint64_t entry)
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t sctlr = hand_do(rec, HAND_GET, HAND_REG_SCTLR_EL1).gprs[1];

	EXPECT_EQ(realm_data_unknown(rec->realm, TABLE), RMI_SUCCESS);
	for (uint64_t n = 0; n < S1_ENTRIES; n++) {
		hand_write(rec, TABLE + n * sizeof(uint64_t),
			   n == VA / GIGABYTE ? entry : n * GIGABYTE | S1_BLOCK);
	}
	(void)hand_do(rec, HAND_SET, HAND_REG_TTBR0_EL1, TABLE);
	(void)hand_do(rec, HAND_SET, HAND_REG_TCR_EL1, TCR_33_BITS);
	(void)hand_do(rec, HAND_SET, HAND_REG_SCTLR_EL1, sctlr | SCTLR_M);
	return rec;
}

CASE(a_table_of_the_realms_in_missing_ram_goes_to_the_host, "ABORT.table_walk")
{
	struct rig_rec *rec = translating(STOP_RAM | S1_TABLE);
	struct outcome outcome;

	EXPECT(EXPECT_STOP(rec, STOP_ESR_ABORT_LOWER | PAGE_FAULT, SHOWN, HAND_WRITE, VA + OFFSET,
			   8, 0x5EC2E7));
	EXPECT_EQ(rec->run->exit.hpfar, STOP_RAM >> 8);
	EXPECT_EQ(realm_data_unknown(rec->realm, STOP_RAM), RMI_SUCCESS);
	outcome = hand_resume(rec);
	EXPECT(took_exception(&outcome, ESR_DATA_SAME | ESR_WNR_BIT | ESR_TRANSLATION_L2,
			      VECTOR_SAME));
}

CASE(a_table_of_the_realms_in_empty_memory_is_an_external_abort, "ABORT.table_walk")
{
	struct rig_rec *rec = translating(STOP_EMPTY | S1_TABLE);
	struct outcome outcome = hand_do(rec, HAND_READ, VA + OFFSET, 8);

	EXPECT(took_exception(&outcome, ESR_DATA_SAME | ESR_SEA, VECTOR_SAME));
	EXPECT_EQ(outcome.gprs[HAND_FAR], VA + OFFSET);
}

CASE(a_table_of_the_realms_in_shared_memory_cannot_be_emulated, "ABORT.table_walk")
{
	struct rig_rec *rec = translating(STOP_UNPROTECTED | S1_TABLE);
	struct outcome outcome;

	EXPECT(EXPECT_STOP(rec, STOP_ESR_ABORT_LOWER | BLOCK_FAULT, SHOWN, HAND_READ, VA + OFFSET,
			   8));
	EXPECT_EQ(rec->run->exit.hpfar, STOP_UNPROTECTED >> 8);
	outcome = stop_resume_with(rec, RMI_ENTER_INJECT_SEA_MASK);
	EXPECT(took_exception(&outcome, ESR_DATA_SAME | ESR_SEA, VECTOR_SAME));
	EXPECT_EQ(outcome.gprs[HAND_FAR], VA + OFFSET);
}

CASE(a_fetch_through_a_missing_table_is_a_fetch, "ABORT.table_walk")
{
	struct rig_rec *rec = translating(STOP_RAM | S1_TABLE);

	EXPECT(EXPECT_STOP(rec, STOP_ESR_FETCH_LOWER | PAGE_FAULT, SHOWN, HAND_FETCH, VA + OFFSET));
	EXPECT_EQ(rec->run->exit.hpfar, STOP_RAM >> 8);
}

CASE(an_emulatable_access_shows_its_ipa_and_not_its_va, "EMULATION.translated")
{
	struct rig_rec *rec = translating(RIG_UNPROTECTED | S1_BLOCK);
	struct outcome outcome;

	EXPECT(!hand_order(rec, HAND_READ, VA + OFFSET, 8).done);
	EXPECT(stop_is(rec, RMI_EXIT_SYNC, STOP_ESR | STOP_FAR | STOP_HPFAR));
	EXPECT_EQ(rec->run->exit.hpfar, (RIG_UNPROTECTED + OFFSET) >> 12 << 4);
	EXPECT_EQ(rec->run->exit.far, PAGE_OFFSET);
	rec->run->enter.gprs[0] = 0x1234;
	outcome = stop_resume_with(rec, RMI_ENTER_EMUL_MMIO_MASK);
	EXPECT(took_none(&outcome));
	EXPECT_EQ(outcome.gprs[1], 0x1234);
}

CASE(an_injected_abort_shows_the_va_to_the_realm, "SEA.translated")
{
	struct rig_rec *rec = translating(RIG_UNPROTECTED | S1_BLOCK);
	struct outcome outcome;

	EXPECT(!hand_order(rec, HAND_READ, VA + OFFSET, 8).done);
	outcome = stop_resume_with(rec, RMI_ENTER_INJECT_SEA_MASK);
	EXPECT(took_exception(&outcome, ESR_DATA_SAME | ESR_SEA, VECTOR_SAME));
	EXPECT_EQ(outcome.gprs[HAND_FAR], VA + OFFSET);
}

CASE(a_permission_fault_shows_its_ipa_and_not_its_va, "ABORT.permission")
{
	struct rig_rec *rec = translating(RIG_UNPROTECTED | S1_BLOCK);
	uint64_t page = granule_take();
	uint64_t ipa = RIG_UNPROTECTED + OFFSET - PAGE_OFFSET;

	EXPECT_EQ(realm_tables(rec->realm, ipa, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_RTT_MAP_UNPROTECTED, rec->realm->rd, ipa, PAGE_LEVEL,
			     page | READ_ONLY),
		  RMI_SUCCESS);
	(void)hand_do(rec, HAND_SET, HAND_REG_PAR_EL1, 0);
	EXPECT_EQ(hand_read(rec, VA + OFFSET), 0);
	EXPECT(EXPECT_STOP(rec, STOP_ESR_ABORT_LOWER | (STOP_PERMISSION + 3U), SHOWN, HAND_WRITE,
			   VA + OFFSET, 8, 0x5EC2E7));
	EXPECT_EQ(rec->run->exit.hpfar, ipa >> 8);
	EXPECT(stop_resume_with(rec, RMI_ENTER_INJECT_SEA_MASK).done);
	EXPECT_EQ(hand_do(rec, HAND_GET, HAND_REG_PAR_EL1).gprs[1], 0);
}

CASE(an_access_beyond_the_ipa_space_by_tables_is_an_address_size_fault, "ABORT.beyond")
{
	struct rig_rec *rec = translating(BEYOND | S1_BLOCK);
	struct outcome outcome = hand_do(rec, HAND_READ, VA + OFFSET, 8);

	/* Of some level: 0 to 3. */
	EXPECT_EQ(outcome.gprs[HAND_FAULTS], 1);
	EXPECT_EQ(outcome.gprs[HAND_ESR] & ~UINT64_C(3), ESR_DATA_SAME);
	EXPECT_EQ(outcome.gprs[HAND_FAR], VA + OFFSET);
}
