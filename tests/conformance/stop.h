/* SPDX-License-Identifier: BSD-3-Clause */
/* Stops of a REC, and what their exit structure may say. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "code.h"
#include "hand_order.h"

/* Fields that not every exit has. */
enum stop_field {
	STOP_ESR = 1U << 0,
	STOP_FAR = 1U << 1,
	STOP_HPFAR = 1U << 2,
	STOP_GPR0 = 1U << 3,
	STOP_GPR1 = 1U << 4,
	STOP_RIPAS = 1U << 5,
	STOP_HOST_CALL = 1U << 6, /* imm and all gprs */
};

#define STOP_ESR_ABORT_LOWER UINT64_C(0x90000000) /* EC 0x24 */
#define STOP_ESR_FETCH_LOWER UINT64_C(0x80000000) /* EC 0x20 */
#define STOP_ESR_SYSREG	     UINT64_C(0x60000000) /* EC 0x18 */
#define STOP_ESR_WFX	     UINT64_C(0x04000000) /* EC 0x01 */
#define STOP_ESR_ISV	     UINT64_C(0x01000000)
#define STOP_ESR_SAS(log)    ((uint64_t)(log) << 22)
#define STOP_ESR_SF	     UINT64_C(0x8000)
#define STOP_ESR_WNR	     UINT64_C(0x40)
#define STOP_TRANSLATION     UINT64_C(0x04) /* level 0; one more for each level */
#define STOP_PERMISSION	     UINT64_C(0x0C)

/* What a PE reports in ESR_EL1. */
#define ESR_DATA_SAME	UINT64_C(0x96000000) /* EC 0x25, IL */
#define ESR_DATA_LOWER	UINT64_C(0x92000000)
#define ESR_FETCH_SAME	UINT64_C(0x86000000)
#define ESR_UNKNOWN	UINT64_C(0x02000000) /* EC 0, IL: UNDEFINED */
#define ESR_SVC		UINT64_C(0x56000000)
#define ESR_SVC_A32	UINT64_C(0x46000000)
#define ESR_EC		UINT64_C(0xFC000000)
#define ESR_EA		UINT64_C(0x200)
#define ESR_WNR_BIT	UINT64_C(0x40)
#define ESR_FSC_SEA	UINT64_C(0x10)
#define ESR_SEA		(ESR_EA | ESR_FSC_SEA)
#define VECTOR_SAME	0x200U
#define VECTOR_SAME_IRQ 0x280U
#define VECTOR_LOWER	0x400U
#define VECTOR_LOWER_32 0x600U

/* Pages of a hand_realm() for a case's accesses: unprotected, and RAM that nothing backs. */
#define STOP_UNPROTECTED UINT64_C(0x100200000)
#define STOP_RAM	 UINT64_C(0x100000)
#define STOP_EMPTY	 UINT64_C(0x600000)

/* The REC of a new realm with `recs` of them, its hand ready; the first one. */
struct rig_rec *stop_rec(unsigned int recs);

/* Fills the exit structure with what no exit has; do so before the entry. */
void stop_soil(struct rig_rec *rec);

/* Whether the exit structure is as it was soiled. */
bool stop_untouched(const struct rig_rec *rec);

/*
 * Expects an exit for `reason` whose structure is zero but for the reason, the GIC's and the
 * timers' fields, and `fields`.
 */
bool stop_is(const struct rig_rec *rec, uint8_t reason, unsigned int fields);

/* Enters the REC with `flags` of RmiRecEnter for once. */
struct outcome stop_resume_with(struct rig_rec *rec, uint64_t flags);

/* Gives an order and expects that the REC stops amid it with reason SYNC and this syndrome. */
#define EXPECT_STOP(rec, wanted, fields, ...)                                                      \
	(EXPECT(!hand_order((rec), __VA_ARGS__).done) &&                                           \
	 stop_is((rec), RMI_EXIT_SYNC, (fields)) && EXPECT_EQ((rec)->run->exit.esr, (wanted)))

/* Expects that the order was carried out and the realm took one exception of this syndrome. */
bool took_exception(const struct outcome *outcome, uint64_t esr, unsigned int vector);
bool took_none(const struct outcome *outcome);
