/* SPDX-License-Identifier: BSD-3-Clause */
/* Which of the TA's bytes a system call may change, said once more from the table of calls. */
#include <string.h>
#include <sys/mman.h>

#include "fuzz_runner.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SPANS_MAX    256U

struct span {
	uint64_t addr;
	uint64_t size;
};

static const struct call_entry entries[] = { TEE_CALL_TABLE };

/* What is looked at, and how it was. */
static const struct span kept[] = {
	{ TA_DATA, 2 * MAP_PAGE },
	{ TA_STACK, TA_TOP - TA_STACK },
	{ TA_REGION, MAP_PAGE },
};
static uint8_t before[COUNT(kept)][4 * MAP_PAGE];
static bool was_there[COUNT(kept)];
static uint64_t version;

static struct span allowed[SPANS_MAX];
static size_t allowed_count;
/* A call that overwrites its own arguments may change anything of the TA's. */
static bool anything;
static uint64_t types;

void expect_change(uint64_t addr, uint64_t size)
{
	if (allowed_count == SPANS_MAX) {
		anything = true;
		return;
	}
	allowed[allowed_count++] = (struct span){ addr, size };
}

static bool overlap(struct span one, struct span other)
{
	return one.size > 0 && other.size > 0 &&
	       (one.addr <= other.addr ? other.addr - one.addr < one.size
				       : one.addr - other.addr < other.size);
}

static bool load(void *to, uint64_t addr, size_t size)
{
	if (!pages_allow(addr, size, PROT_READ)) {
		return false;
	}
	memcpy(to, (const void *)(uintptr_t)addr, size);
	return true;
}

static void expect_sized(uint64_t addr, uint64_t length_addr, size_t width)
{
	uint64_t capacity = 0;

	if (load(&capacity, length_addr, width)) {
		expect_change(addr, capacity);
		expect_change(length_addr, width);
	}
}

static void expect_params(uint64_t addr)
{
	struct tee_params params;

	if (!load(&params, addr, sizeof(params))) {
		return;
	}
	types = params.types;
	expect_change(addr, sizeof(params));
	for (unsigned int n = 0; n < TEE_PARAM_COUNT; n++) {
		unsigned int type = (unsigned int)(types >> (4 * n)) & 0xf;

		if (type == TEE_PARAM_TYPE_MEMREF_OUTPUT || type == TEE_PARAM_TYPE_MEMREF_INOUT) {
			expect_change(params.vals[(size_t)2 * n], params.vals[(size_t)2 * n + 1]);
		}
	}
}

static void expect_attributes(uint64_t addr, uint64_t count)
{
	struct tee_attribute attribute;

	for (uint64_t n = 0; n < count && n < TEE_CALL_ATTRIBUTES_MAX; n++) {
		if (!load(&attribute, addr + n * sizeof(attribute), sizeof(attribute))) {
			return;
		}
		if ((attribute.id & TEE_ATTR_FLAG_VALUE) == 0) {
			expect_change(attribute.a, attribute.b);
			anything = anything ||
				   overlap((struct span){ addr, count * sizeof(attribute) },
					   (struct span){ attribute.a, attribute.b });
		}
	}
}

/* One argument; how many registers it has. */
static size_t expect_argument(const struct call_kind *argument, const uint64_t *at)
{
	switch (argument->kind) {
	case TEE_ARG_OUT:
		expect_sized(at[0], at[1], sizeof(uint64_t));
		return 2;
	case TEE_ARG_OUT32:
	case TEE_ARG_OUT32_OPT:
		expect_sized(at[0], at[1], sizeof(uint32_t));
		return 2;
	case TEE_ARG_READ:
		expect_change(at[0], at[1]);
		expect_change(at[2], sizeof(uint64_t));
		return 3;
	case TEE_ARG_FILL:
		expect_change(at[0], at[1]);
		return 2;
	case TEE_ARG_ATTRS_INOUT:
		expect_attributes(at[0], at[1]);
		return 2;
	case TEE_ARG_IN:
	case TEE_ARG_IN_OWN:
	case TEE_ARG_IN_ZEROS:
	case TEE_ARG_ATTRS:
		return 2;
	case TEE_ARG_RET32:
	case TEE_ARG_RET32_OPT:
		expect_change(at[0], sizeof(uint32_t));
		return 1;
	case TEE_ARG_RET64:
		expect_change(at[0], sizeof(uint64_t));
		return 1;
	case TEE_ARG_OUTSTRUCT:
		expect_change(at[0], argument->size);
		return 1;
	case TEE_ARG_PARAMS:
		expect_params(at[0]);
		return 1;
	default:
		return 1;
	}
}

void expect_begin(uint64_t number, const uint64_t *registers)
{
	size_t next = 0;

	allowed_count = 0;
	anything = false;
	types = 0;
	version = pages_version();
	for (size_t n = 0; n < COUNT(kept); n++) {
		was_there[n] = load(before[n], kept[n].addr, kept[n].size);
	}
	for (size_t n = 0; number < COUNT(entries) && n < entries[number].count; n++) {
		next += expect_argument(&entries[number].arguments[n], &registers[next]);
	}
}

const struct call_entry *expect_entry(uint32_t number)
{
	return &entries[number % COUNT(entries)];
}

uint64_t expect_types(void)
{
	return types;
}

static bool is_allowed(uint64_t addr)
{
	for (size_t n = 0; n < allowed_count; n++) {
		if (addr - allowed[n].addr < allowed[n].size) {
			return true;
		}
	}
	return false;
}

void expect_end(void)
{
	if (anything || version != pages_version()) {
		return;
	}
	for (size_t n = 0; n < COUNT(kept); n++) {
		const uint8_t *now = (const void *)(uintptr_t)kept[n].addr;

		if (!was_there[n] || memcmp(now, before[n], kept[n].size) == 0) {
			continue;
		}
		for (uint64_t at = 0; at < kept[n].size; at++) {
			MUST(now[at] == before[n][at] || is_allowed(kept[n].addr + at),
			     "a call changed the byte at %#lx", kept[n].addr + at);
		}
	}
}
