/* SPDX-License-Identifier: BSD-3-Clause */
/* Creating and populating a realm: the plan is executed in order, for its RIM depends on that. */
#include <abi/plan.h>
#include <lib/console.h>
#include <lib/string.h>

#include "fw_cfg.h"
#include "granule.h"
#include "pool.h"
#include "power.h"
#include "probe.h"
#include "realm.h"

#define FILE_NAME_SIZE 32U
#define OPS_AT_ONCE    (PAGE_SIZE / PLAN_OP_SIZE)
#define STAGING_PAGES  (BLOCK_SIZE / PAGE_SIZE)

_Static_assert(sizeof(struct plan_op) == PLAN_OP_SIZE, "PlanOp");

/* Where blobs go on their way into realms. The RMM reads it, so it lies in tracked DRAM. */
static struct pa staging;

static void *memory_of(struct pa page)
{
	return (void *)(uintptr_t)page.value;
}

static struct pa take_page(const struct realm *realm)
{
	struct pa page;

	if (!pool_take(&page)) {
		power_off_error("%s: no memory is left", realm->label);
	}
	(void)memset(memory_of(page), 0, PAGE_SIZE);
	return page;
}

static struct pa take_granule(const struct realm *realm)
{
	struct pa granule;

	if (!granule_take(&granule)) {
		power_off_error("%s: no memory is left for realms", realm->label);
	}
	return granule;
}

static void require(const struct realm *realm, const char *what, uint64_t ipa,
		    struct rmi_result result)
{
	if (!rmi_ok(result)) {
		power_off_error("%s: %s at ipa 0x%lx: %s, index %u", realm->label, what,
				(unsigned long)ipa, rmi_status_name(result), result.index);
	}
}

static struct fw_cfg_file find_file(const struct realm *realm, const char *kind,
				    unsigned int number)
{
	char name[FILE_NAME_SIZE];
	struct fw_cfg_file file;

	(void)format_text(name, sizeof(name), "opt/realmos/%s%u", kind, number);
	if (!fw_cfg_find(name, &file)) {
		power_off_error("%s: there is no fw_cfg file %s", realm->label, name);
	}
	return file;
}

/* What the plan asks for and the RMM does not offer, for the message. */
static const char *missing_feature(const struct plan_header *plan)
{
	uint64_t offered = 0;

	(void)rmi_features(0, &offered);
	if (plan->hash_algo == RMI_HASH_SHA_512 &&
	    (offered & RMI_FEATURE0_HASH_SHA_512_MASK) == 0U) {
		return ": it does not offer SHA-512";
	}
	if (plan->hash_algo == RMI_HASH_SHA_256 &&
	    (offered & RMI_FEATURE0_HASH_SHA_256_MASK) == 0U) {
		return ": it does not offer SHA-256";
	}
	if (plan->s2sz > field_get(offered, RMI_FEATURE0_S2SZ_MASK)) {
		return ": it offers fewer bits of IPA";
	}
	return "";
}

static void create_realm(struct realm *realm, const struct plan_header *plan)
{
	struct pa page = take_page(realm);
	struct rmi_realm_params *params = memory_of(page);
	struct rmi_result result;

	if (plan->rtt_num_start == 0U || plan->rtt_num_start > 16U) {
		power_off_error("%s: the plan asks for %lu start-level tables", realm->label,
				(unsigned long)plan->rtt_num_start);
	}
	realm->rd = take_granule(realm);
	realm->rtt_count = (unsigned int)plan->rtt_num_start;
	if (!granule_take_contiguous(realm->rtt_count, &realm->rtt_base)) {
		power_off_error("%s: no memory for the start-level tables", realm->label);
	}
	params->flags = plan->flags;
	params->s2sz = (uint8_t)plan->s2sz;
	params->sve_vl = (uint8_t)plan->sve_vl;
	params->num_bps = (uint8_t)plan->num_bps;
	params->num_wps = (uint8_t)plan->num_wps;
	params->pmu_num_ctrs = (uint8_t)plan->pmu_num_ctrs;
	params->hash_algo = (uint8_t)plan->hash_algo;
	params->rtt_level_start = plan->rtt_level_start;
	params->rtt_num_start = (uint32_t)plan->rtt_num_start;
	params->rtt_base = realm->rtt_base.value;
	/* 0 is not refused, but some RMMs keep it for themselves. */
	params->vmid = (uint16_t)(realm->number + 1U);
	(void)memcpy(params->rpv, realm->config->rpv, sizeof(params->rpv));
	result = rmi_realm_create(realm->rd, page);
	if (!rmi_ok(result)) {
		power_off_error("%s: RMI_REALM_CREATE: %s%s", realm->label, rmi_status_name(result),
				missing_feature(plan));
	}
	pool_give_back(page);
}

