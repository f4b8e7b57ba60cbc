/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/smccc.h>
#include <lib/bits.h>
#include <lib/smc.h>

#include "rmi.h"

static struct rmi_result call(struct smc_regs *regs)
{
	smc_call(regs);
	if (regs->x[0] == (uint64_t)SMCCC_NOT_SUPPORTED) {
		return (struct rmi_result){ .status = RMI_STATUS_NONE };
	}
	return (struct rmi_result){
		.status = (unsigned int)field_get(regs->x[0], RMI_RESULT_STATUS_MASK),
		.index = (unsigned int)field_get(regs->x[0], RMI_RESULT_INDEX_MASK),
	};
}

const char *rmi_status_name(struct rmi_result result)
{
	static const char *const names[] = {
		[RMI_SUCCESS] = "RMI_SUCCESS",	       [RMI_ERROR_INPUT] = "RMI_ERROR_INPUT",
		[RMI_ERROR_REALM] = "RMI_ERROR_REALM", [RMI_ERROR_REC] = "RMI_ERROR_REC",
		[RMI_ERROR_RTT] = "RMI_ERROR_RTT",
	};

	return result.status < ARRAY_COUNT(names) ? names[result.status] : "no answer";
}

struct rmi_result rmi_version(uint64_t requested, uint64_t *lower, uint64_t *higher)
{
	struct smc_regs regs = { .x = { RMI_VERSION, requested } };
	struct rmi_result result = call(&regs);

	*lower = regs.x[1];
	*higher = regs.x[2];
	return result;
}

struct rmi_result rmi_features(uint64_t index, uint64_t *value)
{
	struct smc_regs regs = { .x = { RMI_FEATURES, index } };
	struct rmi_result result = call(&regs);

	*value = regs.x[1];
	return result;
}

struct rmi_result rmi_granule_delegate(struct pa granule)
{
	struct smc_regs regs = { .x = { RMI_GRANULE_DELEGATE, granule.value } };

	return call(&regs);
}

struct rmi_result rmi_granule_undelegate(struct pa granule)
{
	struct smc_regs regs = { .x = { RMI_GRANULE_UNDELEGATE, granule.value } };

	return call(&regs);
}

struct rmi_result rmi_realm_create(struct pa rd, struct pa params)
{
	struct smc_regs regs = { .x = { RMI_REALM_CREATE, rd.value, params.value } };

	return call(&regs);
}

struct rmi_result rmi_realm_activate(struct pa rd)
{
	struct smc_regs regs = { .x = { RMI_REALM_ACTIVATE, rd.value } };

	return call(&regs);
}

struct rmi_result rmi_realm_destroy(struct pa rd)
{
	struct smc_regs regs = { .x = { RMI_REALM_DESTROY, rd.value } };

	return call(&regs);
}

struct rmi_result rmi_rec_aux_count(struct pa rd, uint64_t *count)
{
	struct smc_regs regs = { .x = { RMI_REC_AUX_COUNT, rd.value } };
	struct rmi_result result = call(&regs);

	*count = regs.x[1];
	return result;
}

struct rmi_result rmi_rec_create(struct pa rd, struct pa rec, struct pa params)
{
	struct smc_regs regs = { .x = { RMI_REC_CREATE, rd.value, rec.value, params.value } };

	return call(&regs);
}

struct rmi_result rmi_rec_destroy(struct pa rec)
{
	struct smc_regs regs = { .x = { RMI_REC_DESTROY, rec.value } };

	return call(&regs);
}

struct rmi_result rmi_rec_enter(struct pa rec, struct pa run)
{
	struct smc_regs regs = { .x = { RMI_REC_ENTER, rec.value, run.value } };

	return call(&regs);
}

struct rmi_result rmi_rtt_create(struct pa rd, struct pa rtt, struct ipa ipa, int level)
{
	struct smc_regs regs = { .x = { RMI_RTT_CREATE, rd.value, rtt.value, ipa.value,
					(uint64_t)level } };

	return call(&regs);
}

struct rmi_result rmi_rtt_destroy(struct pa rd, struct ipa ipa, int level, struct pa *rtt,
				  struct ipa *top)
{
	struct smc_regs regs = { .x = { RMI_RTT_DESTROY, rd.value, ipa.value, (uint64_t)level } };
	struct rmi_result result = call(&regs);

	rtt->value = regs.x[1];
	top->value = regs.x[2];
	return result;
}

struct rmi_result rmi_rtt_read_entry(struct pa rd, struct ipa ipa, int level,
				     struct rmi_entry *entry)
{
	struct smc_regs regs = { .x = { RMI_RTT_READ_ENTRY, rd.value, ipa.value,
					(uint64_t)level } };
	struct rmi_result result = call(&regs);

	entry->level = (int)regs.x[1];
	entry->state = regs.x[2];
	entry->desc = regs.x[3];
	entry->ripas = regs.x[4];
	return result;
}

struct rmi_result rmi_rtt_map_unprotected(struct pa rd, struct ipa ipa, int level, uint64_t desc)
{
	struct smc_regs regs = { .x = { RMI_RTT_MAP_UNPROTECTED, rd.value, ipa.value,
					(uint64_t)level, desc } };

	return call(&regs);
}

struct rmi_result rmi_rtt_unmap_unprotected(struct pa rd, struct ipa ipa, int level,
					    struct ipa *top)
{
	struct smc_regs regs = { .x = { RMI_RTT_UNMAP_UNPROTECTED, rd.value, ipa.value,
					(uint64_t)level } };
	struct rmi_result result = call(&regs);

	top->value = regs.x[1];
	return result;
}

struct rmi_result rmi_rtt_init_ripas(struct pa rd, struct ipa base, struct ipa top,
				     struct ipa *out_top)
{
	struct smc_regs regs = { .x = { RMI_RTT_INIT_RIPAS, rd.value, base.value, top.value } };
	struct rmi_result result = call(&regs);

	out_top->value = regs.x[1];
	return result;
}

struct rmi_result rmi_rtt_set_ripas(struct pa rd, struct pa rec, struct ipa base, struct ipa top,
				    struct ipa *out_top)
{
	struct smc_regs regs = { .x = { RMI_RTT_SET_RIPAS, rd.value, rec.value, base.value,
					top.value } };
	struct rmi_result result = call(&regs);

	out_top->value = regs.x[1];
	return result;
}

struct rmi_result rmi_data_create(struct pa rd, struct pa data, struct ipa ipa, struct pa source,
				  uint64_t flags)
{
	struct smc_regs regs = { .x = { RMI_DATA_CREATE, rd.value, data.value, ipa.value,
					source.value, flags } };

	return call(&regs);
}

struct rmi_result rmi_data_create_unknown(struct pa rd, struct pa data, struct ipa ipa)
{
	struct smc_regs regs = { .x = { RMI_DATA_CREATE_UNKNOWN, rd.value, data.value,
					ipa.value } };

	return call(&regs);
}

struct rmi_result rmi_data_destroy(struct pa rd, struct ipa ipa, struct pa *data, struct ipa *top)
{
	struct smc_regs regs = { .x = { RMI_DATA_DESTROY, rd.value, ipa.value } };
	struct rmi_result result = call(&regs);

	data->value = regs.x[1];
	top->value = regs.x[2];
	return result;
}

struct rmi_result rmi_psci_complete(struct pa calling, struct pa target, int64_t status)
{
	struct smc_regs regs = { .x = { RMI_PSCI_COMPLETE, calling.value, target.value,
					(uint64_t)status } };

	return call(&regs);
}
