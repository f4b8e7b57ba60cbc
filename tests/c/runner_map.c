/* SPDX-License-Identifier: BSD-3-Clause */
/* The map of a TA's memory, against a model that knows each page. */
#include "map.h"

#include <abi/tee_run.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define PAGES 64U
#define FIRST UINT64_C(0x100000)
#define READ  TEE_RUN_PROT_READ
#define BOTH  (TEE_RUN_PROT_READ | TEE_RUN_PROT_WRITE)

static struct map map;

static uint64_t page(uint64_t n)
{
	return FIRST + n * MAP_PAGE;
}

static int add(uint64_t from, uint64_t to, uint32_t prot, uint32_t flags)
{
	return map_add(&map, (struct map_range){ page(from), page(to), prot, flags });
}

static void sane_ranges_are_pages_that_a_process_can_have(void)
{
	EXPECT(map_range_is_sane(0x10000, MAP_PAGE));
	EXPECT(map_range_is_sane((UINT64_C(1) << 47) - MAP_PAGE, MAP_PAGE));
	EXPECT(!map_range_is_sane(0, MAP_PAGE));
	EXPECT(!map_range_is_sane(0xf000, MAP_PAGE));
	EXPECT(!map_range_is_sane(0x10001, MAP_PAGE));
	EXPECT(!map_range_is_sane(0x10000, MAP_PAGE - 1));
	EXPECT(!map_range_is_sane(0x10000, 0));
	EXPECT(!map_range_is_sane(UINT64_C(1) << 47, MAP_PAGE));
	EXPECT(!map_range_is_sane(0x10000, UINT64_C(1) << 47));
	EXPECT(!map_range_is_sane(0x10000, 0 - MAP_PAGE));
	EXPECT(!map_range_is_sane(0 - MAP_PAGE, MAP_PAGE));
	EXPECT(!map_range_is_sane(0 - MAP_PAGE, 2 * MAP_PAGE));
}

static void ranges_do_not_overlap(void)
{
	map.count = 0;
	EXPECT_EQ(add(4, 8, READ, 0), 0);
	EXPECT_EQ(add(0, 4, READ, 0), 0);
	EXPECT_EQ(add(8, 9, READ, 0), 0);
	EXPECT_EQ(add(3, 4, READ, 0), EEXIST);
	EXPECT_EQ(add(7, 10, READ, 0), EEXIST);
	EXPECT_EQ(add(5, 6, READ, 0), EEXIST);
	EXPECT_EQ(add(0, 20, READ, 0), EEXIST);
	EXPECT_EQ(map.count, 3);
}

static void a_full_map_takes_no_more(void)
{
	map.count = 0;
	for (uint64_t n = 0; n < TEE_RUN_RANGES_MAX; n++) {
		EXPECT_EQ(add(3 * n, 3 * n + 2, READ, 0), 0);
	}
	EXPECT_EQ(add(3 * TEE_RUN_RANGES_MAX, 3 * TEE_RUN_RANGES_MAX + 1, READ, 0), ENOMEM);
	size_t first;
	size_t count;
	EXPECT_EQ(map_select(&map, page(0), MAP_PAGE, &first, &count), ENOMEM);
	EXPECT_EQ(map.count, TEE_RUN_RANGES_MAX);
	EXPECT(map_allows(&map, page(0), 2 * MAP_PAGE, READ, false));
}

