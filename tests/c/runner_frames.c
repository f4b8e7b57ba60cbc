/* SPDX-License-Identifier: BSD-3-Clause */
/* What the core says to a runner: what is right is done, what is wrong is refused or ends it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "runner_fixture.h"
#include "tap.h"

#define BOTH (TEE_RUN_PROT_READ | TEE_RUN_PROT_WRITE)

static uint8_t own[2 * MAP_PAGE] __attribute__((aligned(4096)));

static long ask_map(uint32_t type, struct tee_run_map order, const void *bytes, size_t size)
{
	fixture_reconnect();
	fixture_say(type, &order, sizeof(order), bytes, size);
	fixture_serve();
	return fixture_hear_done();
}

/* Nothing is said of a region: the entry that follows would be refused. */
static int give_region(struct tee_run_map order, const void *bytes, size_t size)
{
	uint8_t nothing[1];
	uint32_t type;

	fixture_reconnect();
	fixture_runner.region_error = 0;
	fixture_say(TEE_RUN_REGION, &order, sizeof(order), bytes, size);
	fixture_serve();
	return fixture_hear(&type, nothing, sizeof(nothing)) == -1 ? fixture_runner.region_error
								   : -1;
}

static long ask_range(uint32_t type, uint64_t address, uint64_t size, const void *bytes,
		      size_t count)
{
	struct tee_run_range order = { address, size };

	fixture_reconnect();
	fixture_say(type, &order, sizeof(order), bytes, count);
	fixture_serve();
	return fixture_hear_done();
}

static void what_is_not_free_or_not_pages_is_not_mapped(void)
{
	const struct tee_run_map wrong[] = {
		{ TA_NOWHERE + 1, MAP_PAGE, BOTH, 0 },
		{ TA_NOWHERE, MAP_PAGE + 1, BOTH, 0 },
		{ TA_NOWHERE, 0, BOTH, 0 },
		{ TA_NOWHERE, UINT64_MAX - MAP_PAGE + 1, BOTH, 0 },
		{ TA_NOWHERE, MAP_PAGE, BOTH, TEE_RUN_FLAG_NONSECURE },
		{ TA_NOWHERE, MAP_PAGE, BOTH, 0x80000000 },
		{ TA_NOWHERE, MAP_PAGE, BOTH | TEE_RUN_PROT_EXEC, 0 },
		{ TA_NOWHERE, MAP_PAGE, TEE_RUN_PROT_EXEC, 0 },
		{ TA_NOWHERE, MAP_PAGE, BOTH | TEE_RUN_PROT_BTI, 0 },
		{ TA_NOWHERE, MAP_PAGE, 16, 0 },
		{ TA_DATA, MAP_PAGE, BOTH, 0 },
		{ TA_DATA - MAP_PAGE, 2 * MAP_PAGE, BOTH, 0 },
		{ TA_STACK - MAP_PAGE, MAP_PAGE, BOTH, 0 },
		{ TA_TOP + MAP_PAGE, MAP_PAGE, BOTH, TEE_RUN_FLAG_GUARD },
		{ 0x10000, MAP_PAGE, BOTH, TEE_RUN_FLAG_GUARD },
		{ (uintptr_t)own, MAP_PAGE, BOTH, 0 },
	};

	fixture_start();
	for (size_t n = 0; n < sizeof(wrong) / sizeof(wrong[0]); n++) {
		size_t before = fixture_runner.map.count;

		EXPECT(ask_map(TEE_RUN_MAP, wrong[n], "bytes", 5) > 0);
		EXPECT_EQ(fixture_runner.map.count, before);
	}
	/* More bytes than memory. */
	EXPECT_EQ(ask_map(TEE_RUN_MAP, (struct tee_run_map){ TA_NOWHERE, MAP_PAGE, BOTH, 0 }, own,
			  sizeof(own)),
		  EINVAL);
	fixture_stop();
}

