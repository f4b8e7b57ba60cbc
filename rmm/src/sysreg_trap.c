/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>

#include "debug.h"
#include "id_registers.h"
#include "inject.h"
#include "realm.h"
#include "regs.h"
#include "sysreg_trap.h"

#define ICC_ASGI1R_EL1 ESR_SYSREG(3, 0, 12, 11, 6)
#define ICC_SGI0R_EL1  ESR_SYSREG(3, 0, 12, 11, 7)
#define ICC_SGI1R_EL1_ ESR_SYSREG(3, 0, 12, 11, 5)
#define ICC_DIR_EL1    ESR_SYSREG(3, 0, 12, 11, 1)

#define ID_SPACE       ESR_SYSREG(3, 0, 0, 0, 0)
#define ID_SPACE_MASK  ESR_SYSREG(3, 7, 15, 0, 0)

static bool is_gic_write(uint64_t esr)
{
	uint64_t name = esr & ESR_SYSREG_ID_MASK;

	return (esr & ESR_SYSREG_READ) == 0U && (name == ICC_ASGI1R_EL1 || name == ICC_SGI0R_EL1 ||
						 name == ICC_SGI1R_EL1_ || name == ICC_DIR_EL1);
}

static uint64_t read_value(const struct rec *rec, uint64_t esr)
{
	unsigned int crm = (unsigned int)field_get(esr, ESR_SYSREG(0, 0, 0, 15, 0));
	unsigned int op2 = (unsigned int)field_get(esr, ESR_SYSREG(0, 0, 0, 0, 7));

	if ((esr & ID_SPACE_MASK) == ID_SPACE) {
		return id_register_value(realm_of(rec->rd), crm, op2);
	}
	return 0;
}

bool sysreg_trap(struct rec *rec, uint64_t esr, struct rmi_rec_exit *exit)
{
	unsigned int rt = (unsigned int)field_get(esr, ESR_SYSREG_RT_MASK);

	if (debug_is_register(esr)) {
		if (debug_access(rec, esr)) {
			rec_skip_instruction(rec);
		} else {
			inject_undefined(rec);
		}
		return false;
	}
	rec_skip_instruction(rec);
	if (is_gic_write(esr)) {
		exit->exit_reason = RMI_EXIT_SYNC;
		exit->esr = esr;
		exit->gprs[0] = rec_gpr(rec, rt);
		return true;
	}
	if ((esr & ESR_SYSREG_READ) != 0U) {
		rec_set_gpr(rec, rt, read_value(rec, esr));
	}
	return false;
}
