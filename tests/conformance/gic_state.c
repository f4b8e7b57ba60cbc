/* SPDX-License-Identifier: BSD-3-Clause */
/* The GIC's state in RmiRecEnter: what RMI_REC_ENTER takes, and what it refuses. */
#include <abi/rmi.h>
#include <lib/bits.h>

#include "call.h"
#include "gic.h"
#include "stop.h"
#include "tap.h"

#define LR_PENDING    bit64(62)
#define LR_ACTIVE     bit64(63)
#define LR_GROUP1     bit64(60)
#define LR_HW	      bit64(61)
#define LR_EOI	      bit64(41)
#define LR_PRIORITY   48U
#define LR_GOOD	      (LR_PENDING | LR_GROUP1 | UINT64_C(0xA0) << LR_PRIORITY | 40U)
#define INTID_LPI     UINT64_C(8192)
#define FEATURE_LRS   34U
#define HOST_HCR_MASK UINT64_C(0x40FE)

static struct rig_rec *rec;

static unsigned int lr_count(void)
{
	return (unsigned int)(rmi(RMI_FEATURES, 0).x[1] >> FEATURE_LRS & 0xFU) + 1U;
}

static void clear(void)
{
	rec->run->enter.gicv3_hcr = 0;
	for (unsigned int n = 0; n < RMI_GIC_LRS; n++) {
		rec->run->enter.gicv3_lrs[n] = 0;
	}
}

static void prepare(void)
{
	rec = stop_rec(1);
	clear();
}

/* The entry as it is: whether it was refused, without an exit. */
static bool refused(void)
{
	stop_soil(rec);
	return EXPECT_EQ(rec_enter(rec), RMI_ERROR_REC) && EXPECT(stop_untouched(rec));
}

static bool lr_is_refused(uint64_t lr)
{
	bool each = true;

	for (unsigned int n = 0; n < lr_count(); n++) {
		clear();
		rec->run->enter.gicv3_lrs[n] = lr;
		each = each && refused();
	}
	if (!each) {
		tap_note("LR 0x%lx", (unsigned long)lr);
	}
	clear();
	return each;
}

/* An order that the REC carries out with this list register, over interrupts. */
static bool lr_is_taken(uint64_t lr)
{
	bool taken = true;

	for (unsigned int n = 0; n < lr_count(); n++) {
		clear();
		rec->run->enter.gicv3_lrs[n] = lr;
		taken = taken && hand_do(rec, HAND_GET, HAND_REG_CURRENTEL).done &&
			EXPECT_EQ(rec->run->exit.gicv3_lrs[n], lr);
	}
	if (!taken) {
		tap_note("LR 0x%lx", (unsigned long)lr);
	}
	clear();
	return taken;
}

CASE(rec_enter_takes_the_hosts_bits_of_ich_hcr, "GIC.hcr_allowed GIC.exit_hcr")
{
	prepare();
	for (unsigned int n = 0; n < 64U; n++) {
		if ((HOST_HCR_MASK & bit64(n)) != 0U) {
			rec->run->enter.gicv3_hcr = bit64(n);
			EXPECT_EQ(rec_enter(rec), RMI_SUCCESS);
			EXPECT_EQ(rec->run->exit.gicv3_hcr, bit64(n));
			(void)gic_drain();
		}
	}
	rec->run->enter.gicv3_hcr = HOST_HCR_MASK;
	EXPECT_EQ(rec_enter(rec), RMI_SUCCESS);
	EXPECT_EQ(rec->run->exit.gicv3_hcr, HOST_HCR_MASK);
	(void)gic_drain();
	clear();
}

CASE(rec_enter_refuses_other_bits_of_ich_hcr, "GIC.hcr_other")
{
	prepare();
	for (unsigned int n = 0; n < 64U; n++) {
		if ((HOST_HCR_MASK & bit64(n)) == 0U) {
			rec->run->enter.gicv3_hcr = bit64(n);
			if (!refused()) {
				tap_note("bit %u", n);
			}
		}
	}
	rec->run->enter.gicv3_hcr = HOST_HCR_MASK | bit64(27);
	EXPECT(refused());
	clear();
}

CASE(rec_enter_takes_virtual_interrupts_in_every_state, "GIC.lr_valid GIC.exit_lrs")
{
	prepare();
	EXPECT(lr_is_taken(LR_GOOD));
	EXPECT(lr_is_taken((LR_GOOD & ~LR_PENDING) | LR_ACTIVE));
	EXPECT(lr_is_taken(LR_GOOD | LR_ACTIVE));
	EXPECT(lr_is_taken(LR_GOOD & ~LR_GROUP1));
}