static void regions_are_where_they_are_told_to_be(void)
{
	struct tee_run_map order = { TA_NOWHERE + 4090, 10, BOTH, 0 };

	fixture_start();
	EXPECT_EQ(give_region(order, "0123456789", 10), 0);
	EXPECT(memcmp((void *)(uintptr_t)order.address, "0123456789", 10) == 0);
	EXPECT(map_allows(&fixture_runner.map, TA_NOWHERE, 2 * MAP_PAGE, BOTH, false));
	EXPECT(!map_allows(&fixture_runner.map, TA_NOWHERE, 2 * MAP_PAGE + 1, 0, false));
	EXPECT(!map_allows(&fixture_runner.map, order.address, 1, 0, true));
	order.address = UINT64_MAX - 3;
	EXPECT_EQ(give_region(order, "0", 1), EINVAL);
	order.size = UINT64_MAX;
	EXPECT_EQ(give_region(order, "0", 1), EINVAL);
	order = (struct tee_run_map){ TA_NOWHERE + 4 * MAP_PAGE, 0, BOTH, 0 };
	EXPECT_EQ(give_region(order, "", 0), EINVAL);
	order.size = 1;
	order.prot = TEE_RUN_PROT_READ | TEE_RUN_PROT_EXEC;
	EXPECT_EQ(give_region(order, "", 0), EACCES);
	fixture_stop();
}

static void only_the_tas_memory_is_read_and_written(void)
{
	const uint64_t wrong[] = { (uintptr_t)own,  TA_NOWHERE, TA_STACK - 8,
				   TA_DATA_END - 4, 0,		UINT64_MAX - 4 };

	fixture_start();
	memset(own, 0x5A, sizeof(own));
	for (size_t n = 0; n < sizeof(wrong) / sizeof(wrong[0]); n++) {
		EXPECT_EQ(ask_range(TEE_RUN_FETCH, wrong[n], 8, NULL, 0), EFAULT);
		EXPECT_EQ(ask_range(TEE_RUN_WRITE, wrong[n], 8, "8 bytes.", 8), EACCES);
		EXPECT(ask_range(TEE_RUN_UNMAP, wrong[n] & -MAP_PAGE, 8 * MAP_PAGE, NULL, 0) > 0);
	}
	EXPECT_EQ(own[0], 0x5A);
	EXPECT_EQ(ask_range(TEE_RUN_WRITE, TA_CONSTANT, 8, "8 bytes.", 8), EACCES);
	EXPECT_EQ(ask_range(TEE_RUN_WRITE, TA_DATA, 8, "8 bytes.", 8), 0);
	EXPECT(memcmp((void *)TA_DATA, "8 bytes.", 8) == 0);
	EXPECT_EQ(ask_range(TEE_RUN_UNMAP, TA_DATA, MAP_PAGE, NULL, 0), 0);
	EXPECT_EQ(ask_range(TEE_RUN_FETCH, TA_DATA, 1, NULL, 0), EFAULT);
	fixture_stop();
}

static bool entered;

static uint32_t stay_out(const struct enter_registers *registers)
{
	(void)registers;
	entered = true;
	return 0;
}

/* Whether a stream of bytes makes a runner say nothing, and do nothing. */
static bool ends_silently(const void *bytes, size_t size)
{
	uint8_t body[64];
	uint32_t type;

	fixture_reconnect();
	fixture_say_bytes(bytes, size);
	fixture_serve();
	return fixture_hear(&type, body, sizeof(body)) == -1 && !entered;
}

