/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rsi.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "rsi/realm_memory.h"
#include "rsi/rsi.h"

enum rsi_action rsi_version(struct rsi_call *call)
{
	call->result[0] = call->x[1] == RSI_ABI_VERSION_1_0 ? RSI_SUCCESS : RSI_ERROR_INPUT;
	call->result[1] = RSI_ABI_VERSION_1_0;
	call->result[2] = RSI_ABI_VERSION_1_0;
	return RSI_RETURN;
}

/* RSI 1.0 defines no feature register with a bit set. */
enum rsi_action rsi_features(struct rsi_call *call)
{
	call->result[0] = RSI_SUCCESS;
	call->result[1] = 0;
	return RSI_RETURN;
}

static void fill(struct rsi_realm_config *config, const struct realm *realm)
{
	memset(config, 0, sizeof(*config));
	config->ipa_width = realm->s2.ipa_bits;
	config->hash_algo = (uint8_t)realm->hash_algorithm;
	memcpy(config->rpv, realm->rpv, sizeof(config->rpv));
}

enum rsi_action rsi_realm_config(struct rsi_call *call)
{
	uint64_t ipa = call->x[1];
	struct realm_memory memory;
	enum rsi_action instead;

	call->result[0] = RSI_ERROR_INPUT;
	if (!is_aligned(ipa, GRANULE_SIZE) || !rtt_is_protected(&call->rec->s2, ipa)) {
		return RSI_RETURN;
	}
	if (!realm_memory_open_for(call, ipa, &memory, &instead)) {
		return instead;
	}
	fill((struct rsi_realm_config *)memory.at, realm_of(call->rec->rd));
	realm_memory_close(&memory);
	call->result[0] = RSI_SUCCESS;
	return RSI_RETURN;
}
