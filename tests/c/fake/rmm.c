/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <abi/el3.h>
#include <arch/fake.h>
#include <arch/sysreg.h>

#include "attest/platform.h"
#include "cpu_features.h"
#include "fp.h"
#include "memory.h"
#include "pe.h"
#include "realm.h"
#include "regs.h"
#include "rmm.h"
#include "tlb.h"

static _Alignas(GRANULE_SIZE) uint8_t dram[FAKE_DRAM_SIZE];
/* What EL3 has in its granule protection table. */
static bool is_realm_pas[(FAKE_DRAM_SIZE + FAKE_ABSENT_SIZE) / GRANULE_SIZE];

uint64_t fake_ns_fault;
bool fake_stage1_is_unreadable;
struct fake_vectors fake_vectors;
unsigned int fake_entry_flushes;
unsigned int fake_realm_flushes;
unsigned int fake_signer_steps;
bool fake_signer_fails;
enum realm_vector (*fake_realm)(uint64_t gprs[RMI_GPRS]);

void *fake_memory(uint64_t pa)
{
	if (pa - FAKE_DRAM_BASE >= FAKE_DRAM_SIZE) {
		abort();
	}
	return &dram[pa - FAKE_DRAM_BASE];
}

static uint64_t granule_of(uint64_t pa)
{
	return (pa - FAKE_DRAM_BASE) / GRANULE_SIZE;
}

bool fake_is_realm(uint64_t pa)
{
	return is_realm_pas[granule_of(pa)];
}

static void el3_attest(struct smc_regs *regs)
{
	uint8_t *buffer = (uint8_t *)regs->x[1];

	if (regs->x[0] == EL3_ATTEST_GET_REALM_KEY) {
		memset(buffer, FAKE_KEY_BYTE, EL3_KEY_P384_SIZE);
		regs->x[1] = EL3_KEY_P384_SIZE;
	} else {
		for (size_t n = 0; n < FAKE_PLATFORM_TOKEN_SIZE; n++) {
			buffer[n] = (uint8_t)n;
		}
		regs->x[1] = FAKE_PLATFORM_TOKEN_SIZE;
		regs->x[2] = 0;
	}
	regs->x[0] = EL3_OK;
}

static void el3_gpt(struct smc_regs *regs)
{
	uint64_t n = granule_of(regs->x[1]);
	bool delegate = regs->x[0] == EL3_GTSI_DELEGATE;

	if (n >= sizeof(is_realm_pas)) {
		regs->x[0] = (uint64_t)EL3_BAD_ADDR;
	} else if (is_realm_pas[n] == delegate) {
		regs->x[0] = (uint64_t)EL3_BAD_PAS;
	} else {
		is_realm_pas[n] = delegate;
		regs->x[0] = EL3_OK;
	}
}

static void el3(struct smc_regs *regs)
{
	if (regs->x[0] == EL3_ATTEST_GET_REALM_KEY || regs->x[0] == EL3_ATTEST_GET_PLAT_TOKEN) {
		el3_attest(regs);
	} else {
		el3_gpt(regs);
	}
}

/* Of QEMU's -cpu max, as far as the RMM looks. */
static void set_id_registers(void)
{
	fake_sysreg_reset();
	write_sysreg(ID_AA64PFR0_EL1, UINT64_C(0x1311001121112222));
	write_sysreg(ID_AA64PFR1_EL1, UINT64_C(0x1000000121));
	write_sysreg(ID_AA64DFR0_EL1, UINT64_C(0x100000001030560A));
	write_sysreg(ID_AA64ISAR0_EL1, UINT64_C(0x1221111110212120));
	write_sysreg(ID_AA64MMFR0_EL1, UINT64_C(0x2100022200101126));
	write_sysreg(ID_AA64MMFR1_EL1, UINT64_C(0x0110112010312122));
	write_sysreg(ID_AA64MMFR2_EL1, UINT64_C(0x1221011112011011));
	write_sysreg(ICH_VTR_EL2, UINT64_C(0x90B80003));
}

