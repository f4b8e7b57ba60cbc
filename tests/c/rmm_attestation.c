/* SPDX-License-Identifier: BSD-3-Clause */
/* Attestation tokens, but for the signature: the signer is the build machine's. */
#include <abi/attestation.h>
#include <abi/el3.h>
#include <arch/fake.h>

#include "attest/platform.h"
#include "attest/token.h"
#include "hash.h"
#include "measure.h"
#include "rmm_call.h"

#define BUFFER	       IPA_RAM
#define TOKEN_SIZE     2124U /* with the platform token of QEMU's size, as the reference makes it */
#define TOKEN_SIZE_512 2284U
#define PAYLOAD_SIZE   481U
#define PART_HEAD      10U /* the CCA token's, before the platform token */
#define REALM_AT       (PART_HEAD + FAKE_PLATFORM_TOKEN_SIZE)
#define PAYLOAD_AT     (REALM_AT + 6U + 11U)

static uint8_t token[4096];

static uint64_t init(uint64_t first)
{
	const uint64_t words[] = { RSI_ATTESTATION_TOKEN_INIT, first, 2, 3, 4, 5, 6, 7, 8 };

	return call_realm(words, sizeof(words) / sizeof(words[0]));
}

static uint64_t proceed(uint64_t addr, uint64_t offset, uint64_t size)
{
	const uint64_t words[] = { RSI_ATTESTATION_TOKEN_CONTINUE, addr, offset, size };

	return call_realm(words, sizeof(words) / sizeof(words[0]));
}

/* The token in pieces of at most `piece` bytes; its size, or 0. */
static size_t fetch(size_t piece)
{
	size_t size = 0;
	uint64_t status = RSI_INCOMPLETE;

	while (status == RSI_INCOMPLETE) {
		status = proceed(BUFFER, 5, piece);
		if (size + answers[1] > sizeof(token) || answers[1] > piece) {
			return 0;
		}
		memcpy(token + size, (uint8_t *)fake_memory(DATA) + 5, answers[1]);
		size += answers[1];
	}
	return status == RSI_SUCCESS ? size : 0;
}

static struct realm *realm(void)
{
	return fake_memory(RD);
}

static const struct token *state(void)
{
	return fake_memory(AUX_OF(REC));
}

static void the_token_is_as_long_as_the_references(void)
{
	start_active();
	EXPECT_EQ(init(1), RSI_SUCCESS);
	EXPECT_EQ(answers[1], TOKEN_SIZE);
	EXPECT_EQ(answers[2] | answers[3], 0);
	EXPECT_EQ(answers[4], 4);
	EXPECT_EQ(answers[8], 8);
	EXPECT_EQ(fetch(GRANULE_SIZE - 5U), TOKEN_SIZE);
	realm()->hash_algorithm = RMI_HASH_SHA_512;
	EXPECT_EQ(init(1), RSI_SUCCESS);
	EXPECT_EQ(fetch(GRANULE_SIZE - 5U), TOKEN_SIZE_512);
}

static void the_envelope_holds_both_tokens(void)
{
	static const uint8_t head[] = {
		0xD9, 0x01, 0x8F, 0xA2, 0x19, 0xAC, 0xCA, 0x59, 0x05, 0xEE
	};
	static const uint8_t realm_head[] = { 0x19, 0xAC, 0xD1, 0x59, 0x02, 0x4E, 0xD2, 0x84, 0x44,
					      0xA1, 0x01, 0x38, 0x22, 0xA0, 0x59, 0x01, 0xE1 };

	start_active();
	(void)init(1);
	EXPECT_EQ(fetch(GRANULE_SIZE - 5U), TOKEN_SIZE);
	EXPECT(memcmp(token, head, sizeof(head)) == 0);
	for (size_t n = 0; n < FAKE_PLATFORM_TOKEN_SIZE; n++) {
		EXPECT_EQ(token[sizeof(head) + n], (uint8_t)n);
	}
	EXPECT(memcmp(token + REALM_AT, realm_head, sizeof(realm_head)) == 0);
}

/* Takes `size` bytes that are expected next. */
static bool next_is(const uint8_t **at, const void *bytes, size_t size)
{
	bool same = memcmp(*at, bytes, size) == 0;

	*at += size;
	return same;
}