static void read_aux_count(struct realm *realm)
{
	uint64_t count;

	require(realm, "RMI_REC_AUX_COUNT", 0, rmi_rec_aux_count(realm->rd, &count));
	if (count > RMI_MAX_REC_AUX) {
		power_off_error("%s: the RMM asks for %lu auxiliary granules", realm->label,
				(unsigned long)count);
	}
	realm->aux_count = (unsigned int)count;
}

/* What a loop over [ipa, ipa + size) needs to end. */
static void require_ram(const struct realm *realm, const struct plan_op *op)
{
	if (!is_aligned(op->ipa, PAGE_SIZE) || !realm_has_ram(realm, op->ipa, op->size)) {
		power_off_error("%s: the plan fills 0x%lx bytes at ipa 0x%lx, outside its memory",
				realm->label, (unsigned long)op->size, (unsigned long)op->ipa);
	}
}

static void do_rtt_create(struct realm *realm, const struct plan_op *op)
{
	require(realm, "RMI_RTT_CREATE", op->ipa,
		rmi_rtt_create(realm->rd, take_granule(realm), ipa_make(op->ipa), (int)op->level));
}

static void do_init_ripas(struct realm *realm, const struct plan_op *op)
{
	struct ipa base = ipa_make(op->ipa);
	struct ipa top = ipa_make(op->ipa + op->size);

	require_ram(realm, op);
	while (base.value < top.value) {
		struct ipa reached = base;

		require(realm, "RMI_RTT_INIT_RIPAS", base.value,
			rmi_rtt_init_ripas(realm->rd, base, top, &reached));
		if (reached.value <= base.value) {
			power_off_error("%s: RMI_RTT_INIT_RIPAS makes no progress", realm->label);
		}
		base = reached;
	}
}

static void create_data(struct realm *realm, uint64_t ipa, uint64_t source, uint64_t flags)
{
	require(realm, "RMI_DATA_CREATE", ipa,
		rmi_data_create(realm->rd, take_granule(realm), ipa_make(ipa), pa_make(source),
				flags));
}

static void do_data(struct realm *realm, const struct plan_op *op)
{
	struct fw_cfg_file blob = find_file(realm, "blob", (unsigned int)op->blob);

	require_ram(realm, op);
	for (uint64_t done = 0; done < op->size; done += BLOCK_SIZE) {
		uint64_t size = min_u64(op->size - done, BLOCK_SIZE);
		uint64_t padded = align_up(size, PAGE_SIZE);

		if (!fw_cfg_read(&blob, op->blob_offset + done, memory_of(staging), size)) {
			power_off_error("%s: blob %lu has not the 0x%lx bytes the plan loads",
					realm->label, (unsigned long)op->blob,
					(unsigned long)op->size);
		}
		(void)memset((uint8_t *)memory_of(staging) + size, 0, padded - size);
		for (uint64_t at = 0; at < padded; at += PAGE_SIZE) {
			create_data(realm, op->ipa + done + at, staging.value + at, op->flags);
		}
	}
}

