/* SPDX-License-Identifier: BSD-3-Clause */
/* States that the core gives to the runner, where no TA of instructions gets to. */
#include "states.h"

#include <string.h>

#include "call.h"
#include "runner_fixture.h"
#include "tap.h"

#define AWAY (TA_DATA + MAP_PAGE)

static uint32_t result;

static void say_state(uint32_t handle, uint32_t algorithm, size_t key_size)
{
	static const uint8_t key[2 * TEE_RUN_KEY_MAX];
	struct tee_run_state order = { handle, algorithm, TEE_MODE_ENCRYPT };

	fixture_say(TEE_RUN_STATE, &order, sizeof(order), key, key_size);
}

static void say_result(uint32_t code)
{
	struct tee_run_result head = { .result = code };

	fixture_say(TEE_RUN_RESULT, &head, sizeof(head), NULL, 0);
}

static void say_data_page(uint32_t type)
{
	struct tee_run_map order = { AWAY, MAP_PAGE, TEE_RUN_PROT_READ | TEE_RUN_PROT_WRITE, 0 };

	fixture_say(type, &order,
		    type == TEE_RUN_MAP ? sizeof(order) : sizeof(struct tee_run_range), NULL, 0);
}

static bool call(uint64_t number, uint64_t x0, uint64_t x1, uint64_t x2)
{
	const uint64_t registers[TEE_CALL_ARGUMENTS_MAX] = { x0, x1, x2, 16 };

	return call_serve(&fixture_runner, registers, number, &result);
}

/* Whether the runner has had to ask the core since it was last looked. */
static bool asked(void)
{
	uint8_t body[64];
	uint32_t type;
	bool any = false;

	while (fixture_hear(&type, body, sizeof(body)) >= 0) {
		any = any || type == TEE_RUN_CALL;
	}
	fixture_reconnect();
	return any;
}

static void forget_states(void)
{
	memset(&fixture_runner.states, 0, sizeof(fixture_runner.states));
	fixture_stop();
}

static bool give(uint32_t handle, uint32_t algorithm)
{
	const bool cipher = algorithm != TEE_ALG_SHA256;

	say_state(handle, algorithm, cipher ? 16 : 0);
	say_result(TEE_SUCCESS);
	return call(cipher ? TEE_CALL_CIPHER_INIT : TEE_CALL_HASH_INIT, handle, TA_DATA, 16) &&
	       result == TEE_SUCCESS && asked();
}

static void a_nonce_that_went_away_is_not_read(void)
{
	fixture_start();
	say_data_page(TEE_RUN_UNMAP);
	say_state(1, TEE_ALG_AES_GCM, 16);
	say_result(TEE_SUCCESS);
	EXPECT(call(TEE_CALL_AUTHENC_INIT, 1, AWAY, 12));
	EXPECT_EQ(result, TEE_ERROR_ACCESS_DENIED);
	EXPECT(asked());
	say_result(TEE_SUCCESS);
	EXPECT(call(TEE_CALL_AUTHENC_UPDATE_AAD, 1, TA_DATA, 1));
	EXPECT(asked());
	forget_states();
}

static void states_come_within_calls_only(void)
{
	fixture_start();
	say_state(1, TEE_ALG_SHA256, 0);
	fixture_serve();
	EXPECT_EQ(fixture_hear_done(), -1);
	fixture_reconnect();
	say_result(TEE_SUCCESS);
	EXPECT(call(TEE_CALL_HASH_INIT, 1, 0, 0));
	EXPECT(asked());
	forget_states();
}

static void a_key_that_is_too_long_is_no_frame(void)
{
	fixture_start();
	say_state(1, TEE_ALG_HMAC_SHA256, TEE_RUN_KEY_MAX);
	say_result(TEE_SUCCESS);
	EXPECT(call(TEE_CALL_HASH_INIT, 1, 0, 0));
	fixture_reconnect();
	say_state(1, TEE_ALG_HMAC_SHA256, TEE_RUN_KEY_MAX + 1);
	say_result(TEE_SUCCESS);
	EXPECT(!call(TEE_CALL_HASH_INIT, 2, 0, 0));
	forget_states();
}

static void an_init_that_fails_at_the_core_begins_nothing(void)
{
	fixture_start();
	EXPECT(give(1, TEE_ALG_AES_CTR));
	fixture_say(TEE_RUN_UNKEY, &(struct tee_run_unkey){ 1 }, sizeof(struct tee_run_unkey), NULL,
		    0);
	say_result(TEE_SUCCESS);
	EXPECT(call(TEE_CALL_CRYP_OBJ_RESET, 9, 0, 0));
	EXPECT(asked());
	say_result(TEE_ERROR_BAD_PARAMETERS);
	EXPECT(call(TEE_CALL_CIPHER_INIT, 1, TA_DATA, 16));
	EXPECT_EQ(result, TEE_ERROR_BAD_PARAMETERS);
	EXPECT(asked());
	EXPECT(fixture_runner.states.all[1].begun);
	/* Once the core has begun another message, that is the core's. */
	say_result(TEE_SUCCESS);
	EXPECT(call(TEE_CALL_CIPHER_INIT, 1, TA_DATA, 16));
	EXPECT_EQ(result, TEE_SUCCESS);
	EXPECT(asked());
	EXPECT_EQ(fixture_runner.states.all[1].class, STATE_FREE);
	forget_states();
}

static void a_copy_that_has_no_room_here_is_refused(void)
{
	const uint32_t far = STATES_COUNT;

	fixture_start();
	for (uint32_t n = 0; n < STATES_REACH; n++) {
		EXPECT(give(1 + n * far, TEE_ALG_SHA256));
	}
	say_result(TEE_SUCCESS);
	EXPECT(call(TEE_CALL_CRYP_STATE_COPY, 1 + STATES_REACH * far, 1, 0));
	EXPECT_EQ(result, TEE_ERROR_OUT_OF_MEMORY);
	EXPECT(asked());
	say_result(TEE_SUCCESS);
	EXPECT(call(TEE_CALL_CRYP_STATE_FREE, 1, 0, 0));
	EXPECT(asked());
	say_result(TEE_SUCCESS);
	EXPECT(call(TEE_CALL_CRYP_STATE_COPY, 1 + STATES_REACH * far, 1 + far, 0));
	EXPECT_EQ(result, TEE_SUCCESS);
	EXPECT(asked());
	EXPECT(call(TEE_CALL_HASH_UPDATE, 1 + STATES_REACH * far, TA_DATA, 16));
	EXPECT_EQ(result, TEE_SUCCESS);
	EXPECT(!asked());
	forget_states();
}

static const struct tap_case cases[] = {
	TAP_CASE(a_nonce_that_went_away_is_not_read),
	TAP_CASE(states_come_within_calls_only),
	TAP_CASE(a_key_that_is_too_long_is_no_frame),
	TAP_CASE(an_init_that_fails_at_the_core_begins_nothing),
	TAP_CASE(a_copy_that_has_no_room_here_is_refused),
};

TAP_MAIN(cases)