static void the_claims_are_the_references_in_their_order(void)
{
	static const uint64_t challenge[] = { 0x0807060504030201, 2, 3, 4, 5, 6, 7, 8 };
	const uint8_t *at = token + PAYLOAD_AT;
	uint8_t key[EL3_KEY_P384_SIZE];

	start_active();
	memset(key, FAKE_KEY_BYTE, sizeof(key));
	memset(realm()->rpv, 0x42, sizeof(realm()->rpv));
	for (unsigned int n = 0; n < REALM_MEASUREMENTS; n++) {
		memset(realm()->measurement[n].bytes, (int)(0x80U + n), 32);
	}
	(void)init(challenge[0]);
	EXPECT_EQ(fetch(GRANULE_SIZE - 5U), TOKEN_SIZE);
	EXPECT(next_is(&at, "\xA8\x0A\x58\x40", 4));
	EXPECT(next_is(&at, challenge, sizeof(challenge)));
	EXPECT(next_is(&at, "\x19\xAC\xCB\x58\x40", 5));
	EXPECT(next_is(&at, realm()->rpv, sizeof(realm()->rpv)));
	EXPECT(next_is(&at, "\x19\xAC\xCD\x58\x6B\xA4\x01\x02\x20\x02\x21\x58\x30", 13));
	EXPECT(next_is(&at, key, sizeof(key)));
	EXPECT(next_is(&at, "\x22\x58\x30", 3));
	EXPECT(next_is(&at, key, sizeof(key)));
	EXPECT(next_is(&at, "\x19\xAC\xCC\x67sha-256\x19\xAC\xD0\x67sha-256", 22));
	EXPECT(next_is(&at, "\x19\x01\x09\x78\x1Ctag:arm.com,2023:realm#1.0.0", 33));
	EXPECT(next_is(&at, "\x19\xAC\xCE\x58\x20", 5));
	EXPECT(next_is(&at, realm()->measurement[0].bytes, 32));
	EXPECT(next_is(&at, "\x19\xAC\xCF\x84", 4));
	for (unsigned int n = 1; n < REALM_MEASUREMENTS; n++) {
		EXPECT(next_is(&at, "\x58\x20", 2));
		EXPECT(next_is(&at, realm()->measurement[n].bytes, 32));
	}
	EXPECT_EQ(at - (token + PAYLOAD_AT), PAYLOAD_SIZE);
}

static void what_is_signed_is_the_sig_structure(void)
{
	static const char head[] = "\x84\x6ASignature1\x44\xA1\x01\x38\x22\x40\x59\x01\xE1";
	uint8_t key[EL3_KEY_P384_SIZE];
	uint64_t sum;
	uint64_t signature;

	start_active();
	(void)init(1);
	EXPECT_EQ(fetch(GRANULE_SIZE - 5U), TOKEN_SIZE);
	memset(key, FAKE_KEY_BYTE, sizeof(key));
	sum = fake_signature_word(0, key, sizeof(key));
	sum = fake_signature_word(sum, head, sizeof(head) - 1U);
	sum = fake_signature_word(sum, token + PAYLOAD_AT, PAYLOAD_SIZE);
	EXPECT(memcmp(token + PAYLOAD_AT + PAYLOAD_SIZE, "\x58\x60", 2) == 0);
	for (size_t n = 0; n < CCA_SIGNATURE_SIZE; n += sizeof(signature)) {
		memcpy(&signature, token + TOKEN_SIZE - CCA_SIGNATURE_SIZE + n, sizeof(signature));
		EXPECT_EQ(signature, sum);
	}
}

static void measurements_are_those_at_the_init(void)
{
	uint8_t before[32];

	start_active();
	memcpy(before, realm()->measurement[1].bytes, sizeof(before));
	(void)init(1);
	measure_extend(realm(), 1, "changed", 7);
	EXPECT_EQ(fetch(GRANULE_SIZE - 5U), TOKEN_SIZE);
	EXPECT(memcmp(token + TOKEN_SIZE - CCA_SIGNATURE_SIZE - 2U - 4U * 34U + 2U, before,
		      sizeof(before)) == 0);
}

static void pieces_of_any_size_make_the_same_token(void)
{
	static uint8_t whole[TOKEN_SIZE];

	start_active();
	(void)init(1);
	EXPECT_EQ(fetch(GRANULE_SIZE - 5U), TOKEN_SIZE);
	memcpy(whole, token, sizeof(whole));
	for (size_t piece = 1; piece < TOKEN_SIZE + 2U; piece += 1U + piece / 3U) {
		memset(token, 0, sizeof(token));
		(void)init(1);
		EXPECT_EQ(fetch(piece), TOKEN_SIZE);
		EXPECT(memcmp(token, whole, sizeof(whole)) == 0);
		EXPECT_EQ(proceed(BUFFER, 0, 16), RSI_ERROR_STATE);
	}
}

