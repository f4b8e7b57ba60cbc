/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks of live memory, made by RMI_RTT_FOLD and undone by RMI_RTT_CREATE under a realm. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <lib/bits.h>

#include "call.h"
#include "granules.h"
#include "probe.h"
#include "space.h"
#include "tap.h"

#define BLOCK	  UINT64_C(0x400000)
#define LAST	  (BLOCK_SIZE - sizeof(uint64_t))
#define SHARED_39 bit64(38)
#define UPPER_GIB UINT64_C(0x80000000) /* memory of the machine that nothing else uses */
#define FLAG	  UINT64_C(0xF1A6F1A6)
#define READ_ONLY (UNPROTECTED_RW & ~UINT64_C(0x80))

static struct rig_realm *realm;
static struct rig_rec *rec;

static uint64_t fold(uint64_t ipa, int level)
{
	return rmi_status(RMI_RTT_FOLD, realm->rd, ipa, (uint64_t)level);
}

static uint64_t unfold(uint64_t ipa, int level)
{
	return rmi_status(RMI_RTT_CREATE, realm->rd, granule_take_delegated(), ipa,
			  (uint64_t)level);
}

/* The hand's realm, with 2 MiB of memory mapped page by page at BLOCK; returns its PA. */
static uint64_t prepare(void)
{
	uint64_t pa;

	realm = realm_make();
	hand_load(realm);
	rec = hand_rec(realm);
	EXPECT_EQ(realm_ram(realm, BLOCK, BLOCK + BLOCK_SIZE, true), RMI_SUCCESS);
	pa = realm_fill_block(realm, BLOCK);
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	(void)hand_begin(rec);
	return pa;
}

/* A word in every eighth page, as far as `size`, that no other page has. */
static void write_marks(uint64_t ipa, uint64_t size)
{
	for (uint64_t at = 0; at < size; at += size / 8U) {
		hand_write(rec, ipa + at, FLAG + at);
	}
	hand_write(rec, ipa + size - sizeof(uint64_t), FLAG);
}

static void expect_marks(uint64_t ipa, uint64_t size)
{
	for (uint64_t at = 0; at < size; at += size / 8U) {
		EXPECT_EQ(hand_read(rec, ipa + at), FLAG + at);
	}
	EXPECT_EQ(hand_read(rec, ipa + size - sizeof(uint64_t)), FLAG);
}

static void expect_pages(uint64_t ipa, uint64_t pa, uint64_t ripas)
{
	for (uint64_t at = 0; at < BLOCK_SIZE; at += GRANULE_SIZE) {
		if (!EXPECT_ENTRY(realm, ipa + at, PAGE_LEVEL, .level = PAGE_LEVEL,
				  .state = RMI_ASSIGNED, .desc = pa + at, .ripas = ripas)) {
			return;
		}
	}
}

CASE(memory_in_use_is_folded_and_unfolded_under_the_realm, "RTT_FOLD.assigned RTT_CREATE.unfold")
{
	uint64_t pa = prepare();

	write_marks(BLOCK, BLOCK_SIZE);
	EXPECT_EQ(fold(BLOCK, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_ENTRY(realm, BLOCK, BLOCK_LEVEL, .level = BLOCK_LEVEL, .state = RMI_ASSIGNED,
		     .desc = pa, .ripas = RMI_RIPAS_RAM);
	expect_marks(BLOCK, BLOCK_SIZE);
	hand_write(rec, BLOCK + 0x1008, 1);
	EXPECT_EQ(unfold(BLOCK, PAGE_LEVEL), RMI_SUCCESS);
	expect_pages(BLOCK, pa, RMI_RIPAS_RAM);
	expect_marks(BLOCK, BLOCK_SIZE);
	EXPECT_EQ(hand_read(rec, BLOCK + 0x1008), 1);
	EXPECT_EQ(fold(BLOCK, PAGE_LEVEL), RMI_SUCCESS);
	expect_marks(BLOCK, BLOCK_SIZE);
}

CASE(a_page_of_an_unfolded_block_can_be_destroyed, "RTT_CREATE.unfold DATA_DESTROY.success")
{
	uint64_t pa = prepare();
	struct call result;

	EXPECT_EQ(fold(BLOCK, PAGE_LEVEL), RMI_SUCCESS);
	hand_write(rec, BLOCK + LAST, FLAG);
	EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, realm->rd, BLOCK), rmi_rtt_error(BLOCK_LEVEL));
	EXPECT_EQ(unfold(BLOCK, PAGE_LEVEL), RMI_SUCCESS);
	result = rmi(RMI_DATA_DESTROY, realm->rd, BLOCK + 0x1FF000);
	EXPECT_EQ(result.x[0], RMI_SUCCESS);
	EXPECT_EQ(result.x[1], pa + 0x1FF000);
	EXPECT(granule_comes_back_wiped(pa + 0x1FF000));
	EXPECT_EQ(hand_read(rec, BLOCK), 0);
	EXPECT(!hand_order(rec, HAND_READ, BLOCK + LAST, 8).done);
	EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_SYNC);
}

