/* SPDX-License-Identifier: BSD-3-Clause */
#include <arch/barrier.h>
#include <arch/sysreg.h>

#include "cpu_features.h"
#include "fp.h"
#include "fp_switch.h"
#include "memory.h"
#include "pe.h"
#include "rec.h"
#include "regs.h"

/* The RMM itself may use everything. */
#define CPTR_OWN CPTR_RES1

/* Z0 to Z15 and Z16 to Z31 in memory. */
struct z_halves {
	void *low;
	void *high;
};

static void stop_trapping(void)
{
	if (read_sysreg(CPTR_EL2) != CPTR_OWN) {
		write_sysreg(CPTR_EL2, CPTR_OWN);
		isb();
	}
}

/* With nothing trapped. */
static bool is_streaming(void)
{
	if (!cpu_features()->sme) {
		return false;
	}
	/* What a realm ran with is still in force. */
	stop_trapping();
	return (read_sysreg(SVCR) & SVCR_SM) != 0U;
}

static size_t half_size(uint8_t vl)
{
	return 16U * 16U * ((size_t)vl + 1U);
}

uint32_t fp_z_granules(uint8_t vl)
{
	return 2U * half_size(vl) <= GRANULE_SIZE ? 1U : 2U;
}

uint64_t fp_realm_cptr(const struct rec *rec)
{
	uint64_t traps = CPTR_RES1 | CPTR_TTA | CPTR_TAM | CPTR_TSM;

	if (pe_this()->fp.holder != FP_REALM) {
		return traps | CPTR_TFP | CPTR_TZ;
	}
	return rec->has_sve ? traps : traps | CPTR_TZ;
}

static void set_vl(uint64_t vl)
{
	write_sysreg(ZCR_EL2, vl);
	isb();
}

static struct z_halves realm_z(const struct rec *rec)
{
	uint8_t *low = memory_realm(rec->aux[REC_AUX_Z_LOW]);

	return (struct z_halves){
		.low = low,
		.high = fp_z_granules(rec->sve_vl) == 1U ? low + half_size(rec->sve_vl)
							 : memory_realm(rec->aux[REC_AUX_Z_HIGH]),
	};
}

static void save_realm(struct rec *rec)
{
	fp_save(&rec->fp);
	if (rec->has_sve) {
		struct z_halves z = realm_z(rec);

		rec->sve.zcr_el1 = read_sysreg(ZCR_EL1);
		sve_save(z.low, z.high, rec->sve.predicates, true);
	}
}

static void load_realm(const struct rec *rec)
{
	if (rec->has_sve) {
		set_vl(rec->sve_vl);
	}
	fp_load(&rec->fp);
	if (rec->has_sve) {
		struct z_halves z = realm_z(rec);

		sve_load(z.low, z.high, rec->sve.predicates, true);
		write_sysreg(ZCR_EL1, rec->sve.zcr_el1);
	}
}

static void use_host_z(struct fp_file *fp, bool streaming, bool save)
{
	void *predicates = fp->host_sve.predicates;

	if (save) {
		sve_save(fp->host_z[0], fp->host_z[16], predicates, !streaming);
	} else {
		sve_load(fp->host_z[0], fp->host_z[16], predicates, !streaming);
	}
}

/*
 * At the longest vectors, whatever length the host has chosen for now: it may have values from
 * before. And with the hint, which says that it has none, none of the realm's may be left there. A
 * host in streaming mode has no others than those of that mode; FFR is not among them.
 */
static void save_host(struct fp_file *fp)
{
	fp->streams = is_streaming();
	if (fp->streams) {
		fp->host_smcr_el2 = read_sysreg(SMCR_EL2);
		write_sysreg(SMCR_EL2, fp->host_smcr_el2 | SMCR_LEN_MAX);
		isb();
	}
	fp_save(&fp->host);
	if (fp->streams) {
		use_host_z(fp, true, true);
		write_sysreg(SVCR, read_sysreg(SVCR) & ~SVCR_SM);
	}
	if (cpu_features()->sve) {
		fp->host_zcr_el2 = read_sysreg(ZCR_EL2);
		fp->host_sve.zcr_el1 = read_sysreg(ZCR_EL1);
		set_vl(SVE_MAX_VL);
		if (!fp->streams && !fp->sve_hint) {
			use_host_z(fp, false, true);
		}
	}
}

/* To enter streaming mode clears all that SVE has. */
static void load_host(struct fp_file *fp)
{
	if (cpu_features()->sve) {
		set_vl(SVE_MAX_VL);
	}
	if (fp->streams) {
		write_sysreg(SVCR, read_sysreg(SVCR) | SVCR_SM);
	}
	fp_load(&fp->host);
	if (fp->streams) {
		use_host_z(fp, true, false);
		write_sysreg(SMCR_EL2, fp->host_smcr_el2);
	} else if (cpu_features()->sve && fp->sve_hint) {
		sve_clear_predicates();
	} else if (cpu_features()->sve) {
		use_host_z(fp, false, false);
	}
	if (cpu_features()->sve) {
		write_sysreg(ZCR_EL1, fp->host_sve.zcr_el1);
		set_vl(fp->host_zcr_el2);
	}
}

void fp_take(void)
{
	struct fp_file *fp = &pe_this()->fp;

	stop_trapping();
	if (fp->holder == FP_HOST) {
		save_host(fp);
	} else if (fp->holder == FP_REALM) {
		save_realm(fp->realm);
	}
	fp->holder = FP_RMM;
}

void fp_stop_streaming(void)
{
	if (cpu_features()->sme) {
		stop_trapping();
		if (is_streaming()) {
			fp_take();
		}
	}
}

void fp_switch_to_realm(struct rec *rec)
{
	struct fp_file *fp = &pe_this()->fp;

	fp_take();
	load_realm(rec);
	fp->holder = FP_REALM;
	fp->realm = rec;
}

void fp_give_back(void)
{
	struct fp_file *fp = &pe_this()->fp;

	stop_trapping();
	load_host(fp);
	fp->holder = FP_HOST;
}
