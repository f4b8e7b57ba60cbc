/* SPDX-License-Identifier: BSD-3-Clause */
/* The RMI commands that the monitor uses, one function each, named as DEN0137 names them. */
#pragma once

#include <abi/rmi.h>
#include <lib/types.h>

/* RmiCommandReturnCode; `status` is RMI_STATUS_NONE when nobody answered. */
struct rmi_result {
	unsigned int status;
	unsigned int index;
};

#define RMI_STATUS_NONE 0xFFU

/* One page shared with the RMM: what goes into a REC's run and what comes out. */
struct rmi_rec_run {
	struct rmi_rec_enter enter;
	struct rmi_rec_exit exit;
};
_Static_assert(sizeof(struct rmi_rec_run) == GRANULE_SIZE, "RmiRecRun");

struct rmi_entry {
	int level;
	uint64_t state;
	uint64_t desc;
	uint64_t ripas;
};

static inline bool rmi_ok(struct rmi_result result)
{
	return result.status == RMI_SUCCESS;
}

/* Whether the walk ended at this level, or what it found there was in the way. */
static inline bool rmi_is_rtt_error(struct rmi_result result, int level)
{
	return result.status == RMI_ERROR_RTT && result.index == (unsigned int)level;
}

/* For messages. */
const char *rmi_status_name(struct rmi_result result);

struct rmi_result rmi_version(uint64_t requested, uint64_t *lower, uint64_t *higher);
struct rmi_result rmi_features(uint64_t index, uint64_t *value);
struct rmi_result rmi_granule_delegate(struct pa granule);
struct rmi_result rmi_granule_undelegate(struct pa granule);
struct rmi_result rmi_realm_create(struct pa rd, struct pa params);
struct rmi_result rmi_realm_activate(struct pa rd);
struct rmi_result rmi_realm_destroy(struct pa rd);
struct rmi_result rmi_rec_aux_count(struct pa rd, uint64_t *count);
struct rmi_result rmi_rec_create(struct pa rd, struct pa rec, struct pa params);
struct rmi_result rmi_rec_destroy(struct pa rec);
struct rmi_result rmi_rec_enter(struct pa rec, struct pa run);
struct rmi_result rmi_rtt_create(struct pa rd, struct pa rtt, struct ipa ipa, int level);
struct rmi_result rmi_rtt_destroy(struct pa rd, struct ipa ipa, int level, struct pa *rtt,
				  struct ipa *top);
struct rmi_result rmi_rtt_read_entry(struct pa rd, struct ipa ipa, int level,
				     struct rmi_entry *entry);
struct rmi_result rmi_rtt_map_unprotected(struct pa rd, struct ipa ipa, int level, uint64_t desc);
struct rmi_result rmi_rtt_unmap_unprotected(struct pa rd, struct ipa ipa, int level,
					    struct ipa *top);
struct rmi_result rmi_rtt_init_ripas(struct pa rd, struct ipa base, struct ipa top,
				     struct ipa *out_top);
struct rmi_result rmi_rtt_set_ripas(struct pa rd, struct pa rec, struct ipa base, struct ipa top,
				    struct ipa *out_top);
struct rmi_result rmi_data_create(struct pa rd, struct pa data, struct ipa ipa, struct pa source,
				  uint64_t flags);
struct rmi_result rmi_data_create_unknown(struct pa rd, struct pa data, struct ipa ipa);
struct rmi_result rmi_data_destroy(struct pa rd, struct ipa ipa, struct pa *data, struct ipa *top);
struct rmi_result rmi_psci_complete(struct pa calling, struct pa target, int64_t status);
