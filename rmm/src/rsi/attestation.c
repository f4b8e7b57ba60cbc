/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rsi.h>
#include <arch/sysreg.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "attest/token.h"
#include "granule.h"
#include "memory.h"
#include "regs.h"
#include "rsi/realm_memory.h"
#include "rsi/rsi.h"

#define CHALLENGE_FIRST_ARGUMENT 1U

static struct token *token_of(const struct rsi_call *call)
{
	return memory_realm(call->rec->aux[REC_AUX_TOKEN]);
}

enum rsi_action rsi_attestation_token_init(struct rsi_call *call)
{
	struct token *token = token_of(call);
	uint8_t challenge[CCA_CHALLENGE_SIZE];
	bool begun;

	memcpy(challenge, &call->x[CHALLENGE_FIRST_ARGUMENT], sizeof(challenge));
	granule_lock_known(call->rec->rd, GRANULE_RD);
	begun = token_begin(token, realm_of(call->rec->rd), challenge);
	granule_unlock(call->rec->rd);
	if (begun) {
		call->result[0] = RSI_SUCCESS;
		call->result[1] = token_size(token);
	} else {
		call->result[0] = RSI_ERROR_UNKNOWN;
	}
	return RSI_RETURN;
}

/* Whether the host has something to do on this PE; `exit` then says so. */
static bool host_is_wanted(struct rmi_rec_exit *exit)
{
	uint64_t pending = read_sysreg(ISR_EL1);

	if ((pending & (ISR_I | ISR_F)) == 0U) {
		return false;
	}
	exit->exit_reason = (pending & ISR_I) != 0U ? RMI_EXIT_IRQ : RMI_EXIT_FIQ;
	return true;
}

/* Signs until that is done or the host has an interrupt; the realm calls again. */
static enum rsi_action sign(struct rsi_call *call, struct token *token)
{
	bool wanted = false;

	while (token->state == TOKEN_SIGNING && !wanted) {
		token_sign(token);
		wanted = host_is_wanted(call->exit);
	}
	call->result[0] = token->state == TOKEN_NONE ? RSI_ERROR_UNKNOWN : RSI_INCOMPLETE;
	return wanted ? RSI_EXIT : RSI_RETURN;
}

static void write(struct rsi_call *call, struct token *token, uint8_t *to)
{
	call->result[1] = token_write(token, to, call->x[3]);
	call->result[0] = token->state == TOKEN_NONE ? RSI_SUCCESS : RSI_INCOMPLETE;
}

static bool arguments_are_valid(const struct rsi_call *call)
{
	uint64_t ipa = call->x[1];
	uint64_t offset = call->x[2];
	uint64_t size = call->x[3];

	return is_aligned(ipa, GRANULE_SIZE) && rtt_is_protected(&call->rec->s2, ipa) &&
	       offset < GRANULE_SIZE && size <= GRANULE_SIZE - offset;
}

enum rsi_action rsi_attestation_token_continue(struct rsi_call *call)
{
	struct token *token = token_of(call);
	struct realm_memory memory;
	enum rsi_action instead;

	call->result[0] = RSI_ERROR_INPUT;
	if (!arguments_are_valid(call)) {
		return RSI_RETURN;
	}
	if (token->state == TOKEN_NONE) {
		call->result[0] = RSI_ERROR_STATE;
		return RSI_RETURN;
	}
	if (!realm_memory_open_for(call, call->x[1], &memory, &instead)) {
		return instead;
	}
	if (token->state == TOKEN_WRITING) {
		write(call, token, memory.at + call->x[2]);
		realm_memory_close(&memory);
		return RSI_RETURN;
	}
	/* Not with a lock held: it takes its time. */
	realm_memory_close(&memory);
	return sign(call, token);
}
