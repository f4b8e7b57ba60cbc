/* SPDX-License-Identifier: BSD-3-Clause */
#include <arch/sysreg.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "cpu_features.h"
#include "debug.h"
#include "pe.h"
#include "realm.h"
#include "rec.h"
#include "regs.h"

#define DEBUG_SPACE	 ESR_SYSREG(2, 0, 0, 0, 0)
#define DEBUG_SPACE_MASK ESR_SYSREG(3, 4, 0, 0, 0) /* op1 0 to 3: not those of EL2 */
#define TRACE_OP1	 ESR_SYSREG(0, 1, 0, 0, 0)
#define MDSCR_EL1_ID	 ESR_SYSREG(2, 0, 0, 2, 2)
#define OSLAR_EL1_ID	 ESR_SYSREG(2, 0, 1, 0, 4)
#define OSLSR_EL1_ID	 ESR_SYSREG(2, 0, 1, 1, 4)
#define DBGCLAIMSET_ID	 ESR_SYSREG(2, 0, 7, 8, 6)
#define DBGCLAIMCLR_ID	 ESR_SYSREG(2, 0, 7, 9, 6)

/* What a realm can set in MDSCR_EL1; the rest belongs to external debug. */
#define MDSCR_REALM (MDSCR_SS | MDSCR_TDCC | MDSCR_KDE | MDSCR_MDE)

#define EACH_NUMBER(X)                                                                             \
	X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

/* Breakpoints and watchpoints that the PE has. */
static uint32_t bp_count(void)
{
	return cpu_features()->num_bps + 1U;
}

static uint32_t wp_count(void)
{
	return cpu_features()->num_wps + 1U;
}

