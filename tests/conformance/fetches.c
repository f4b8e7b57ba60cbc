/* SPDX-License-Identifier: BSD-3-Clause */
/* Instruction aborts of a realm. */
#include <abi/rmi.h>
#include <abi/rsi.h>

#include "call.h"
#include "granules.h"
#include "space.h"
#include "stop.h"
#include "tap.h"

#define OFFSET	   UINT64_C(0x40)
#define PAGE_FAULT (STOP_TRANSLATION + 3U)
#define SHOWN	   (STOP_ESR | STOP_HPFAR)
#define INSN_RET   UINT64_C(0xD65F03C0)

static void fetch_stops(struct rig_rec *rec, uint64_t ipa)
{
	EXPECT(EXPECT_STOP(rec, STOP_ESR_FETCH_LOWER | PAGE_FAULT, SHOWN, HAND_FETCH,
			   ipa + OFFSET));
	EXPECT_EQ(rec->run->exit.hpfar, ipa >> 8);
}

static void fetch_is_refused(struct rig_rec *rec, uint64_t address, uint64_t esr)
{
	struct outcome outcome = hand_do(rec, HAND_FETCH, address);

	EXPECT(took_exception(&outcome, esr, VECTOR_SAME));
	EXPECT_EQ(outcome.gprs[HAND_FAR], address);
	EXPECT_EQ(outcome.gprs[HAND_ELR], address);
}

CASE(a_fetch_from_empty_memory_is_an_external_abort_in_the_realm, "ABORT.fetch_empty")
{
	struct rig_rec *rec = stop_rec(1);

	fetch_is_refused(rec, STOP_EMPTY + OFFSET, ESR_FETCH_SAME | ESR_SEA);
}

CASE(a_fetch_from_empty_memory_with_a_granule_behind_it_aborts_as_well, "ABORT.fetch_empty")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT_EQ(realm_data_unknown(rec->realm, STOP_RAM), RMI_SUCCESS);
	EXPECT(ripas_change(rec, STOP_RAM, STOP_RAM + GRANULE_SIZE, RMI_RIPAS_EMPTY, 0));
	fetch_is_refused(rec, STOP_RAM, ESR_FETCH_SAME | ESR_SEA);
}

CASE(a_fetch_from_ram_that_is_missing_goes_to_the_host, "ABORT.fetch_ram")
{
	struct rig_rec *rec = stop_rec(1);

	fetch_stops(rec, STOP_RAM);
}

CASE(a_fetch_from_destroyed_memory_goes_to_the_host, "ABORT.fetch_destroyed")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT_EQ(realm_data_unknown(rec->realm, STOP_RAM), RMI_SUCCESS);
	hand_write(rec, STOP_RAM + OFFSET, INSN_RET);
	EXPECT_EQ(hand_do(rec, HAND_FETCH, STOP_RAM + OFFSET).gprs[HAND_FAULTS], 0);
	EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, rec->realm->rd, STOP_RAM), RMI_SUCCESS);
	fetch_stops(rec, STOP_RAM);
}

CASE(a_fetch_from_shared_memory_that_is_missing_aborts_in_the_realm, "ABORT.fetch_unprotected")
{
	struct rig_rec *rec = stop_rec(1);

	fetch_is_refused(rec, STOP_UNPROTECTED + OFFSET, ESR_FETCH_SAME | ESR_SEA);
}

CASE(a_fetch_from_mapped_shared_memory_aborts_in_the_realm, "ABORT.fetch_unprotected")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t page = granule_take();

	*(uint64_t *)(uintptr_t)(page + OFFSET) = INSN_RET;
	EXPECT_EQ(realm_share(rec->realm, STOP_UNPROTECTED, page, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(hand_read(rec, STOP_UNPROTECTED + OFFSET), INSN_RET);
	fetch_is_refused(rec, STOP_UNPROTECTED + OFFSET, ESR_FETCH_SAME | ESR_SEA);
}

CASE(a_fetch_beyond_the_ipa_space_is_an_address_size_fault, "ABORT.beyond")
{
	struct rig_rec *rec = stop_rec(1);

	fetch_is_refused(rec, 2U * RIG_UNPROTECTED, ESR_FETCH_SAME);
	fetch_is_refused(rec, UINT64_C(1) << 47, ESR_FETCH_SAME);
}

CASE(a_fetch_abort_cannot_be_answered_by_an_external_abort, "SEA.fetch")
{
	struct rig_rec *rec = stop_rec(1);

	fetch_stops(rec, STOP_RAM);
	rec->run->enter.flags = RMI_ENTER_INJECT_SEA_MASK;
	EXPECT_EQ(rec_enter(rec), RMI_ERROR_REC);
	rec->run->enter.flags = RMI_ENTER_EMUL_MMIO_MASK;
	EXPECT_EQ(rec_enter(rec), RMI_ERROR_REC);
	rec->run->enter.flags = 0;
}