CASE(memory_that_is_empty_is_folded_and_unfolded, "RTT_FOLD.assigned RTT_CREATE.unfold")
{
	uint64_t pa;

	realm = realm_make();
	pa = realm_make_block(realm, BLOCK);
	EXPECT_ENTRY(realm, BLOCK, BLOCK_LEVEL, .level = BLOCK_LEVEL, .state = RMI_ASSIGNED,
		     .desc = pa, .ripas = RMI_RIPAS_EMPTY);
	EXPECT_EQ(unfold(BLOCK, PAGE_LEVEL), RMI_SUCCESS);
	expect_pages(BLOCK, pa, RMI_RIPAS_EMPTY);
}

CASE(memory_that_is_destroyed_is_folded_and_unfolded, "RTT_FOLD.assigned RTT_CREATE.unfold")
{
	uint64_t pa;

	realm = realm_make();
	EXPECT_EQ(realm_tables(realm, BLOCK, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_RTT_DESTROY, realm->rd, BLOCK, PAGE_LEVEL), RMI_SUCCESS);
	pa = realm_make_block(realm, BLOCK);
	EXPECT_ENTRY(realm, BLOCK, BLOCK_LEVEL, .level = BLOCK_LEVEL, .state = RMI_ASSIGNED,
		     .desc = pa, .ripas = RMI_RIPAS_DESTROYED);
	EXPECT_EQ(unfold(BLOCK, PAGE_LEVEL), RMI_SUCCESS);
	expect_pages(BLOCK, pa, RMI_RIPAS_DESTROYED);
}

