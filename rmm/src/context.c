/* SPDX-License-Identifier: BSD-3-Clause */
#include <arch/sysreg.h>
#include <lib/string.h>

#include "context.h"
#include "regs.h"

/* Most registers hold the value already, and on an emulator some writes drop all translations. */
#define SAVE(name) to->name##_ = read_sysreg(name);
#define LOAD(name)                                                                                 \
	if (read_sysreg(name) != from->name##_) {                                                  \
		write_sysreg(name, from->name##_);                                                 \
	}
#define SWITCH(name)                                                                               \
	to->name##_ = read_sysreg(name);                                                           \
	if (to->name##_ != from->name##_) {                                                        \
		write_sysreg(name, from->name##_);                                                 \
	}

void context_switch_shared(struct shared_registers *restrict to,
			   const struct shared_registers *restrict from)
{
	CONTEXT_SHARED_REGISTERS(SWITCH)
}

void context_save_realm(struct realm_registers *to)
{
	CONTEXT_REALM_REGISTERS(SAVE)
}

void context_load_realm(const struct realm_registers *from)
{
	CONTEXT_REALM_REGISTERS(LOAD)
}

void context_reset(struct shared_registers *shared, struct realm_registers *realm)
{
	memset(shared, 0, sizeof(*shared));
	memset(realm, 0, sizeof(*realm));
	shared->SCTLR_EL1_ = SCTLR_EL1_RES1;
}
