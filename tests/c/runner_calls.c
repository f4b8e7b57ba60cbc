/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * System calls of a hostile TA: random numbers, pointers and lengths, answered by a core that is
 * random too. Nothing but the TA's memory is read into a frame or written.
 */
#include "call.h"

#include <stdlib.h>
#include <string.h>

#include "runner_fixture.h"
#include "tap.h"

#define ROUNDS	    20000
#define SECRET_SIZE 64U
#define FRAME_ROOM  (1U << 16)

/* What is the runner's own; no frame may have it, and no call may change it. */
static uint8_t secret[SECRET_SIZE * 2] __attribute__((aligned(64)));
static uint8_t expected[sizeof(secret)];
static uint8_t heard[FRAME_ROOM];

static uint64_t choose(const uint64_t *from, size_t count)
{
	return from[(size_t)rand() % count];
}

static uint64_t random_address(void)
{
	const uint64_t places[] = {
		0,
		TA_DATA,
		TA_DATA_END,
		TA_CONSTANT,
		TA_CODE,
		TA_STACK,
		TA_TOP,
		TA_REGION,
		TA_NOWHERE,
		(uintptr_t)secret,
		(uintptr_t)secret,
		(uintptr_t)&fixture_runner,
		UINT64_MAX,
		UINT64_C(1) << 47,
		UINT64_C(1) << 63,
		TA_DATA | UINT64_C(0xff00000000000000),
		/* Where the words of fill_data() are. */
		TA_DATA + 256,
		TA_DATA + 512,
		TA_DATA + 768,
	};
	const uint64_t offsets[] = {
		0, 0, 0, 1, 8, 16, 24, MAP_PAGE - 4, MAP_PAGE, 0 - UINT64_C(1), 0 - UINT64_C(8)
	};

	return choose(places, sizeof(places) / sizeof(places[0])) +
	       choose(offsets, sizeof(offsets) / sizeof(offsets[0]));
}

static uint64_t random_size(void)
{
	const uint64_t sizes[] = { 0,
				   1,
				   4,
				   8,
				   16,
				   32,
				   64,
				   72,
				   100,
				   MAP_PAGE,
				   2 * MAP_PAGE,
				   2 * MAP_PAGE + 1,
				   UINT32_MAX,
				   UINT64_C(1) << 32,
				   TEE_RUN_LENGTH_MAX,
				   UINT64_MAX,
				   UINT64_MAX - 7,
				   UINT64_C(1) << 63 };

	return choose(sizes, sizeof(sizes) / sizeof(sizes[0]));
}

static uint64_t random_register(void)
{
	return (rand() & 1) != 0 ? random_address() : random_size();
}

/* Lengths, parameters and attributes that calls may be pointed to. */
static void fill_data(void)
{
	uint64_t *words = (void *)(uintptr_t)TA_DATA;

	for (size_t n = 0; n < 2 * MAP_PAGE / sizeof(*words); n++) {
		words[n] = random_register();
	}
	for (size_t n = 0; n < 4; n++) {
		const uint64_t types[] = { 0x7777, 0x6565, 0x3217, 0x1567, 0, 0x4, 0x8000 };

		words[(256 + 72 * n) / 8] = choose(types, sizeof(types) / sizeof(types[0]));
		words[(512 + 24 * n) / 8 + 2] = (uint64_t)rand() << 8;
	}
}

static size_t put(uint8_t *to, uint64_t value)
{
	memcpy(to, &value, sizeof(value));
	return sizeof(value);
}

