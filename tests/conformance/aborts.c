/* SPDX-License-Identifier: BSD-3-Clause */
/* Data aborts of a realm: which the host learns of, and what. */
#include <abi/rmi.h>
#include <abi/rsi.h>

#include "call.h"
#include "granules.h"
#include "space.h"
#include "stop.h"
#include "tap.h"

#define OFFSET		UINT64_C(0x128)
#define PAGE_FAULT	(STOP_TRANSLATION + 3U)
#define BLOCK_FAULT	(STOP_TRANSLATION + 2U)
#define PAGE_PERMISSION (STOP_PERMISSION + 3U)
#define SHOWN		(STOP_ESR | STOP_HPFAR)
#define READ_ONLY	UINT64_C(0x58)
#define WRITE_ONLY	UINT64_C(0x98)
#define NO_ACCESS	UINT64_C(0x18)
#define ABSENT_DRAM	UINT64_C(0xF0000000)
#define SECRET		UINT64_C(0x5EC2E75EC2E75EC2)
#define ESR_FSC_MASK	UINT64_C(0x3F)
#define FSC_GPF		UINT64_C(0x28)

static uint64_t hpfar(uint64_t ipa)
{
	return ipa >> 12 << 4;
}

/* A read at `ipa` stops the REC: nothing is shown but that, and where. */
static bool read_stops(struct rig_rec *rec, uint64_t ipa, uint64_t fault)
{
	return EXPECT_STOP(rec, STOP_ESR_ABORT_LOWER | fault, SHOWN, HAND_READ, ipa + OFFSET, 8) &&
	       EXPECT_EQ(rec->run->exit.hpfar, hpfar(ipa));
}

static bool write_stops(struct rig_rec *rec, uint64_t ipa, uint64_t fault)
{
	return EXPECT_STOP(rec, STOP_ESR_ABORT_LOWER | fault, SHOWN, HAND_WRITE, ipa + OFFSET, 8,
			   SECRET) &&
	       EXPECT_EQ(rec->run->exit.hpfar, hpfar(ipa));
}

static void take_page(struct rig_rec *rec, uint64_t ipa)
{
	EXPECT_EQ(realm_data_unknown(rec->realm, ipa), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, rec->realm->rd, ipa), RMI_SUCCESS);
}

/* Maps `pa` with these attributes at the page that the cases access. */
static void map(struct rig_rec *rec, uint64_t pa, uint64_t attributes)
{
	EXPECT_EQ(realm_tables(rec->realm, STOP_UNPROTECTED, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_RTT_MAP_UNPROTECTED, rec->realm->rd, STOP_UNPROTECTED, PAGE_LEVEL,
			     pa | attributes),
		  RMI_SUCCESS);
}

CASE(a_read_of_empty_memory_is_an_external_abort_in_the_realm, "ABORT.data_empty ABORT.sea_kept")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome = hand_do(rec, HAND_READ, STOP_EMPTY + OFFSET, 4);

	EXPECT(took_exception(&outcome, ESR_DATA_SAME | ESR_SEA, VECTOR_SAME));
	EXPECT_EQ(outcome.gprs[HAND_FAR], STOP_EMPTY + OFFSET);
}

CASE(a_write_to_empty_memory_is_an_external_abort_in_the_realm, "ABORT.data_empty ABORT.sea_kept")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome = hand_do(rec, HAND_WRITE, STOP_EMPTY, 8, SECRET);

	EXPECT(took_exception(&outcome, ESR_DATA_SAME | ESR_WNR_BIT | ESR_SEA, VECTOR_SAME));
}

CASE(an_access_to_empty_memory_with_a_granule_behind_it_aborts_as_well, "ABORT.data_empty")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	EXPECT_EQ(realm_data_unknown(rec->realm, STOP_RAM), RMI_SUCCESS);
	EXPECT(ripas_change(rec, STOP_RAM, STOP_RAM + GRANULE_SIZE, RMI_RIPAS_EMPTY, 0));
	EXPECT_EQ(realm_entry(rec->realm, STOP_RAM, PAGE_LEVEL).state, RMI_ASSIGNED);
	outcome = hand_do(rec, HAND_READ, STOP_RAM, 8);
	EXPECT(took_exception(&outcome, ESR_DATA_SAME | ESR_SEA, VECTOR_SAME));
}

