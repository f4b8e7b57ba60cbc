/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/platform.h>

#include "fuzz.h"

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
	return left != 0U;
}

uint8_t input_byte(void)
{
	if (left == 0U) {
		return 0;
	}
	left--;
	return *next++;
}

uint64_t input_number(void)
{
	static const uint64_t numbers[] = {
		UINT64_MAX,
		INT64_MAX,
		UINT64_C(1) << 63,
		UINT32_MAX,
		UINT16_MAX,
		UINT64_C(1) << 32,
		GRANULE_SIZE,
		GRANULE_SIZE - 1U,
		BLOCK,
		UINT64_C(0x8000000000),
		UINT64_C(0x1000),
		UINT64_C(0x100),
		UINT64_MAX - GRANULE_SIZE + 1U,
		UINT64_C(0xFFFFFFFFFFFF),
	};
	uint8_t kind = input_byte();

	if (kind < 0x80U) {
		return kind;
	}
	if (kind < 0xF0U) {
		return numbers[kind % COUNT(numbers)];
	}
	uint64_t value = 0;

	for (unsigned int n = 0; n < 8U; n++) {
		value = value << 8 | input_byte();
	}
	return value;
}

uint64_t pool_pa(size_t n)
{
	if (n < 48U) {
		return PAGE(n);
	}
	if (n < 64U) {
		return DATA + (n - 48U) * GRANULE_SIZE;
	}
	return n == 64U ? AUX_OF(REC) : n == 65U ? AUX_OF(REC2) : DATA + BLOCK - GRANULE_SIZE;
}

uint64_t input_pa(void)
{
	static const uint64_t odd[] = {
		PAGE(20) + 8U,
		RD + GRANULE_SIZE / 2U,
		UNTRACKED,
		0,
		FAKE_ABSENT_BASE,
		UINT64_MAX & ~(GRANULE_SIZE - 1U),
		QEMU_RMM_BASE,
		RD | UINT64_C(1) << 63,
		FAKE_ABSENT_BASE + FAKE_ABSENT_SIZE,
	};
	uint8_t kind = input_byte();

	return kind < 3U * POOL_SIZE ? pool_pa(kind % POOL_SIZE) : odd[kind % COUNT(odd)];
}

/* A base and an offset: the same few pages for every realm, and both sides of every border. */
uint64_t input_ipa(void)
{
	static const uint64_t bases[] = {
		IPA_RAM,
		IPA_RAM,
		IPA_SHARED,
		0,
		IPA_SHARED - BLOCK,
		IPA_SPACE - BLOCK,
		IPA_SPACE,
		UINT64_C(1) << 30,
		UINT64_C(1) << 38,
		UINT64_C(1) << 39,
		UINT64_C(1) << 47,
		UINT64_C(1) << 48,
		UINT64_MAX & ~(BLOCK - 1U),
	};
	static const uint64_t units[] = { GRANULE_SIZE, BLOCK, UINT64_C(1) << 30, 16 };
	uint64_t base = bases[input_byte() % COUNT(bases)];
	uint8_t offset = input_byte();

	return base + (offset & 0x3FU) * units[offset >> 6];
}

int64_t input_level(void)
{
	static const int64_t levels[] = { 3, 2, 3, 2, 1, 0, 3, 2, 1, -1, 4, INT64_MIN, INT64_MAX };

	return levels[input_byte() % COUNT(levels)];
}