/* An answer that has some of what the call may expect. */
static void say_answer(void)
{
	const uint64_t lengths[] = { 0, 0, 4, 4, 8, 28, 16, 32, UINT64_MAX, UINT32_MAX, 1000 };
	uint8_t body[1024] = { 0 };
	size_t size = 0;
	uint32_t count = (uint32_t)rand() % 5;
	struct tee_run_result head = { (uint32_t)rand(), count };

	for (uint32_t n = 0; n < count; n++) {
		uint64_t length = choose(lengths, sizeof(lengths) / sizeof(lengths[0]));

		size += put(body + size, length);
		if (length <= 64) {
			memset(body + size, 0xEE, length);
			size += length;
		}
	}
	if (rand() % 8 == 0) {
		size += (size_t)rand() % 8;
	}
	fixture_say(TEE_RUN_RESULT, &head, sizeof(head), body, size);
}

/* The core takes a page of the TA's data away while it serves a call, or has given it back. */
static void say_data_page(uint32_t type)
{
	struct tee_run_map order = { TA_DATA + MAP_PAGE, MAP_PAGE,
				     TEE_RUN_PROT_READ | TEE_RUN_PROT_WRITE, 0 };

	fixture_say(type, &order,
		    type == TEE_RUN_MAP ? sizeof(order) : sizeof(struct tee_run_range), NULL, 0);
}

static void give_data_page_back(void)
{
	if (!map_allows(&fixture_runner.map, TA_DATA + MAP_PAGE, MAP_PAGE, 0, true)) {
		fixture_reconnect();
		say_data_page(TEE_RUN_MAP);
		fixture_serve();
	}
	fixture_reconnect();
}

static bool leaked(size_t size)
{
	return memmem(heard, size < sizeof(heard) ? size : sizeof(heard), expected,
		      SECRET_SIZE / 4) != NULL;
}

static void no_call_touches_what_is_not_the_tas(void)
{
	uint64_t registers[TEE_CALL_ARGUMENTS_MAX];
	unsigned int calls = 0;
	unsigned int answered = 0;

	srand(11);
	for (size_t n = 0; n < sizeof(secret); n++) {
		expected[n] = (uint8_t)(n * 37 + 101);
	}
	memcpy(secret, expected, sizeof(secret));
	fixture_start();
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t number = (uint64_t)rand() % (TEE_CALL_MAX + 3);
		uint32_t result;
		uint32_t type;
		long size;

		fill_data();
		for (size_t n = 0; n < TEE_CALL_ARGUMENTS_MAX; n++) {
			registers[n] = random_register();
		}
		if (round % 8 == 0) {
			say_data_page(TEE_RUN_UNMAP);
		}
		say_answer();
		answered += call_serve(&fixture_runner, registers, number, &result) ? 1 : 0;
		size = fixture_hear(&type, heard, sizeof(heard));
		if (size >= 0) {
			EXPECT_EQ(type, TEE_RUN_CALL);
			EXPECT(!leaked((size_t)size));
			calls++;
		}
		EXPECT(memcmp(secret, expected, sizeof(secret)) == 0);
		give_data_page_back();
	}
	/* Else this would show nothing. */
	EXPECT(calls > ROUNDS / 20);
	EXPECT(answered > ROUNDS / 4);
	EXPECT(((const uint8_t *)(uintptr_t)TA_CONSTANT)[8] == 0);
	fixture_stop();
}

static void every_call_has_registers_for_its_arguments(void)
{
	static const struct call_entry entries[] = { TEE_CALL_TABLE };

	fixture_start();
	for (size_t n = 0; n < sizeof(entries) / sizeof(entries[0]); n++) {
		uint64_t registers[TEE_CALL_ARGUMENTS_MAX] = { 0 };
		uint32_t result;

		/* Trips an assertion if not; the answer is for those that need no pointers. */
		fixture_say(TEE_RUN_RESULT, &(struct tee_run_result){ 0 },
			    sizeof(struct tee_run_result), NULL, 0);
		EXPECT(call_serve(&fixture_runner, registers, n, &result));
		EXPECT(entries[n].count <= TEE_CALL_ARGUMENTS_MAX);
		fixture_reconnect();
	}
	fixture_stop();
}

