/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <abi/smccc.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "call.h"
#include "rig.h"
#include "space.h"
#include "tap.h"
#include "token.h"

/* Signing is done long before a realm has asked so often. */
#define PATIENCE 10000U

/* By PSCI, as a realm does it: CPU_ON by the first REC, which the host completes. */
static void turn_on(struct rig_rec *caller, struct rig_rec *target)
{
	uint64_t index = target->params->gprs[0];

	(void)hand_order(caller, HAND_SMC, PSCI_CPU_ON_64, index, HAND_BASE, index);
	if (rmi_status(RMI_PSCI_COMPLETE, caller->pa, target->pa, PSCI_SUCCESS) != RMI_SUCCESS ||
	    !hand_begin(target) || !hand_begin(caller)) {
		rig_give_up("a second REC cannot be turned on");
	}
}

struct rig_realm *token_realm(unsigned int recs)
{
	struct rig_realm *realm = hand_realm(recs);

	if (!hand_begin(&realm->recs[0])) {
		rig_give_up("the hand does not run");
	}
	for (unsigned int n = 0; n < recs; n++) {
		if (n != 0U) {
			turn_on(&realm->recs[0], &realm->recs[n]);
		}
		if (realm_data_unknown(realm, TOKEN_BUFFER(&realm->recs[n])) != RMI_SUCCESS) {
			rig_give_up("there is no buffer for a token");
		}
	}
	return realm;
}

struct call token_init(struct rig_rec *rec, uint64_t first)
{
	return hand_smc(rec, RSI_ATTESTATION_TOKEN_INIT, first, first + 1U, first + 2U, first + 3U,
			first + 4U, first + 5U, first + 6U, first + 7U);
}

struct call token_continue(struct rig_rec *rec, uint64_t addr, uint64_t offset, uint64_t size)
{
	return hand_smc(rec, RSI_ATTESTATION_TOKEN_CONTINUE, addr, offset, size);
}

struct call token_first(struct rig_rec *rec, uint64_t offset, uint64_t size)
{
	struct call result = { .clobbered = 0 };

	for (unsigned int n = 0; n < PATIENCE && !tap_failed(); n++) {
		result = token_continue(rec, TOKEN_BUFFER(rec), offset, size);
		if (result.x[0] != RSI_INCOMPLETE || result.x[1] != 0U) {
			return result;
		}
	}
	tap_fail("no token comes");
	return result;
}

void token_add(struct rig_rec *rec, struct token *token, uint64_t offset, uint64_t size)
{
	for (uint64_t at = offset; at < offset + size && !tap_failed();) {
		uint64_t word = hand_read(rec, TOKEN_BUFFER(rec) + align_down(at, sizeof(word)));

		do {
			if (token->size == TOKEN_MAX) {
				tap_fail("a token of more than %u bytes", TOKEN_MAX);
				return;
			}
			token->bytes[token->size++] = (uint8_t)(word >> (8U * (at % 8U)));
			at++;
		} while (at % sizeof(word) != 0U && at < offset + size);
	}
}

bool token_fetch(struct rig_rec *rec, struct token *token)
{
	struct call result;

	token->size = 0;
	do {
		result = token_first(rec, 0, GRANULE_SIZE);
		token_add(rec, token, 0, result.x[1]);
	} while (result.x[0] == RSI_INCOMPLETE && !tap_failed());
	return EXPECT_EQ(result.x[0], RSI_SUCCESS) && !tap_failed();
}

bool token_equal(const struct token *a, const struct token *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

bool token_holds(const struct token *token, const void *bytes, size_t size)
{
	for (uint64_t at = 0; at + size <= token->size; at++) {
		if (memcmp(token->bytes + at, bytes, size) == 0) {
			return true;
		}
	}
	return false;
}