static void rights_are_those_of_every_byte(void)
{
	map.count = 0;
	EXPECT_EQ(add(0, 1, READ, 0), 0);
	EXPECT_EQ(add(1, 2, BOTH, MAP_FLAG_REGION), 0);
	EXPECT_EQ(add(3, 4, BOTH, 0), 0);
	EXPECT(map_allows(&map, page(0), 2 * MAP_PAGE, READ, false));
	EXPECT(!map_allows(&map, page(0), 2 * MAP_PAGE, BOTH, false));
	EXPECT(!map_allows(&map, page(0), 2 * MAP_PAGE, READ, true));
	EXPECT(!map_allows(&map, page(0), 2 * MAP_PAGE + 1, READ, false));
	EXPECT(!map_allows(&map, page(1), 3 * MAP_PAGE, READ, false));
	EXPECT(!map_allows(&map, page(3), MAP_PAGE + 1, READ, false));
	EXPECT(!map_allows(&map, page(3), UINT64_MAX, READ, false));
	EXPECT(!map_allows(&map, UINT64_MAX, 1, 0, false));
	EXPECT(!map_allows(&map, UINT64_MAX - 3, 8, 0, false));
	EXPECT(map_allows(&map, 0, 0, BOTH, true));
	EXPECT(map_has_flags(&map, page(1), MAP_PAGE, MAP_FLAG_REGION));
	EXPECT(!map_has_flags(&map, page(0), 2 * MAP_PAGE, MAP_FLAG_REGION));
	EXPECT(map_lacks_flags(&map, page(0), MAP_PAGE, MAP_FLAG_REGION));
	EXPECT(!map_lacks_flags(&map, page(0), 2 * MAP_PAGE, MAP_FLAG_REGION));
	EXPECT(!map_lacks_flags(&map, page(0), UINT64_MAX, MAP_FLAG_REGION));
	EXPECT(!map_has_flags(&map, page(1), UINT64_MAX, MAP_FLAG_REGION));
}

/* What each page allows, with 0 for a page that is not mapped and 8 for the fact that it is. */
static uint32_t model[PAGES];

static bool model_allows(uint64_t from, uint64_t to, uint32_t prot)
{
	for (uint64_t n = from; n < to; n++) {
		if (model[n] == 0 || (model[n] & prot) != prot) {
			return false;
		}
	}
	return true;
}

static bool agrees(void)
{
	for (size_t n = 1; n < map.count; n++) {
		if (map.ranges[n - 1].end > map.ranges[n].start) {
			return false;
		}
	}
	for (uint64_t n = 0; n < PAGES; n++) {
		if (map_allows(&map, page(n), MAP_PAGE, 0, false) != (model[n] != 0) ||
		    map_allows(&map, page(n), MAP_PAGE, BOTH, false) !=
			    ((model[n] & BOTH) == BOTH)) {
			return false;
		}
	}
	return true;
}

static bool change(uint64_t from, uint64_t to, uint32_t prot, long what)
{
	size_t first;
	size_t count;

	if (what == 0) {
		bool is_free = true;

		for (uint64_t n = from; n < to; n++) {
			is_free = is_free && model[n] == 0;
		}
		if ((add(from, to, prot, 0) == 0) != is_free) {
			return false;
		}
		for (uint64_t n = from; n < to && is_free; n++) {
			model[n] = prot | 8;
		}
		return true;
	}
	if ((map_select(&map, page(from), (to - from) * MAP_PAGE, &first, &count) == 0) !=
	    model_allows(from, to, 0)) {
		return false;
	}
	if (!model_allows(from, to, 0)) {
		return true;
	}
	for (size_t n = first; n < first + count; n++) {
		map.ranges[n].prot = prot;
	}
	for (uint64_t n = from; n < to; n++) {
		model[n] = what == 1 ? 0 : prot | 8;
	}
	if (what == 1) {
		map_remove(&map, first, count);
	}
	return true;
}

static void the_map_is_as_a_model_of_pages(void)
{
	map.count = 0;
	memset(model, 0, sizeof(model));
	srand(5);
	for (int step = 0; step < 20000; step++) {
		uint64_t from = (uint64_t)rand() % PAGES;
		uint64_t to = from + 1 + (uint64_t)rand() % 6;
		uint32_t prot = (rand() & 1) != 0 ? BOTH : READ;

		if (to <= PAGES) {
			EXPECT(change(from, to, prot, rand() % 3));
			EXPECT_EQ(map_allows(&map, page(from) + 7, (to - from) * MAP_PAGE - 9, BOTH,
					     false),
				  model_allows(from, to, BOTH));
		}
		if (step % 50 == 0) {
			EXPECT(agrees());
		}
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(sane_ranges_are_pages_that_a_process_can_have),
	TAP_CASE(ranges_do_not_overlap),
	TAP_CASE(a_full_map_takes_no_more),
	TAP_CASE(rights_are_those_of_every_byte),
	TAP_CASE(the_map_is_as_a_model_of_pages),
};

TAP_MAIN(cases)
