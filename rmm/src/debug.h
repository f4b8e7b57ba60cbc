/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Self-hosted debug of a realm: its breakpoints, watchpoints and software step. Each access to a
 * debug register traps and finds the REC's value; so a realm sees as many as were negotiated, and
 * nothing of the host's. The PE gets the REC's values only while the realm has debug exceptions
 * enabled, for without that they have no effect, and then the host's are put aside. Nobody is
 * debugged but the realm: debug exceptions go to EL1 (MDCR_EL2.TDE is 0), and none is taken to an
 * exception level below the one that runs.
 */
#pragma once

#include <lib/types.h>

#include "regs.h"

#define DEBUG_MAX 16U

struct rec;

/* Breakpoints and watchpoints. */
struct debug_registers {
	uint64_t bvr[DEBUG_MAX];
	uint64_t bcr[DEBUG_MAX];
	uint64_t wvr[DEBUG_MAX];
	uint64_t wcr[DEBUG_MAX];
};

/* What a REC has, but for MDSCR_EL1, which is switched with other registers (context.h). */
struct rec_debug {
	struct debug_registers registers;
	uint8_t claim;
	bool os_locked;
};

/* The host's, while the PE has a REC's. */
struct host_debug {
	bool away;
	uint64_t oslsr;
	uint64_t osdlr;
	struct debug_registers registers;
};

void debug_reset(struct rec_debug *debug);

/* Whether what the PE's debug registers hold has an effect on a realm with this MDSCR_EL1. */
static inline bool debug_is_enabled(uint64_t mdscr)
{
	return (mdscr & (MDSCR_SS | MDSCR_MDE)) != 0U;
}

/* Gives the PE the REC's values, having put the host's aside; and the reverse. */
void debug_load(const struct rec *rec);
void debug_restore_host(void);

/* Whether a trapped MRS or MSR is of a debug register. */
bool debug_is_register(uint64_t esr);

/* Carries such an access out; false if the realm has no such register. */
bool debug_access(struct rec *rec, uint64_t esr);