static void each_step_looks_for_interrupts(void)
{
	start_active();
	fake_signer_steps = 5;
	(void)init(1);
	write_sysreg(ISR_EL1, ISR_I);
	for (unsigned int n = 1; n <= 5U; n++) {
		EXPECT_EQ(state()->state, TOKEN_SIGNING);
		(void)proceed(BUFFER, 0, 16);
		EXPECT_EQ(result()->exit_reason, RMI_EXIT_IRQ);
		EXPECT_EQ(result()->esr | result()->gprs[0], 0);
		EXPECT_EQ(((struct rec *)fake_memory(REC))->gprs[0], RSI_INCOMPLETE);
		EXPECT_EQ(((struct rec *)fake_memory(REC))->gprs[1], 0);
	}
	EXPECT_EQ(state()->state, TOKEN_WRITING);
	EXPECT_EQ(proceed(BUFFER, 0, 16), RSI_INCOMPLETE);
	EXPECT_EQ(answers[1], 16);
	(void)init(1);
	write_sysreg(ISR_EL1, ISR_F);
	(void)proceed(BUFFER, 0, 16);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_FIQ);
	write_sysreg(ISR_EL1, ISR_F | ISR_I);
	(void)proceed(BUFFER, 0, 16);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_IRQ);
	write_sysreg(ISR_EL1, 0);
	EXPECT_EQ(proceed(BUFFER, 0, 16), RSI_INCOMPLETE);
	EXPECT_EQ(answers[1], 0);
	EXPECT_EQ(state()->state, TOKEN_WRITING);
}

static void a_signature_that_fails_ends_the_generation(void)
{
	start_active();
	fake_signer_steps = 3;
	(void)init(1);
	fake_signer_fails = true;
	EXPECT_EQ(proceed(BUFFER, 0, 16), RSI_ERROR_UNKNOWN);
	EXPECT_EQ(proceed(BUFFER, 0, 16), RSI_ERROR_STATE);
	EXPECT_EQ(init(1), RSI_ERROR_UNKNOWN);
	EXPECT_EQ(proceed(BUFFER, 0, 16), RSI_ERROR_STATE);
	fake_signer_fails = false;
	EXPECT_EQ(init(1), RSI_SUCCESS);
	EXPECT_EQ(fetch(100), TOKEN_SIZE);
}

static void a_failing_init_ends_the_generation_before(void)
{
	start_active();
	(void)init(1);
	fake_signer_fails = true;
	EXPECT_EQ(init(2), RSI_ERROR_UNKNOWN);
	EXPECT_EQ(proceed(BUFFER, 0, 16), RSI_ERROR_STATE);
}

static void errors_change_nothing(void)
{
	struct token before;
	static const uint64_t bad[][3] = {
		{ BUFFER + 8U, 0, 16 },	     { IPA_SHARED, 0, 16 },
		{ IPA_SPACE, 0, 16 },	     { EMPTY, 0, 16 },
		{ BUFFER, GRANULE_SIZE, 0 }, { BUFFER, 0, GRANULE_SIZE + 1U },
		{ BUFFER, 1, UINT64_MAX },   { BUFFER, UINT64_MAX, 1 },
	};

	start_active();
	(void)init(1);
	before = *state();
	for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
		EXPECT_EQ(proceed(bad[n][0], bad[n][1], bad[n][2]), RSI_ERROR_INPUT);
		EXPECT(memcmp(&before, state(), sizeof(before)) == 0);
	}
	(void)proceed(MISSING, 0, 16);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_SYNC);
	EXPECT_EQ(result()->hpfar, MISSING >> 8);
	EXPECT(memcmp(&before, state(), sizeof(before)) == 0);
}

static void nothing_of_a_token_stays_behind_it(void)
{
	static const uint8_t zeros[GRANULE_SIZE];

	start_active();
	(void)init(1);
	EXPECT_EQ(fetch(100), TOKEN_SIZE);
	EXPECT(memcmp(state(), zeros, sizeof(struct token)) == 0);
}

/* How EL3 answers, where it is not as it should be. */
static struct {
	uint64_t fid;
	int64_t status;
	uint64_t size;
	uint64_t remaining;
} failure;
static void (*good_el3)(struct smc_regs *regs);

static void failing_el3(struct smc_regs *call)
{
	uint64_t fid = call->x[0];

	good_el3(call);
	if (fid == failure.fid) {
		call->x[0] = (uint64_t)failure.status;
		call->x[1] = failure.size;
		call->x[2] = failure.remaining;
	}
}

