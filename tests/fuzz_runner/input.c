/* SPDX-License-Identifier: BSD-3-Clause */
#include "fuzz_runner.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const uint8_t *next;
static size_t left;

void input_begin(const uint8_t *data, size_t size)
{
	next = data;
	left = size;
}

bool input_is_left(void)
{
	return left != 0;
}

uint8_t input_byte(void)
{
	if (left == 0) {
		return 0;
	}
	left--;
	return *next++;
}

uint64_t input_number(void)
{
	static const uint64_t numbers[] = {
		UINT64_MAX,	    UINT64_MAX - 7,	UINT64_C(1) << 63,  UINT64_C(1) << 47,
		UINT32_MAX,	    UINT64_C(1) << 32,	MAP_PAGE,	    2 * MAP_PAGE,
		2 * MAP_PAGE + 1,   MAP_PAGE - 8,	TEE_RUN_LENGTH_MAX, TEE_RUN_LENGTH_MAX / 2,
		TEE_RUN_GUARD_SIZE, UINT64_C(0x100000),
	};
	uint8_t kind = input_byte();
	uint64_t value = 0;

	if (kind < 0x80) {
		return kind;
	}
	if (kind < 0xF0) {
		return numbers[kind % COUNT(numbers)];
	}
	for (unsigned int n = 0; n < 8; n++) {
		value = value << 8 | input_byte();
	}
	return value;
}

/* A base and an offset: few places, and both sides of every border. */
uint64_t input_address(void)
{
	const uint64_t bases[] = {
		TA_DATA,
		TA_DATA,
		TA_DATA + MAP_PAGE,
		TA_DATA + 2 * MAP_PAGE,
		TA_CONSTANT,
		TA_CODE,
		TA_STACK,
		TA_TOP - 80,
		TA_REGION,
		TA_NOWHERE,
		0,
		(uintptr_t)fuzz_secret,
		(uintptr_t)&fuzz_runner,
		UINT64_MAX,
		UINT64_C(1) << 47,
		TA_DATA | UINT64_C(0xff00000000000000),
	};
	uint8_t base = input_byte();
	uint8_t offset = input_byte();
	uint64_t units = offset & 0x3f;

	/* Forwards by words or pages, or back by bytes. */
	if (offset < 0x80) {
		return bases[base % COUNT(bases)] + 8 * units;
	}
	return offset < 0xc0 ? bases[base % COUNT(bases)] + MAP_PAGE * (units % 8)
			     : bases[base % COUNT(bases)] - units;
}
