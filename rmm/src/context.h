/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * EL1 and EL0 system registers of a REC and of the host. EL3 switches those of EL2, so around
 * RMI_REC_ENTER the RMM switches the rest.
 */
#pragma once

#include <lib/types.h>

/* Shared by both worlds: saved and loaded for both. */
#define CONTEXT_SHARED_REGISTERS(X)                                                                \
	X(SP_EL1)                                                                                  \
	X(ELR_EL1)                                                                                 \
	X(SPSR_EL1)                                                                                \
	X(ESR_EL1)                                                                                 \
	X(FAR_EL1)                                                                                 \
	X(AFSR0_EL1)                                                                               \
	X(AFSR1_EL1)                                                                               \
	X(SCTLR_EL1)                                                                               \
	X(CPACR_EL1)                                                                               \
	X(TTBR0_EL1)                                                                               \
	X(TTBR1_EL1)                                                                               \
	X(TCR_EL1)                                                                                 \
	X(MAIR_EL1)                                                                                \
	X(AMAIR_EL1)                                                                               \
	X(VBAR_EL1)                                                                                \
	X(CONTEXTIDR_EL1)                                                                          \
	X(TPIDR_EL0)                                                                               \
	X(TPIDRRO_EL0)                                                                             \
	X(TPIDR_EL1)                                                                               \
	X(CNTKCTL_EL1)                                                                             \
	X(PAR_EL1)                                                                                 \
	X(CSSELR_EL1)                                                                              \
	X(MDSCR_EL1)                                                                               \
	X(VSESR_EL2)                                                                               \
	X(VDISR_EL2)

/* Switched by EL3 between worlds, so only to be kept for each REC. */
#define CONTEXT_REALM_REGISTERS(X)                                                                 \
	X(SP_EL0)                                                                                  \
	X(APIAKEYLO_EL1)                                                                           \
	X(APIAKEYHI_EL1)                                                                           \
	X(APIBKEYLO_EL1)                                                                           \
	X(APIBKEYHI_EL1)                                                                           \
	X(APDAKEYLO_EL1)                                                                           \
	X(APDAKEYHI_EL1)                                                                           \
	X(APDBKEYLO_EL1)                                                                           \
	X(APDBKEYHI_EL1)                                                                           \
	X(APGAKEYLO_EL1)                                                                           \
	X(APGAKEYHI_EL1)

#define CONTEXT_MEMBER(name) uint64_t name##_;

struct shared_registers {
	CONTEXT_SHARED_REGISTERS(CONTEXT_MEMBER)
};

struct realm_registers {
	CONTEXT_REALM_REGISTERS(CONTEXT_MEMBER)
};

struct timer_registers {
	uint64_t cntv_ctl;
	uint64_t cntv_cval;
	uint64_t cntp_ctl;
	uint64_t cntp_cval;
};

struct host_context {
	struct shared_registers shared;
	struct timer_registers timers;
};

void context_switch_shared(struct shared_registers *restrict to,
			   const struct shared_registers *restrict from);
void context_save_realm(struct realm_registers *to);
void context_load_realm(const struct realm_registers *from);

/* Register values after a REC's reset. */
void context_reset(struct shared_registers *shared, struct realm_registers *realm);