CASE(an_access_to_ram_that_is_missing_goes_to_the_host, "ABORT.data_ram ABORT.shown_plain")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT(read_stops(rec, STOP_RAM, PAGE_FAULT));
}

CASE(a_write_to_ram_that_is_missing_shows_neither_value_nor_direction,
     "ABORT.data_ram ABORT.shown_plain")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT(write_stops(rec, STOP_RAM, PAGE_FAULT));
}

CASE(an_access_is_made_again_when_the_host_has_mapped_its_page, "ABORT.retry")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	EXPECT(write_stops(rec, STOP_RAM, PAGE_FAULT));
	EXPECT(!hand_resume(rec).done);
	EXPECT_EQ(rec->run->exit.esr, STOP_ESR_ABORT_LOWER | PAGE_FAULT);
	EXPECT_EQ(realm_data_unknown(rec->realm, STOP_RAM), RMI_SUCCESS);
	outcome = hand_resume(rec);
	EXPECT(took_none(&outcome));
	EXPECT_EQ(hand_read(rec, STOP_RAM + OFFSET), SECRET);
}

CASE(an_access_to_destroyed_memory_goes_to_the_host, "ABORT.data_destroyed")
{
	struct rig_rec *rec = stop_rec(1);

	take_page(rec, STOP_RAM);
	EXPECT(read_stops(rec, STOP_RAM, PAGE_FAULT));
	EXPECT_EQ(realm_data_unknown(rec->realm, STOP_RAM), RMI_SUCCESS);
	EXPECT(!hand_resume(rec).done);
	EXPECT(stop_is(rec, RMI_EXIT_SYNC, SHOWN));
	EXPECT_EQ(rec->run->exit.hpfar, hpfar(STOP_RAM));
}

CASE(a_fault_tells_the_level_where_the_walk_ended, "ABORT.level")
{
	struct rig_realm *realm = realm_make();
	struct rig_rec *rec;

	hand_load(realm);
	EXPECT_EQ(rmi(RMI_RTT_INIT_RIPAS, realm->rd, BLOCK_SIZE, 2U * BLOCK_SIZE).x[0],
		  RMI_SUCCESS);
	rec = hand_rec(realm);
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	LEAVE_UNLESS(hand_begin(rec));
	EXPECT(read_stops(rec, BLOCK_SIZE, BLOCK_FAULT));
}

CASE(an_unmapped_shared_access_without_syndrome_shows_no_more, "ABORT.unprotected_plain")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT(EXPECT_STOP(rec, STOP_ESR_ABORT_LOWER | BLOCK_FAULT, SHOWN, HAND_READ_PAIR,
			   STOP_UNPROTECTED + OFFSET));
	EXPECT_EQ(rec->run->exit.hpfar, hpfar(STOP_UNPROTECTED));
}

CASE(a_shared_access_is_made_again_when_the_host_has_mapped_its_page, "ABORT.retry")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t page = granule_take();
	struct outcome outcome;

	((uint64_t *)(uintptr_t)page)[0] = 0x1111;
	((uint64_t *)(uintptr_t)page)[1] = 0x2222;
	EXPECT(!hand_order(rec, HAND_READ_PAIR, STOP_UNPROTECTED).done);
	EXPECT_EQ(realm_share(rec->realm, STOP_UNPROTECTED, page, PAGE_LEVEL), RMI_SUCCESS);
	outcome = hand_resume(rec);
	EXPECT(took_none(&outcome));
	EXPECT_EQ(outcome.gprs[3], 0x1111);
	EXPECT_EQ(outcome.gprs[4], 0x2222);
}

CASE(a_write_to_a_read_only_page_shows_no_syndrome, "ABORT.permission")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t page = granule_take();

	map(rec, page, READ_ONLY);
	EXPECT_EQ(hand_read(rec, STOP_UNPROTECTED), 0);
	EXPECT(write_stops(rec, STOP_UNPROTECTED, PAGE_PERMISSION));
	EXPECT_EQ(*(uint64_t *)(uintptr_t)(page + OFFSET), 0);
}

CASE(a_read_of_a_write_only_page_shows_no_syndrome, "ABORT.permission")
{
	struct rig_rec *rec = stop_rec(1);

	map(rec, granule_take(), WRITE_ONLY);
	EXPECT(read_stops(rec, STOP_UNPROTECTED, PAGE_PERMISSION));
}

