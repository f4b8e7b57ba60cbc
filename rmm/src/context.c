/* SPDX-License-Identifier: BSD-3-Clause */
#include <arch/sysreg.h>
#include <lib/string.h>

#include "context.h"
#include "regs.h"

#define SAVE(name) to->name##_ = read_sysreg(name);
/* Most registers hold the value already, and on an emulator some writes drop all translations. */
#define LOAD(name)                                                                                 \
	if (read_sysreg(name) != from->name##_) {                                                  \
		write_sysreg(name, from->name##_);                                                 \
	}

void context_save_shared(struct shared_registers *to)
{
	CONTEXT_SHARED_REGISTERS(SAVE)
}

void context_load_shared(const struct shared_registers *from)
{
	CONTEXT_SHARED_REGISTERS(LOAD)
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
