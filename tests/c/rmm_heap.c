/* SPDX-License-Identifier: BSD-3-Clause */
/* The heap that a signature is computed in. */
#include "attest/heap.h"
#include "rmm_fixture.h"

#define HEADER 8U

static struct heap heap;

static void begin(void)
{
	fake_reset();
	heap_init(&heap);
	heap_use(&heap);
}

static bool is_zero(const void *memory, size_t size)
{
	const uint8_t *bytes = memory;

	for (size_t n = 0; n < size; n++) {
		if (bytes[n] != 0U) {
			return false;
		}
	}
	return true;
}

static void memory_is_zeroed_aligned_and_apart(void)
{
	uint8_t *a;
	uint8_t *b;

	begin();
	a = heap_calloc(3, 7);
	b = heap_calloc(1, 1);
	EXPECT(a != NULL && b != NULL);
	EXPECT_EQ((uintptr_t)a % 8U, 0);
	EXPECT_EQ((uintptr_t)b % 8U, 0);
	EXPECT(b >= a + 24);
	memset(a, 0xFF, 21);
	heap_free(a);
	a = heap_calloc(24, 1);
	EXPECT(a != NULL && is_zero(a, 24));
}

static void all_of_it_can_be_had_at_once_and_no_more(void)
{
	begin();
	EXPECT(heap_calloc(1, HEAP_SIZE - HEADER + 1U) == NULL);
	EXPECT(heap_calloc(1, HEAP_SIZE - HEADER) != NULL);
	EXPECT(heap_calloc(1, 1) == NULL);
}

static void absurd_sizes_are_refused(void)
{
	begin();
	EXPECT(heap_calloc(0, 8) == NULL);
	EXPECT(heap_calloc(8, 0) == NULL);
	EXPECT(heap_calloc(SIZE_MAX, 2) == NULL);
	EXPECT(heap_calloc(SIZE_MAX / 8U + 2U, 8) == NULL);
	EXPECT(heap_calloc(1, SIZE_MAX) == NULL);
	heap_free(NULL);
	EXPECT(heap_calloc(1, HEAP_SIZE - HEADER) != NULL);
}

static void free_neighbours_become_one(void)
{
	void *blocks[HEAP_SIZE / 16U];
	size_t count = 0;

	begin();
	do {
		blocks[count] = heap_calloc(1, 8);
	} while (blocks[count] != NULL && ++count < sizeof(blocks) / sizeof(blocks[0]));
	EXPECT_EQ(count, HEAP_SIZE / 16U);
	for (size_t n = 0; n < count; n += 2U) {
		heap_free(blocks[n]);
	}
	EXPECT(heap_calloc(1, 16) == NULL);
	for (size_t n = 1; n < count; n += 2U) {
		heap_free(blocks[n]);
	}
	EXPECT(heap_calloc(1, HEAP_SIZE - HEADER) != NULL);
}

static void each_heap_keeps_to_itself(void)
{
	static struct heap other;
	uint8_t *a;
	uint8_t *b;

	begin();
	a = heap_calloc(1, 100);
	heap_init(&other);
	heap_use(&other);
	b = heap_calloc(1, 100);
	EXPECT(a >= heap.bytes && a < heap.bytes + HEAP_SIZE);
	EXPECT(b >= other.bytes && b < other.bytes + HEAP_SIZE);
	heap_use(&heap);
	heap_free(a);
	EXPECT(heap_calloc(1, HEAP_SIZE - HEADER) != NULL);
}

static const struct tap_case cases[] = {
	TAP_CASE(memory_is_zeroed_aligned_and_apart),
	TAP_CASE(all_of_it_can_be_had_at_once_and_no_more),
	TAP_CASE(absurd_sizes_are_refused),
	TAP_CASE(free_neighbours_become_one),
	TAP_CASE(each_heap_keeps_to_itself),
};

TAP_MAIN(cases)