CASE(a_page_without_access_is_neither_read_nor_written, "ABORT.permission")
{
	struct rig_rec *rec = stop_rec(1);

	map(rec, granule_take(), NO_ACCESS);
	EXPECT(read_stops(rec, STOP_UNPROTECTED, PAGE_PERMISSION));
	EXPECT(!hand_resume(rec).done);
	EXPECT(stop_resume_with(rec, RMI_ENTER_INJECT_SEA_MASK).done);
	EXPECT(write_stops(rec, STOP_UNPROTECTED, PAGE_PERMISSION));
}

CASE(a_permission_fault_may_be_answered_by_an_external_abort,
     "ABORT.permission SEA.any_unprotected")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	map(rec, granule_take(), READ_ONLY);
	EXPECT(write_stops(rec, STOP_UNPROTECTED, PAGE_PERMISSION));
	outcome = stop_resume_with(rec, RMI_ENTER_INJECT_SEA_MASK);
	EXPECT(took_exception(&outcome, ESR_DATA_SAME | ESR_WNR_BIT | ESR_SEA, VECTOR_SAME));
	EXPECT_EQ(outcome.gprs[HAND_FAR], STOP_UNPROTECTED + OFFSET);
}

CASE(an_access_beyond_the_ipa_space_is_an_address_size_fault, "ABORT.beyond ABORT.beyond_level")
{
	static const uint64_t beyond[] = { 33, 34, 40, 47 };
	struct rig_rec *rec = stop_rec(1);

	for (size_t n = 0; n < sizeof(beyond) / sizeof(beyond[0]); n++) {
		uint64_t address = (UINT64_C(1) << beyond[n]) + OFFSET;
		struct outcome outcome = hand_do(rec, HAND_READ, address, 8);

		EXPECT(took_exception(&outcome, ESR_DATA_SAME, VECTOR_SAME));
		EXPECT_EQ(outcome.gprs[HAND_FAR], address);
		outcome = hand_do(rec, HAND_WRITE, address, 8, SECRET);
		EXPECT(took_exception(&outcome, ESR_DATA_SAME | ESR_WNR_BIT, VECTOR_SAME));
	}
}

CASE(the_last_page_of_the_ipa_space_is_in_it, "ABORT.beyond")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t last = 2U * RIG_UNPROTECTED - GRANULE_SIZE;

	EXPECT(!hand_order(rec, HAND_READ_PAIR, last).done);
	EXPECT_EQ(rec->run->exit.hpfar, hpfar(last));
}

CASE(a_shared_page_without_memory_is_an_external_abort_in_the_realm, "ABORT.absent")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	map(rec, ABSENT_DRAM, UNPROTECTED_RW);
	outcome = hand_order(rec, HAND_READ, STOP_UNPROTECTED + OFFSET, 8);
	if (!outcome.done) {
		EXPECT(stop_is(rec, RMI_EXIT_SYNC, STOP_ESR));
		EXPECT_EQ(rec->run->exit.esr & ~ESR_EA, STOP_ESR_ABORT_LOWER | ESR_FSC_SEA);
		outcome = hand_resume(rec);
	}
	EXPECT(outcome.done);
	EXPECT_EQ(outcome.gprs[HAND_ESR] & ESR_FSC_MASK, ESR_FSC_SEA);
	EXPECT_EQ(outcome.gprs[HAND_FAR], STOP_UNPROTECTED + OFFSET);
}

CASE(a_shared_page_that_the_host_delegates_is_lost_to_the_realm, "ABORT.gpf")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t page = granule_take();
	struct outcome outcome;

	map(rec, page, UNPROTECTED_RW);
	hand_write(rec, STOP_UNPROTECTED, SECRET);
	EXPECT_EQ(rmi_status(RMI_GRANULE_DELEGATE, page), RMI_SUCCESS);
	outcome = hand_do(rec, HAND_READ, STOP_UNPROTECTED, 8);
	EXPECT_EQ(outcome.gprs[HAND_FAULTS], 1);
	EXPECT_EQ(outcome.gprs[HAND_ESR] & ESR_FSC_MASK, FSC_GPF);
	EXPECT_EQ(rmi_status(RMI_GRANULE_UNDELEGATE, page), RMI_SUCCESS);
	EXPECT_EQ(hand_read(rec, STOP_UNPROTECTED), 0);
}