static void what_is_no_frame_ends_the_runner(void)
{
	const uint32_t wrong[][4] = {
		{ 0, TEE_RUN_FETCH },
		{ 3, TEE_RUN_FETCH },
		{ UINT32_MAX, TEE_RUN_MAP },
		{ TEE_RUN_LENGTH_MAX + 1, TEE_RUN_MAP },
		{ 4, 0 },
		{ 4, 99 },
		{ 4, TEE_RUN_HELLO },
		{ 4, TEE_RUN_MAP },
		{ 4, TEE_RUN_REGION },
		{ 4, TEE_RUN_UNMAP },
		{ 4, 3 },
		{ 4, TEE_RUN_WRITE },
		{ 4, TEE_RUN_FETCH },
		{ 4, TEE_RUN_ENTER },
		{ 12, TEE_RUN_RESULT },
		{ 12, TEE_RUN_FETCH, 1, 2 },
		{ 100, TEE_RUN_MAP, 1, 2 },
	};
	struct tee_run_range range = { TA_DATA, 8 };
	struct tee_run_frame longer = { 4 + sizeof(range) + 1, TEE_RUN_FETCH };
	uint8_t stream[64] = { 0 };

	fixture_start();
	fixture_ta = stay_out;
	entered = false;
	for (size_t n = 0; n < sizeof(wrong) / sizeof(wrong[0]); n++) {
		EXPECT(ends_silently(wrong[n], sizeof(wrong[n])));
	}
	EXPECT(ends_silently(stream, 3));
	/* More than the order says, and less. */
	memcpy(stream, &longer, sizeof(longer));
	memcpy(stream + sizeof(longer), &range, sizeof(range));
	EXPECT(ends_silently(stream, sizeof(longer) + sizeof(range) + 1));
	longer.type = TEE_RUN_WRITE;
	memcpy(stream, &longer, sizeof(longer));
	EXPECT(ends_silently(stream, sizeof(longer) + sizeof(range) + 1));
	fixture_stop();
}

static struct enter_registers seen;
static struct tee_params seen_params;

static uint32_t answer(const struct enter_registers *registers)
{
	struct tee_params *params = (void *)(uintptr_t)registers->sp;

	seen = *registers;
	seen_params = *params;
	params->vals[7] = 77;
	return 0xABCD;
}

static void say_enter(uint64_t entry, uint64_t top)
{
	struct tee_run_enter order = {
		.function = 2,
		.command = 3,
		.session = 4,
		.entry = entry,
		.stack_top = top,
		.types = 0x21,
		.vals = { 10, 11, 12, 13, 14, 15, 16, 17 },
	};

	fixture_say(TEE_RUN_ENTER, &order, sizeof(order), NULL, 0);
}

static void a_ta_is_entered_with_its_parameters_on_its_stack(void)
{
	struct tee_run_returned returned;
	uint32_t type;

	fixture_start();
	fixture_ta = answer;
	say_enter(TA_CODE, TA_TOP);
	fixture_serve();
	EXPECT_EQ(fixture_hear(&type, &returned, sizeof(returned)), (long)sizeof(returned));
	EXPECT_EQ(type, TEE_RUN_RETURNED);
	EXPECT_EQ(returned.result, 0xABCD);
	EXPECT_EQ(returned.vals[6], 16);
	EXPECT_EQ(returned.vals[7], 77);
	EXPECT_EQ(seen.sp, TA_TOP - 80);
	EXPECT_EQ(seen.pc, TA_CODE);
	EXPECT_EQ(seen.x[0], 2);
	EXPECT_EQ(seen.x[1], 4);
	EXPECT_EQ(seen.x[2], seen.sp);
	EXPECT_EQ(seen.x[3], 3);
	EXPECT_EQ(seen_params.types, 0x21);
	EXPECT_EQ(seen_params.vals[0], 10);
	fixture_stop();
}

static uint32_t write_and_tell(const struct enter_registers *registers)
{
	struct tee_params *params = (void *)(uintptr_t)registers->sp;

	memcpy((void *)(uintptr_t)params->vals[0], "output", 6);
	params->vals[1] = 6;
	params->vals[3] = params->vals[3] * 2;
	/* What it is not asked for stays here, whatever it says that it was given. */
	params->types = 0x6666;
	params->vals[4] = (uintptr_t)own;
	params->vals[6] = (uintptr_t)own;
	return 0;
}

static void say_enter_with(uint64_t types, const uint64_t vals[8])
{
	struct tee_run_enter order = { .entry = TA_CODE, .stack_top = TA_TOP, .types = types };

	memcpy(order.vals, vals, sizeof(order.vals));
	fixture_reconnect();
	fixture_say(TEE_RUN_ENTER, &order, sizeof(order), NULL, 0);
	fixture_serve();
}

