/* SPDX-License-Identifier: BSD-3-Clause */
#include <arch/barrier.h>
#include <arch/sysreg.h>

#include "cpu_features.h"
#include "fp.h"
#include "fp_switch.h"
#include "pe.h"
#include "regs.h"

#define ZCR_LEN_MAX UINT64_C(0xF)

/* The RMM itself may use everything. */
#define CPTR_OWN CPTR_RES1

static void write_cptr(uint64_t value)
{
	write_sysreg(CPTR_EL2, value);
	isb();
}

bool fp_caller_streams(void)
{
	return cpu_features()->sme && (read_sysreg(SVCR) & SVCR_SM) != 0U;
}

uint64_t fp_realm_cptr(void)
{
	uint64_t traps = CPTR_RES1 | CPTR_TTA | CPTR_TAM | CPTR_TSM | CPTR_TZ;

	return pe_this()->fp.realm_live ? traps : traps | CPTR_TFP;
}

static bool upper_parts_live(const struct fp_owner *fp)
{
	return cpu_features()->sve && !fp->sve_hint;
}

static void save_ns(struct fp_owner *fp)
{
	fp_save(&fp->ns);
	if (upper_parts_live(fp)) {
		fp->saved_zcr = read_sysreg(ZCR_EL2);
		write_sysreg(ZCR_EL2, ZCR_LEN_MAX);
		isb();
		sve_save_z(fp->ns_z);
	}
}

static void load_ns(struct fp_owner *fp)
{
	fp_load(&fp->ns);
	if (upper_parts_live(fp)) {
		sve_load_z(fp->ns_z);
		write_sysreg(ZCR_EL2, fp->saved_zcr);
		isb();
	}
}

void fp_switch_to_realm(const struct fp_state *realm)
{
	struct fp_owner *fp = &pe_this()->fp;

	write_cptr(CPTR_OWN);
	save_ns(fp);
	fp_load(realm);
	fp->realm_live = true;
	write_cptr(fp_realm_cptr());
}

void fp_switch_to_ns(struct fp_state *realm)
{
	struct fp_owner *fp = &pe_this()->fp;

	write_cptr(CPTR_OWN);
	if (fp->realm_live) {
		fp_save(realm);
		load_ns(fp);
		fp->realm_live = false;
	}
}

void fp_borrow(void)
{
	struct fp_owner *fp = &pe_this()->fp;

	fp->saved_cptr = read_sysreg(CPTR_EL2);
	write_cptr(CPTR_OWN);
	if (!fp->realm_live && upper_parts_live(fp)) {
		save_ns(fp);
	}
}

void fp_return(void)
{
	struct fp_owner *fp = &pe_this()->fp;

	if (!fp->realm_live && upper_parts_live(fp)) {
		load_ns(fp);
	}
	write_cptr(fp->saved_cptr);
}