static void do_rec(struct realm *realm, const struct plan_op *op)
{
	struct pa page = take_page(realm);
	struct rmi_rec_params *params = memory_of(page);
	struct vcpu *vcpu = &realm->vcpus[realm->vcpu_count];

	if (realm->vcpu_count == realm->config->vcpu_count) {
		power_off_error("%s: the plan makes more than %u vCPUs", realm->label,
				realm->config->vcpu_count);
	}
	vcpu->realm = realm;
	vcpu->index = realm->vcpu_count;
	vcpu->rec = take_granule(realm);
	vcpu->run = memory_of(take_page(realm));
	vcpu->is_off = (op->flags & RMI_REC_CREATE_RUNNABLE_MASK) == 0U;
	params->flags = op->flags;
	params->mpidr = op->ipa;
	params->pc = op->pc;
	(void)memcpy(params->gprs, op->gprs, sizeof(params->gprs));
	params->num_aux = realm->aux_count;
	for (unsigned int n = 0; n < realm->aux_count; n++) {
		vcpu->aux[n] = take_granule(realm);
		params->aux[n] = vcpu->aux[n].value;
	}
	require(realm, "RMI_REC_CREATE", 0, rmi_rec_create(realm->rd, vcpu->rec, page));
	realm->vcpu_count++;
	pool_give_back(page);
}

static void do_activate(struct realm *realm, const struct plan_op *op)
{
	(void)op;
	if (realm->vcpu_count != realm->config->vcpu_count) {
		power_off_error("%s: the plan makes %u vCPUs, the manifest has %u", realm->label,
				realm->vcpu_count, realm->config->vcpu_count);
	}
	realm_line(realm, "populated");
	probe_realm(realm);
	require(realm, "RMI_REALM_ACTIVATE", 0, rmi_realm_activate(realm->rd));
	realm_line(realm, "activated");
}

typedef void do_op(struct realm *realm, const struct plan_op *op);

static do_op *const op_handlers[] = {
	[PLAN_RTT_CREATE] = do_rtt_create,
	[PLAN_INIT_RIPAS] = do_init_ripas,
	[PLAN_DATA] = do_data,
	[PLAN_REC] = do_rec,
	[PLAN_ACTIVATE] = do_activate,
};

static void execute(struct realm *realm, const struct plan_op *op)
{
	if (op->op >= ARRAY_COUNT(op_handlers) || op_handlers[op->op] == NULL) {
		power_off_error("%s: unknown operation %lu in the plan", realm->label,
				(unsigned long)op->op);
	}
	op_handlers[op->op](realm, op);
}

static struct plan_header read_header(const struct realm *realm, const struct fw_cfg_file *file)
{
	struct plan_header header;

	if (!fw_cfg_read(file, 0, &header, sizeof(header)) || header.magic != PLAN_MAGIC ||
	    header.op_count != file->size / PLAN_OP_SIZE - 1U || file->size % PLAN_OP_SIZE != 0U) {
		power_off_error("%s: its plan of %u bytes is damaged", realm->label, file->size);
	}
	return header;
}

_Static_assert(sizeof(struct plan_header) == PLAN_OP_SIZE, "the header is as long as an operation");

void realm_build(struct realm *realm)
{
	struct fw_cfg_file file = find_file(realm, "plan", realm->config->plan);
	struct plan_header header = read_header(realm, &file);
	struct pa page = take_page(realm);
	const struct plan_op *ops = memory_of(page);

	if (staging.value == 0U && !pool_take_contiguous(STAGING_PAGES, &staging)) {
		power_off_error("%s: no memory to load blobs", realm->label);
	}
	create_realm(realm, &header);
	read_aux_count(realm);
	for (uint64_t n = 0; n < header.op_count; n++) {
		uint64_t at = n % OPS_AT_ONCE;
		uint64_t count = min_u64(header.op_count - n, OPS_AT_ONCE);

		if (at == 0U && !fw_cfg_read(&file, (n + 1U) * PLAN_OP_SIZE, memory_of(page),
					     count * PLAN_OP_SIZE)) {
			power_off_error("%s: its plan cannot be read", realm->label);
		}
		execute(realm, &ops[at]);
	}
	pool_give_back(page);
}