static void output_memory_comes_with_the_result(void)
{
	const uint64_t some[8] = { TA_DATA, 10, TA_DATA + 8, 5, TA_DATA + 16, 3, TA_DATA, 100 };
	const uint64_t much[8] = { TA_DATA, 10, 0, 0, TA_DATA, TEE_RUN_RETURNED_MAX };
	const uint64_t gone[8] = { TA_DATA, 10, 0, 0, TA_NOWHERE, 1 };
	struct {
		struct tee_run_returned head;
		char bytes[16];
	} returned;
	const long head = sizeof(returned.head);
	uint32_t type;

	fixture_start();
	fixture_ta = write_and_tell;
	say_enter_with(0x5766, some);
	EXPECT_EQ(fixture_hear(&type, &returned, sizeof(returned)), head + 6 + 3);
	EXPECT_EQ(type, TEE_RUN_RETURNED);
	EXPECT(memcmp(returned.bytes, "output", 6) == 0);
	EXPECT_EQ(returned.head.vals[3], 10);
	say_enter_with(0x0606, much);
	EXPECT_EQ(fixture_hear(&type, &returned, sizeof(returned)), head);
	say_enter_with(0x0606, gone);
	EXPECT_EQ(fixture_hear(&type, &returned, sizeof(returned)), head);
	fixture_stop();
}

static void no_ta_is_entered_without_code_or_stack(void)
{
	const uint64_t wrong[][2] = {
		{ TA_DATA, TA_TOP },
		{ TA_CODE + MAP_PAGE - 2, TA_TOP },
		{ TA_NOWHERE, TA_TOP },
		{ TA_CODE, TA_TOP + 16 },
		{ TA_CODE, TA_TOP - 8 },
		{ TA_CODE, 0 },
		{ TA_CODE, 64 },
		{ TA_CODE, TA_CONSTANT + MAP_PAGE },
		{ TA_CODE, TA_REGION + MAP_PAGE },
	};

	fixture_ta = stay_out;
	entered = false;
	for (size_t n = 0; n < sizeof(wrong) / sizeof(wrong[0]); n++) {
		fixture_start();
		say_enter(wrong[n][0], wrong[n][1]);
		fixture_serve();
		EXPECT_EQ(fixture_hear_done(), EFAULT);
		EXPECT(!entered);
		fixture_stop();
	}
}

static void regions_live_until_the_next_call(void)
{
	fixture_start();
	fixture_ta = answer;
	say_enter(TA_CODE, TA_TOP);
	fixture_serve();
	EXPECT(map_allows(&fixture_runner.map, TA_REGION, 100, BOTH, false));
	fixture_reconnect();
	say_enter(TA_CODE, TA_TOP);
	fixture_serve();
	EXPECT(!map_allows(&fixture_runner.map, TA_REGION, 1, 0, false));
	fixture_stop();
}

static uint32_t lose_the_stack(const struct enter_registers *registers)
{
	(void)memory_unmap(&fixture_runner.map, TA_STACK, TA_TOP - TA_STACK);
	return (uint32_t)registers->x[0];
}

static void a_ta_without_a_stack_has_not_returned(void)
{
	struct tee_run_fault fault;
	uint32_t type;

	fixture_start();
	fixture_ta = lose_the_stack;
	say_enter(TA_CODE, TA_TOP);
	fixture_serve();
	EXPECT_EQ(fixture_hear(&type, &fault, sizeof(fault)), (long)sizeof(fault));
	EXPECT_EQ(type, TEE_RUN_FAULT);
	EXPECT_EQ(fault.address, TA_TOP - 80);
	fixture_stop();
}

static const struct tap_case cases[] = {
	TAP_CASE(what_is_not_free_or_not_pages_is_not_mapped),
	TAP_CASE(regions_are_where_they_are_told_to_be),
	TAP_CASE(only_the_tas_memory_is_read_and_written),
	TAP_CASE(what_is_no_frame_ends_the_runner),
	TAP_CASE(a_ta_is_entered_with_its_parameters_on_its_stack),
	TAP_CASE(output_memory_comes_with_the_result),
	TAP_CASE(no_ta_is_entered_without_code_or_stack),
	TAP_CASE(regions_live_until_the_next_call),
	TAP_CASE(a_ta_without_a_stack_has_not_returned),
};

TAP_MAIN(cases)