CASE(a_block_changes_its_ripas_as_a_whole, "RTT_SET_RIPAS.block")
{
	uint64_t pa = prepare();

	write_marks(BLOCK, BLOCK_SIZE);
	EXPECT_EQ(fold(BLOCK, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(hand_read(rec, BLOCK), FLAG);
	LEAVE_UNLESS(ripas_change(rec, BLOCK, BLOCK + BLOCK_SIZE, RMI_RIPAS_EMPTY,
				  RSI_NO_CHANGE_DESTROYED));
	EXPECT_ENTRY(realm, BLOCK, BLOCK_LEVEL, .level = BLOCK_LEVEL, .state = RMI_ASSIGNED,
		     .desc = pa, .ripas = RMI_RIPAS_EMPTY);
	EXPECT_EQ(hand_do(rec, HAND_READ, BLOCK, 8).gprs[HAND_FAULTS], 1);
	LEAVE_UNLESS(ripas_change(rec, BLOCK, BLOCK + BLOCK_SIZE, RMI_RIPAS_RAM,
				  RSI_NO_CHANGE_DESTROYED));
	EXPECT_ENTRY(realm, BLOCK, BLOCK_LEVEL, .level = BLOCK_LEVEL, .state = RMI_ASSIGNED,
		     .desc = pa, .ripas = RMI_RIPAS_RAM);
	hand_write(rec, BLOCK + LAST, 3);
	EXPECT_EQ(hand_read(rec, BLOCK + LAST), 3);
}

CASE(a_part_of_a_block_changes_its_ripas_only_after_unfolding,
     "RTT_SET_RIPAS.block RTT_SET_RIPAS.base_align")
{
	uint64_t page = BLOCK + GRANULE_SIZE;

	(void)prepare();
	EXPECT_EQ(fold(BLOCK, PAGE_LEVEL), RMI_SUCCESS);
	LEAVE_UNLESS(ripas_ask(rec, page, page + GRANULE_SIZE, RMI_RIPAS_EMPTY,
			       RSI_NO_CHANGE_DESTROYED));
	EXPECT_EQ(rmi_status(RMI_RTT_SET_RIPAS, realm->rd, rec->pa, page, page + GRANULE_SIZE),
		  rmi_rtt_error(BLOCK_LEVEL));
	EXPECT_EQ(unfold(BLOCK, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT(ripas_grant(rec, page, page + GRANULE_SIZE));
	EXPECT(hand_resume(rec).done);
	EXPECT_EQ(hand_read(rec, BLOCK), 0);
	EXPECT_EQ(hand_do(rec, HAND_READ, page, 8).gprs[HAND_FAULTS], 1);
}

CASE(data_destroy_and_create_refuse_a_block, "DATA_DESTROY.walk DATA_CREATE_UNKNOWN.walk")
{
	uint64_t data = granule_take_delegated();
	struct call result;

	realm = realm_make();
	(void)realm_make_block(realm, BLOCK);
	result = rmi(RMI_DATA_DESTROY, realm->rd, BLOCK + GRANULE_SIZE);
	EXPECT_EQ(result.x[0], rmi_rtt_error(BLOCK_LEVEL));
	EXPECT_EQ(result.x[2], BLOCK + GRANULE_SIZE);
	EXPECT_EQ(rmi_status(RMI_DATA_CREATE_UNKNOWN, realm->rd, data, BLOCK),
		  rmi_rtt_error(BLOCK_LEVEL));
}

/* The hand, and a block of the host's own memory at the start of the unprotected half. */
static uint64_t prepare_unprotected(uint64_t attributes)
{
	uint64_t pa = granules_take(TABLE_ENTRIES, BLOCK_SIZE);

	realm = hand_realm(1);
	rec = &realm->recs[0];
	(void)hand_begin(rec);
	EXPECT_EQ(rmi_status(RMI_RTT_MAP_UNPROTECTED, realm->rd, RIG_UNPROTECTED, BLOCK_LEVEL,
			     pa | attributes),
		  RMI_SUCCESS);
	return pa;
}

CASE(an_unprotected_block_is_unfolded_and_folded_under_the_realm,
     "RTT_CREATE.unfold_unprotected RTT_FOLD.unprotected_assigned RTT_MAP_UNPROTECTED.block")
{
	uint64_t pa = prepare_unprotected(UNPROTECTED_RW);
	uint64_t value;

	write_marks(RIG_UNPROTECTED, BLOCK_SIZE);
	EXPECT(ns_read(pa + LAST, &value));
	EXPECT_EQ(value, FLAG);
	EXPECT_EQ(unfold(RIG_UNPROTECTED, PAGE_LEVEL), RMI_SUCCESS);
	expect_pages(RIG_UNPROTECTED, pa | UNPROTECTED_RW, 0);
	expect_marks(RIG_UNPROTECTED, BLOCK_SIZE);
	EXPECT_EQ(fold(RIG_UNPROTECTED, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_ENTRY(realm, RIG_UNPROTECTED, BLOCK_LEVEL, .level = BLOCK_LEVEL,
		     .state = RMI_ASSIGNED, .desc = pa | UNPROTECTED_RW);
	expect_marks(RIG_UNPROTECTED, BLOCK_SIZE);
}

CASE(an_unprotected_block_keeps_its_permissions,
     "RTT_CREATE.unfold_unprotected RTT_FOLD.unprotected_assigned RTT_MAP_UNPROTECTED.s2ap")
{
	uint64_t pa = prepare_unprotected(READ_ONLY);

	for (unsigned int pass = 0; pass < 3U; pass++) {
		EXPECT_EQ(hand_read(rec, RIG_UNPROTECTED + LAST), 0);
		EXPECT(!hand_order(rec, HAND_WRITE, RIG_UNPROTECTED, 8, 1).done);
		EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_SYNC);
		EXPECT_EQ(rec->run->exit.hpfar, RIG_UNPROTECTED >> 8U);
		rec->run->enter.flags = RMI_ENTER_INJECT_SEA_MASK;
		EXPECT(hand_resume(rec).done);
		rec->run->enter.flags = 0;
		if (pass == 0U) {
			EXPECT_EQ(unfold(RIG_UNPROTECTED, PAGE_LEVEL), RMI_SUCCESS);
			expect_pages(RIG_UNPROTECTED, pa | READ_ONLY, 0);
		} else if (pass == 1U) {
			EXPECT_EQ(fold(RIG_UNPROTECTED, PAGE_LEVEL), RMI_SUCCESS);
		}
	}
}

/* 1 GiB of the host's memory: to 2 MiB and to 4 KiB, and back. */
CASE(an_unprotected_gigabyte_is_unfolded_and_folded_under_the_realm,
     "RTT_CREATE.unfold_unprotected RTT_FOLD.unprotected_assigned RTT_MAP_UNPROTECTED.gigabyte")
{
	uint64_t piece = SHARED_39 + 3U * BLOCK_SIZE;

	realm = hand_realm_of_shape(39, 1, 1);
	rec = &realm->recs[0];
	EXPECT_EQ(rmi_status(RMI_RTT_MAP_UNPROTECTED, realm->rd, SHARED_39, 1,
			     UPPER_GIB | UNPROTECTED_RW),
		  RMI_SUCCESS);
	write_marks(SHARED_39, GIGABYTE);
	EXPECT_EQ(unfold(SHARED_39, 2), RMI_SUCCESS);
	EXPECT_ENTRY(realm, piece, 2, .level = 2, .state = RMI_ASSIGNED,
		     .desc = (UPPER_GIB + 3U * BLOCK_SIZE) | UNPROTECTED_RW);
	expect_marks(SHARED_39, GIGABYTE);
	EXPECT_EQ(unfold(piece, 3), RMI_SUCCESS);
	expect_pages(piece, (UPPER_GIB + 3U * BLOCK_SIZE) | UNPROTECTED_RW, 0);
	expect_marks(SHARED_39, GIGABYTE);
	EXPECT_EQ(fold(SHARED_39, 2), rmi_rtt_error(2));
	EXPECT_EQ(fold(piece, 3), RMI_SUCCESS);
	EXPECT_EQ(fold(SHARED_39, 2), RMI_SUCCESS);
	EXPECT_ENTRY(realm, SHARED_39, 1, .level = 1, .state = RMI_ASSIGNED,
		     .desc = UPPER_GIB | UNPROTECTED_RW);
	expect_marks(SHARED_39, GIGABYTE);
	EXPECT_EQ(rmi_status(RMI_RTT_UNMAP_UNPROTECTED, realm->rd, SHARED_39, 1), RMI_SUCCESS);
	EXPECT(!hand_order(rec, HAND_READ, SHARED_39 + GIGABYTE - 8U, 8).done);
}
