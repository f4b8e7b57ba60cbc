/* SPDX-License-Identifier: BSD-3-Clause */
/* Attestation tokens, as the hand gets them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hand_order.h"

#define TOKEN_MAX	8192U
#define CHALLENGE_WORDS 8U

/* IPA of the granule that the token is written to; each REC has its own. */
#define TOKEN_BUFFER(rec) (UINT64_C(0x40000) + ((rec)->params->mpidr << 12))

struct token {
	uint64_t size;
	uint8_t bytes[TOKEN_MAX];
};

/* A realm of so many RECs with the hand, all of them on and begun, with their buffers mapped. */
struct rig_realm *token_realm(unsigned int recs);

/* RSI_ATTESTATION_TOKEN_INIT with a challenge of words that count up from `first`. */
struct call token_init(struct rig_rec *rec, uint64_t first);

/* RSI_ATTESTATION_TOKEN_CONTINUE. */
struct call token_continue(struct rig_rec *rec, uint64_t addr, uint64_t offset, uint64_t size);

/* RSI_ATTESTATION_TOKEN_CONTINUE until there are bytes, or an error. */
struct call token_first(struct rig_rec *rec, uint64_t offset, uint64_t size);

/* Adds the bytes that a call wrote at `offset` of the REC's buffer. */
void token_add(struct rig_rec *rec, struct token *token, uint64_t offset, uint64_t size);

/* The rest of the token, after RSI_ATTESTATION_TOKEN_INIT: true if it came to its end. */
bool token_fetch(struct rig_rec *rec, struct token *token);

bool token_equal(const struct token *a, const struct token *b);
bool token_holds(const struct token *token, const void *bytes, size_t size);