void fake_reset(void)
{
	static _Alignas(GRANULE_SIZE) uint8_t shared_buffer[GRANULE_SIZE];
	static const struct memory_banks banks = {
		.count = 1,
		.bank = { { FAKE_DRAM_BASE, FAKE_DRAM_SIZE + FAKE_ABSENT_SIZE } },
	};
	const char *missing;

	/* What was not touched need not be cleared: most of it. */
	if (madvise(dram, sizeof(dram), MADV_DONTNEED) != 0) {
		abort();
	}
	memset(is_realm_pas, 0, sizeof(is_realm_pas));
	fake_ns_fault = 0;
	fake_stage1_is_unreadable = false;
	memset(&fake_vectors, 0, sizeof(fake_vectors));
	fake_entry_flushes = 0;
	fake_realm_flushes = 0;
	fake_realm = NULL;
	fake_signer_steps = 1;
	fake_signer_fails = false;
	fake_random_refusals = 0;
	fake_smc_hook = el3;
	set_id_registers();
	granule_init(&banks);
	for (uint32_t vmid = 0; vmid <= UINT16_MAX; vmid++) {
		realm_free_vmid(vmid);
	}
	if (!cpu_features_probe(&missing)) {
		abort();
	}
	pe_init(0);
	pe_this()->last_rec = pa_make(0);
	platform_init((uintptr_t)shared_buffer);
}

void *memory_realm(struct pa pa)
{
	if (!is_realm_pas[granule_of(pa.value)]) {
		abort();
	}
	return fake_memory(pa.value);
}

static bool ns_is_accessible(struct pa granule)
{
	uint64_t n = granule_of(granule.value);

	return granule_is(granule, GRANULE_UNDELEGATED) && !is_realm_pas[n] &&
	       n < FAKE_DRAM_SIZE / GRANULE_SIZE && fake_ns_fault != n + 1U;
}

bool memory_read_ns(void *to, struct pa granule, size_t offset, size_t size)
{
	if (!ns_is_accessible(granule)) {
		return false;
	}
	memcpy(to, (uint8_t *)fake_memory(granule.value) + offset, size);
	return true;
}

bool memory_write_ns(struct pa granule, size_t offset, const void *from, size_t size)
{
	if (!ns_is_accessible(granule)) {
		return false;
	}
	memcpy((uint8_t *)fake_memory(granule.value) + offset, from, size);
	return true;
}

bool memory_wipe(struct pa pa)
{
	if (granule_of(pa.value) >= FAKE_DRAM_SIZE / GRANULE_SIZE) {
		return false;
	}
	memset(memory_realm(pa), 0, GRANULE_SIZE);
	return true;
}

bool memory_translate(uint64_t va, uint64_t *par)
{
	*par = va;
	return !fake_stage1_is_unreadable;
}

void tlb_flush_entry(const struct stage2 *s2, uint64_t ipa)
{
	(void)s2;
	(void)ipa;
	fake_entry_flushes++;
}

void tlb_flush_realm(const struct stage2 *s2)
{
	(void)s2;
	fake_realm_flushes++;
}

void tlb_flush_local(void)
{
}

void tlb_publish(void)
{
}

uint64_t tlb_vttbr(const struct stage2 *s2)
{
	return REG_FIELD(s2->vmid, VTTBR_VMID_SHIFT) | s2->root.value;
}

void fp_save(struct fp_state *to)
{
	memcpy(to->v, &fake_vectors.v, sizeof(fake_vectors.v));
}

void fp_load(const struct fp_state *from)
{
	memcpy(&fake_vectors.v, from->v, sizeof(fake_vectors.v));
	fake_vectors.upper = 0;
}

void sve_save(void *low, void *high, void *predicates, bool ffr)
{
	(void)ffr;
	memcpy(low, &fake_vectors.upper, sizeof(fake_vectors.upper));
	memcpy(high, &fake_vectors.upper, sizeof(fake_vectors.upper));
	memcpy(predicates, &fake_vectors.predicates, sizeof(fake_vectors.predicates));
}

void sve_load(const void *low, const void *high, const void *predicates, bool ffr)
{
	uint64_t twice;

	(void)ffr;
	memcpy(&fake_vectors.upper, low, sizeof(fake_vectors.upper));
	memcpy(&twice, high, sizeof(twice));
	memcpy(&fake_vectors.predicates, predicates, sizeof(fake_vectors.predicates));
	if (twice != fake_vectors.upper) {
		abort();
	}
}

void sve_clear_predicates(void)
{
	fake_vectors.predicates = 0;
}

uint64_t sve_vector_size(void)
{
	return SVE_MAX_VECTOR_SIZE;
}

enum realm_vector realm_enter(uint64_t gprs[RMI_GPRS])
{
	return fake_realm != NULL ? fake_realm(gprs) : REALM_VECTOR_IRQ;
}