CASE(rec_enter_refuses_hardware_interrupts, "GIC.lr_hw")
{
	prepare();
	EXPECT(lr_is_refused(LR_GOOD | LR_HW));
	EXPECT(lr_is_refused(LR_GOOD | LR_HW | UINT64_C(27) << 32));
	EXPECT(lr_is_refused((LR_GOOD & ~LR_PENDING) | LR_ACTIVE | LR_HW));
}

CASE(rec_enter_refuses_a_physical_interrupt_number, "GIC.lr_pintid")
{
	prepare();
	for (unsigned int n = 32; n <= 44U; n++) {
		if (bit64(n) != LR_EOI) {
			EXPECT(lr_is_refused(LR_GOOD | bit64(n)));
		}
	}
	EXPECT(lr_is_taken(LR_GOOD | LR_EOI));
}

CASE(rec_enter_refuses_priority_bits_that_are_not_implemented, "GIC.lr_priority")
{
	prepare();
	for (unsigned int n = 0; n < 3U; n++) {
		EXPECT(lr_is_refused(LR_GOOD | bit64(LR_PRIORITY + n)));
	}
	EXPECT(lr_is_taken(LR_GOOD | UINT64_C(0xF8) << LR_PRIORITY));
	EXPECT(lr_is_taken(LR_GOOD & ~(UINT64_C(0xFF) << LR_PRIORITY)));
}

CASE(rec_enter_refuses_interrupt_numbers_that_there_are_not, "GIC.lr_vintid")
{
	static const uint64_t bad[] = { 1020, 1023, 1024, 1055, 1056,	   1119,       4095,
					4096, 5119, 5120, 8191, 0x1000000, 0x80000000, 0xFFFFFFFF };

	prepare();
	for (size_t n = 0; n < ARRAY_COUNT(bad); n++) {
		EXPECT(lr_is_refused((LR_GOOD & ~UINT64_C(0xFFFFFFFF)) | bad[n]));
	}
}

CASE(rec_enter_takes_the_interrupt_numbers_that_there_are, "GIC.lr_vintid")
{
	static const uint64_t good[] = { 0, 15, 16, 31, 32, 1019, INTID_LPI, 0xFFFF };

	prepare();
	for (size_t n = 0; n < ARRAY_COUNT(good); n++) {
		EXPECT(lr_is_taken((LR_GOOD & ~UINT64_C(0xFFFFFFFF)) | good[n]));
	}
}

CASE(rec_enter_refuses_an_interrupt_twice, "GIC.lr_repeated")
{
	prepare();
	for (unsigned int one = 0; one < lr_count(); one++) {
		for (unsigned int two = one + 1U; two < lr_count(); two++) {
			clear();
			rec->run->enter.gicv3_lrs[one] = LR_GOOD;
			rec->run->enter.gicv3_lrs[two] = (LR_GOOD & ~LR_PENDING) | LR_ACTIVE;
			EXPECT(refused());
		}
	}
	clear();
	rec->run->enter.gicv3_lrs[0] = LR_GOOD;
	rec->run->enter.gicv3_lrs[1] = LR_GOOD & ~(LR_PENDING | LR_ACTIVE);
	EXPECT(hand_do(rec, HAND_GET, HAND_REG_CURRENTEL).done);
	clear();
}

CASE(an_invalid_list_register_may_hold_anything, "GIC.lr_invalid")
{
	prepare();
	for (unsigned int n = 0; n < lr_count(); n++) {
		rec->run->enter.gicv3_lrs[n] = ~(LR_PENDING | LR_ACTIVE);
	}
	EXPECT(hand_do(rec, HAND_GET, HAND_REG_CURRENTEL).done);
	clear();
}

CASE(list_registers_that_there_are_not_are_ignored, "GIC.lr_beyond GIC.exit_lrs")
{
	prepare();
	for (unsigned int n = lr_count(); n < RMI_GIC_LRS; n++) {
		rec->run->enter.gicv3_lrs[n] = UINT64_MAX;
	}
	EXPECT(hand_do(rec, HAND_GET, HAND_REG_CURRENTEL).done);
	for (unsigned int n = lr_count(); n < RMI_GIC_LRS; n++) {
		EXPECT_EQ(rec->run->exit.gicv3_lrs[n], 0);
	}
	clear();
}