static void save(struct debug_registers *to)
{
#define SAVE(n)                                                                                    \
	if ((n) < bp_count()) {                                                                    \
		to->bvr[n] = read_sysreg(DBGBVR##n##_EL1);                                         \
		to->bcr[n] = read_sysreg(DBGBCR##n##_EL1);                                         \
	}                                                                                          \
	if ((n) < wp_count()) {                                                                    \
		to->wvr[n] = read_sysreg(DBGWVR##n##_EL1);                                         \
		to->wcr[n] = read_sysreg(DBGWCR##n##_EL1);                                         \
	}
	EACH_NUMBER(SAVE)
#undef SAVE
}

static void load(const struct debug_registers *from)
{
#define LOAD(n)                                                                                    \
	if ((n) < bp_count()) {                                                                    \
		write_sysreg(DBGBVR##n##_EL1, from->bvr[n]);                                       \
		write_sysreg(DBGBCR##n##_EL1, from->bcr[n]);                                       \
	}                                                                                          \
	if ((n) < wp_count()) {                                                                    \
		write_sysreg(DBGWVR##n##_EL1, from->wvr[n]);                                       \
		write_sysreg(DBGWCR##n##_EL1, from->wcr[n]);                                       \
	}
	EACH_NUMBER(LOAD)
#undef LOAD
}

/* A control register whose link leads to the breakpoint that stands for the realm's. */
static uint64_t relink(uint64_t control, const struct realm *realm, uint32_t first)
{
	uint64_t link = min_u64(field_get(control, DBG_LBN_MASK), realm->num_bps) + first;

	return (control & ~DBG_LBN_MASK) | field_make(link, DBG_LBN_MASK);
}

/*
 * The realm's breakpoints are the PE's last ones: of those, and of those that ID_AA64DFR0_EL1 shows
 * to the realm, the last is context-aware.
 */
static void load_realm(const struct rec *rec)
{
	const struct debug_registers *own = &rec->debug.registers;
	const struct realm *realm = realm_of(rec->rd);
	uint32_t first = cpu_features()->num_bps - realm->num_bps;
	struct debug_registers image;

	memset(&image, 0, sizeof(image));
	for (uint32_t n = 0; n <= realm->num_bps; n++) {
		image.bvr[first + n] = own->bvr[n];
		image.bcr[first + n] = relink(own->bcr[n], realm, first);
	}
	for (uint32_t n = 0; n <= realm->num_wps; n++) {
		image.wvr[n] = own->wvr[n];
		image.wcr[n] = relink(own->wcr[n], realm, first);
	}
	load(&image);
	write_sysreg(OSLAR_EL1, rec->debug.os_locked ? 1U : 0U);
}

void debug_reset(struct rec_debug *debug)
{
	memset(debug, 0, sizeof(*debug));
	debug->os_locked = true;
}

void debug_load(const struct rec *rec)
{
	struct host_debug *host = &pe_this()->host_debug;

	if (!host->away) {
		save(&host->registers);
		host->oslsr = read_sysreg(OSLSR_EL1);
		host->osdlr = read_sysreg(OSDLR_EL1);
		host->away = true;
		write_sysreg(OSDLR_EL1, 0);
	}
	load_realm(rec);
}

void debug_restore_host(void)
{
	struct host_debug *host = &pe_this()->host_debug;

	load(&host->registers);
	write_sysreg(OSLAR_EL1, (host->oslsr & OSLSR_OSLK) != 0U ? 1U : 0U);
	write_sysreg(OSDLR_EL1, host->osdlr);
	host->away = false;
}

bool debug_is_register(uint64_t esr)
{
	return (esr & DEBUG_SPACE_MASK) == DEBUG_SPACE &&
	       (esr & ESR_SYSREG(0, 7, 0, 0, 0)) != TRACE_OP1;
}

/* The register of a breakpoint or watchpoint, and the bits that it has; NULL if there is none. */
static uint64_t *numbered(struct rec *rec, uint64_t esr, uint64_t *bits)
{
	const struct realm *realm = realm_of(rec->rd);
	struct debug_registers *own = &rec->debug.registers;
	uint64_t n = field_get(esr, ESR_SYSREG(0, 0, 0, 15, 0));

	switch (field_get(esr, ESR_SYSREG(0, 0, 0, 0, 7))) {
	case 4:
		*bits = UINT64_MAX;
		return n <= realm->num_bps ? &own->bvr[n] : NULL;
	case 5:
		*bits = DBGBCR_BITS;
		return n <= realm->num_bps ? &own->bcr[n] : NULL;
	case 6:
		*bits = DBGWVR_BITS;
		return n <= realm->num_wps ? &own->wvr[n] : NULL;
	case 7:
	default:
		*bits = DBGWCR_BITS;
		return n <= realm->num_wps ? &own->wcr[n] : NULL;
	}
}

static bool is_numbered(uint64_t esr)
{
	return (esr & ESR_SYSREG(3, 7, 15, 0, 4)) == ESR_SYSREG(2, 0, 0, 0, 4);
}

static uint64_t read_other(const struct rec *rec, uint64_t name)
{
	switch (name) {
	case MDSCR_EL1_ID:
		return read_sysreg(MDSCR_EL1) & MDSCR_REALM;
	case OSLSR_EL1_ID:
		return OSLSR_OSLM_LOCK | (rec->debug.os_locked ? OSLSR_OSLK : 0U);
	case DBGCLAIMSET_ID:
		return UINT8_MAX;
	case DBGCLAIMCLR_ID:
		return rec->debug.claim;
	default:
		return 0;
	}
}

static void write_other(struct rec *rec, uint64_t name, uint64_t value)
{
	switch (name) {
	case MDSCR_EL1_ID:
		write_sysreg(MDSCR_EL1, value & MDSCR_REALM);
		break;
	case OSLAR_EL1_ID:
		rec->debug.os_locked = (value & 1U) != 0U;
		break;
	case DBGCLAIMSET_ID:
		rec->debug.claim = (uint8_t)(rec->debug.claim | value);
		break;
	case DBGCLAIMCLR_ID:
		rec->debug.claim = (uint8_t)(rec->debug.claim & ~value);
		break;
	default:
		break;
	}
}

bool debug_access(struct rec *rec, uint64_t esr)
{
	unsigned int rt = (unsigned int)field_get(esr, ESR_SYSREG_RT_MASK);
	uint64_t name = esr & ESR_SYSREG_ID_MASK;
	bool reads = (esr & ESR_SYSREG_READ) != 0U;
	uint64_t bits = 0;
	uint64_t *own = NULL;

	if (is_numbered(esr)) {
		own = numbered(rec, esr, &bits);
		if (own == NULL) {
			return false;
		}
	}
	if (reads) {
		rec_set_gpr(rec, rt, own != NULL ? *own : read_other(rec, name));
		return true;
	}
	if (own != NULL) {
		*own = rec_gpr(rec, rt) & bits;
	} else {
		write_other(rec, name, rec_gpr(rec, rt));
	}
	if (debug_is_enabled(read_sysreg(MDSCR_EL1))) {
		debug_load(rec);
	}
	return true;
}