static _Alignas(GRANULE_SIZE) uint8_t shared_buffer[GRANULE_SIZE];

static bool platform_with(uint64_t fid, int64_t status, uint64_t size, uint64_t remaining)
{
	good_el3 = fake_smc_hook;
	failure.fid = fid;
	failure.status = status;
	failure.size = size;
	failure.remaining = remaining;
	fake_smc_hook = failing_el3;
	platform_init((uintptr_t)shared_buffer);
	fake_smc_hook = good_el3;
	return platform() != NULL;
}

static void without_el3s_part_there_are_no_tokens(void)
{
	start_active();
	EXPECT(platform_with(0, EL3_OK, 0, 0));
	EXPECT(!platform_with(EL3_ATTEST_GET_REALM_KEY, EL3_UNKNOWN, 48, 0));
	EXPECT(!platform_with(EL3_ATTEST_GET_REALM_KEY, EL3_OK, 47, 0));
	EXPECT(!platform_with(EL3_ATTEST_GET_REALM_KEY, EL3_OK, UINT64_MAX, 0));
	EXPECT(!platform_with(EL3_ATTEST_GET_PLAT_TOKEN, EL3_INVALID, 1518, 0));
	EXPECT(!platform_with(EL3_ATTEST_GET_PLAT_TOKEN, EL3_OK, 0, 0));
	EXPECT(!platform_with(EL3_ATTEST_GET_PLAT_TOKEN, EL3_OK, GRANULE_SIZE + 1U, 0));
	EXPECT(!platform_with(EL3_ATTEST_GET_PLAT_TOKEN, EL3_OK, 100, 1));
	EXPECT_EQ(init(1), RSI_ERROR_UNKNOWN);
	EXPECT_EQ(proceed(BUFFER, 0, 16), RSI_ERROR_STATE);
	EXPECT(platform_with(EL3_ATTEST_GET_PLAT_TOKEN, EL3_OK, GRANULE_SIZE, 0));
	EXPECT_EQ(init(1), RSI_SUCCESS);
	EXPECT_EQ(answers[1], TOKEN_SIZE - FAKE_PLATFORM_TOKEN_SIZE + GRANULE_SIZE);
	fake_signer_fails = true;
	EXPECT(!platform_with(0, EL3_OK, 0, 0));
}

static uint8_t challenge_given[32];

static void noting_el3(struct smc_regs *call)
{
	if (call->x[0] == EL3_ATTEST_GET_PLAT_TOKEN) {
		memcpy(challenge_given, (void *)call->x[1], sizeof(challenge_given));
		for (size_t n = sizeof(challenge_given); n < GRANULE_SIZE; n++) {
			challenge_given[0] ^= ((uint8_t *)call->x[1])[n];
		}
	}
	good_el3(call);
}

static void the_platform_token_is_asked_for_with_the_hash_of_the_public_key(void)
{
	struct digest digest;

	start();
	good_el3 = fake_smc_hook;
	fake_smc_hook = noting_el3;
	memset(shared_buffer, 0, sizeof(shared_buffer));
	platform_init((uintptr_t)shared_buffer);
	fake_smc_hook = good_el3;
	hash_bytes(RMI_HASH_SHA_256, platform()->cose_key, PLATFORM_COSE_KEY_SIZE, &digest);
	/* And the private key was wiped from the buffer by then. */
	EXPECT(memcmp(challenge_given, digest.bytes, sizeof(challenge_given)) == 0);
}

static const struct tap_case cases[] = {
	TAP_CASE(the_token_is_as_long_as_the_references),
	TAP_CASE(the_envelope_holds_both_tokens),
	TAP_CASE(the_claims_are_the_references_in_their_order),
	TAP_CASE(what_is_signed_is_the_sig_structure),
	TAP_CASE(measurements_are_those_at_the_init),
	TAP_CASE(pieces_of_any_size_make_the_same_token),
	TAP_CASE(each_step_looks_for_interrupts),
	TAP_CASE(a_signature_that_fails_ends_the_generation),
	TAP_CASE(a_failing_init_ends_the_generation_before),
	TAP_CASE(errors_change_nothing),
	TAP_CASE(nothing_of_a_token_stays_behind_it),
	TAP_CASE(without_el3s_part_there_are_no_tokens),
	TAP_CASE(the_platform_token_is_asked_for_with_the_hash_of_the_public_key),
};

TAP_MAIN(cases)
