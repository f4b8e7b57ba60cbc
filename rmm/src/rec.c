/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>
#include <lib/string.h>

#include "granule.h"
#include "memory.h"
#include "rec.h"
#include "regs.h"

struct rec *rec_lock(struct pa pa)
{
	return granule_lock(pa, GRANULE_REC) ? memory_realm(pa) : NULL;
}

uint32_t rec_aux_count(const struct realm *realm)
{
	uint32_t count = REC_AUX_Z_LOW + (realm->has_sve ? fp_z_granules(realm->sve_vl) : 0U);

	return count < REC_AUX_MIN ? REC_AUX_MIN : count;
}

void rec_reset(struct rec *rec, uint64_t pc)
{
	memset(rec->gprs, 0, sizeof(rec->gprs));
	memset(&rec->fp, 0, sizeof(rec->fp));
	memset(&rec->sve, 0, sizeof(rec->sve));
	for (uint32_t n = REC_AUX_Z_LOW; n < rec->aux_count; n++) {
		memset(memory_realm(rec->aux[n]), 0, GRANULE_SIZE);
	}
	memset(&rec->timers, 0, sizeof(rec->timers));
	debug_reset(&rec->debug);
	memset(&rec->gic, 0, sizeof(rec->gic));
	context_reset(&rec->shared, &rec->registers);
	rec->pc = pc;
	rec->pstate = SPSR_EL1H | SPSR_DAIF;
	rec->serror_pending = false;
	rec->cntv_reported = false;
	rec->cntp_reported = false;
	rec->pending = REC_PENDING_NONE;
}

void rec_skip_instruction(struct rec *rec)
{
	rec->pc += 4;
	/* What a completed instruction leaves of them (Arm ARM D1.3, C6.1). */
	rec->pstate &= ~(SPSR_BTYPE | SPSR_SS);
}

/* Aff0 has 16 values, Aff1 to Aff3 256 each; indices count through them in that order. */
static uint64_t index_of(uint64_t aff0, uint64_t aff1, uint64_t aff2, uint64_t aff3)
{
	return aff0 | (aff1 << 4) | (aff2 << 12) | (aff3 << 20);
}

uint64_t rec_index_of_rmi_mpidr(uint64_t mpidr)
{
	const uint64_t all = RMI_MPIDR_AFF0_MASK | RMI_MPIDR_AFF1_MASK | RMI_MPIDR_AFF2_MASK |
			     RMI_MPIDR_AFF3_MASK;

	if ((mpidr & ~all) != 0U) {
		return REC_NO_INDEX;
	}
	return index_of(
		field_get(mpidr, RMI_MPIDR_AFF0_MASK), field_get(mpidr, RMI_MPIDR_AFF1_MASK),
		field_get(mpidr, RMI_MPIDR_AFF2_MASK), field_get(mpidr, RMI_MPIDR_AFF3_MASK));
}

uint64_t rec_index_of_affinity(uint64_t affinity)
{
	if ((affinity & ~(mask64(39, 32) | mask64(23, 8) | mask64(3, 0))) != 0U) {
		return REC_NO_INDEX;
	}
	return index_of(field_get(affinity, mask64(3, 0)), field_get(affinity, mask64(15, 8)),
			field_get(affinity, mask64(23, 16)), field_get(affinity, mask64(39, 32)));
}

uint64_t rec_affinity(const struct rec *rec)
{
	uint64_t index = rec->index;

	return (index & 0xFU) | ((index >> 4) & 0xFFU) << 8 | ((index >> 12) & 0xFFU) << 16 |
	       ((index >> 20) & 0xFFU) << 32;
}

uint64_t rec_gpr(const struct rec *rec, unsigned int n)
{
	return n < RMI_GPRS ? rec->gprs[n] : 0U;
}

void rec_set_gpr(struct rec *rec, unsigned int n, uint64_t value)
{
	if (n < RMI_GPRS) {
		rec->gprs[n] = value;
	}
}