static void an_answer_for_an_attribute_must_fit_it(void)
{
	struct tee_attribute attribute = { TA_DATA + 64, 8, TEE_ATTR_SECRET_VALUE, 0 };
	const uint64_t registers[TEE_CALL_ARGUMENTS_MAX] = { 1, TA_DATA, 1, 5 };
	struct tee_run_result head = { 7, 1 };
	uint64_t body[3] = { 16, 8, 0x1122334455667788 };
	uint32_t result;

	fixture_start();
	memcpy((void *)TA_DATA, &attribute, sizeof(attribute));
	fixture_say(TEE_RUN_RESULT, &head, sizeof(head), body, sizeof(body));
	EXPECT(call_serve(&fixture_runner, registers, TEE_CALL_CRYP_DERIVE_KEY, &result));
	EXPECT_EQ(result, 7);
	EXPECT_EQ(*(const uint64_t *)(TA_DATA + 64), body[2]);
	fixture_reconnect();
	body[1] = 9;
	fixture_say(TEE_RUN_RESULT, &head, sizeof(head), body, sizeof(body));
	EXPECT(!call_serve(&fixture_runner, registers, TEE_CALL_CRYP_DERIVE_KEY, &result));
	fixture_stop();
}

static void outputs_that_went_away_are_not_written(void)
{
	const uint64_t away = TA_DATA + MAP_PAGE;
	const struct {
		uint64_t buffer;
		uint64_t length;
	} places[] = { { away, TA_DATA }, { TA_DATA + 64, away + 64 }, { away, away + 64 } };
	struct tee_run_result head = { 0, 1 };
	uint64_t body[2] = { 8, 0x1122334455667788 };

	fixture_start();
	for (size_t n = 0; n < sizeof(places) / sizeof(places[0]); n++) {
		uint64_t registers[TEE_CALL_ARGUMENTS_MAX] = { 1, 0, 0, places[n].buffer,
							       places[n].length };
		uint32_t result;

		*(uint64_t *)(uintptr_t)places[n].length = 8;
		say_data_page(TEE_RUN_UNMAP);
		fixture_say(TEE_RUN_RESULT, &head, sizeof(head), body, sizeof(body));
		EXPECT(call_serve(&fixture_runner, registers, TEE_CALL_HASH_FINAL, &result));
		EXPECT_EQ(result, TEE_ERROR_ACCESS_DENIED);
		give_data_page_back();
	}
	fixture_stop();
}

static void no_data_means_zeros_for_a_new_object(void)
{
	const uint64_t registers[TEE_CALL_ARGUMENTS_MAX] = { 1, TA_CONSTANT, 2, 0, 0, 0, 5000, 0 };
	uint64_t length;
	uint32_t result;
	uint32_t type;
	long size;

	fixture_start();
	fixture_say(TEE_RUN_RESULT, &(struct tee_run_result){ 0 }, sizeof(struct tee_run_result),
		    NULL, 0);
	EXPECT(call_serve(&fixture_runner, registers, TEE_CALL_STORAGE_OBJ_CREATE, &result));
	size = fixture_hear(&type, heard, sizeof(heard));
	EXPECT_EQ(size, 8 + 8 + 8 + 2 + 8 + 8 + 8 + 5000 + 8);
	memcpy(&length, heard + 42, sizeof(length));
	EXPECT_EQ(length, 5000);
	EXPECT_EQ(heard[50], 0);
	EXPECT_EQ(heard[5049], 0);
	fixture_stop();
}

static const struct tap_case cases[] = {
	TAP_CASE(no_call_touches_what_is_not_the_tas),
	TAP_CASE(every_call_has_registers_for_its_arguments),
	TAP_CASE(an_answer_for_an_attribute_must_fit_it),
	TAP_CASE(outputs_that_went_away_are_not_written),
	TAP_CASE(no_data_means_zeros_for_a_new_object),
};

TAP_MAIN(cases)
