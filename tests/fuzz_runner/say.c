/* SPDX-License-Identifier: BSD-3-Clause */
/* What the core says: mostly something that makes sense. */
#include <string.h>

#include "fuzz_runner.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FRAME_ROOM   32768U

static uint8_t said[FRAME_ROOM];
static size_t said_size;
/* How much of it the runner has read. */
static size_t said_at;

static void put(const void *bytes, size_t size)
{
	if (size <= sizeof(said) - said_size) {
		memcpy(said + said_size, bytes, size);
		said_size += size;
	}
}

static void put_u64(uint64_t value)
{
	put(&value, sizeof(value));
}

/* Bytes that mean nothing, or an instruction that must not be there. */
static void put_bytes(size_t size, uint8_t with)
{
	static const uint32_t svc = UINT32_C(0xd4000001);

	while (size >= sizeof(svc) && said_size < sizeof(said) - sizeof(svc)) {
		uint32_t word = with == 0xFF ? svc : with * UINT32_C(0x01010101);

		put(&word, sizeof(word));
		size -= sizeof(word);
	}
	while (size > 0 && said_size < sizeof(said)) {
		said[said_size++] = with;
		size--;
	}
}

static size_t begin(uint32_t type)
{
	struct tee_run_frame frame = { .type = type };
	size_t at = said_size;

	put(&frame, sizeof(frame));
	return at;
}

static void end(size_t at, uint32_t more)
{
	uint32_t length = (uint32_t)(said_size - at - offsetof(struct tee_run_frame, type)) + more;

	memcpy(said + at, &length, sizeof(length));
}

static void say_map(uint32_t type, struct tee_run_map order, size_t bytes, uint8_t with)
{
	size_t at = begin(type);

	put(&order, sizeof(order));
	put_bytes(bytes, with);
	end(at, 0);
}

static void say_some_map(uint32_t type)
{
	static const uint32_t prots[] = { 3, 3, 1, 5, 13, 0, 7, 2, 9, 31 };
	static const uint32_t flags[] = { 0, 0, 1, 2, 0x80000000 };
	struct tee_run_map order = { .address = input_address(), .size = input_number() };
	size_t bytes[] = { 0, 8, 100, MAP_PAGE, (size_t)order.size, (size_t)order.size + 1 };

	if (type == TEE_RUN_MAP && (input_byte() & 7) != 0) {
		order.address &= -MAP_PAGE;
		order.size = (order.size % 4 + 1) * MAP_PAGE;
	}
	order.prot = prots[input_byte() % COUNT(prots)];
	order.flags = flags[input_byte() % COUNT(flags)];
	say_map(type, order, bytes[input_byte() % COUNT(bytes)] % (FRAME_ROOM / 2), input_byte());
}

static void say_range(uint32_t type)
{
	struct tee_run_range order = { input_address(), input_number() };
	size_t at = begin(type);

	if (type == TEE_RUN_UNMAP && (input_byte() & 3) != 0) {
		order.address &= -MAP_PAGE;
		order.size = (order.size % 4 + 1) * MAP_PAGE;
	}
	put(&order, sizeof(order));
	if (type == TEE_RUN_WRITE) {
		expect_change(order.address, order.size);
		put_bytes((size_t)order.size % (FRAME_ROOM / 2), input_byte());
	}
	end(at, 0);
}

static void say_enter(void)
{
	bool odd = (input_byte() & 7) == 7;
	struct tee_run_enter order = {
		.function = input_byte(),
		.entry = odd ? input_address() : TA_CODE,
		.stack_top = odd ? input_address() : TA_TOP,
		.types = input_byte(),
	};
	size_t at = begin(TEE_RUN_ENTER);

	for (size_t n = 0; n < COUNT(order.vals); n++) {
		order.vals[n] = n;
	}
	put(&order, sizeof(order));
	end(at, 0);
}

static void put_sized(void)
{
	uint64_t length = input_number();

	put_u64(length);
	if (length <= 2 * MAP_PAGE && input_byte() % 8 != 0) {
		put_bytes(length, 0xEE);
	}
}

static void put_params(uint64_t types)
{
	for (unsigned int n = 0; n < TEE_PARAM_COUNT; n++) {
		unsigned int type = (unsigned int)(types >> (4 * n)) & 0xf;

		if (type == TEE_PARAM_TYPE_MEMREF_OUTPUT || type == TEE_PARAM_TYPE_MEMREF_INOUT) {
			put_u64(input_number());
			put_sized();
		} else if (type == TEE_PARAM_TYPE_VALUE_OUTPUT ||
			   type == TEE_PARAM_TYPE_VALUE_INOUT) {
			put_u64(input_byte());
			put_u64(input_byte());
		}
	}
}

/* What a call of this number may be answered with; how many outputs that is. */
static uint32_t put_outputs(void)
{
	const struct call_entry *entry = expect_entry(core_call_number);
	uint32_t count = 0;

	for (size_t n = 0; n < entry->count; n++) {
		switch (entry->arguments[n].kind) {
		case TEE_ARG_U32:
		case TEE_ARG_U64:
		case TEE_ARG_I32:
		case TEE_ARG_IN:
		case TEE_ARG_IN_OWN:
		case TEE_ARG_IN_ZEROS:
		case TEE_ARG_INSTRUCT:
		case TEE_ARG_ATTRS:
			continue;
		case TEE_ARG_PARAMS:
			put_params(expect_types());
			break;
		case TEE_ARG_ATTRS_INOUT:
			put_u64(1);
			for (uint8_t left = input_byte() % 4; left > 0; left--) {
				put_sized();
			}
			break;
		case TEE_ARG_OUTSTRUCT:
			put_u64(entry->arguments[n].size);
			put_bytes(entry->arguments[n].size, 0xEE);
			break;
		case TEE_ARG_RET32:
		case TEE_ARG_RET32_OPT:
			put_u64(4);
			put_bytes(4, 0xEE);
			break;
		default:
			put_sized();
			break;
		}
		count++;
	}
	return count;
}

static void say_result(void)
{
	uint8_t kind = input_byte();
	struct tee_run_result head = { .result = kind };
	size_t at = begin(TEE_RUN_RESULT);
	size_t head_at = said_size;

	core_in_call = false;
	put(&head, sizeof(head));
	if (kind < 0xD0) {
		head.count = put_outputs();
	} else if (kind < 0xF0) {
		for (head.count = kind % 4; input_byte() % 4 != 0;) {
			put_sized();
		}
	}
	memcpy(said + head_at, &head, sizeof(head));
	end(at, 0);
}

static void say_state(void)
{
	static const uint32_t algorithms[] = {
		TEE_ALG_SHA256,
		TEE_ALG_HMAC_SHA256,
		TEE_ALG_AES_CTR,
		TEE_ALG_AES_CBC_NOPAD,
		TEE_ALG_AES_GCM,
		TEE_ALG_AES_GCM,
		TEE_ALG_AES_CBC_MAC_NOPAD,
	};
	uint8_t kind = input_byte();
	struct tee_run_state order = {
		.handle = kind % FUZZ_STATES,
		.algorithm = algorithms[input_byte() % COUNT(algorithms)],
		.mode = kind / FUZZ_STATES % 3,
	};
	size_t at;

	if (kind < 0x20) {
		at = begin(TEE_RUN_UNKEY);
		put(&order.handle, sizeof(order.handle));
	} else {
		at = begin(TEE_RUN_STATE);
		put(&order, sizeof(order));
		put_bytes(kind % 64, kind);
	}
	end(at, 0);
}

static void say_nonsense(void)
{
	uint32_t type = input_byte();
	size_t at = begin(type);

	core_in_call = core_in_call && type != TEE_RUN_RESULT;
	put_bytes(input_byte(), input_byte());
	end(at, input_byte());
}

void say_something(void)
{
	static const uint32_t ranges[] = { TEE_RUN_UNMAP, TEE_RUN_WRITE, TEE_RUN_FETCH };
	uint8_t what = input_byte() % 16;

	said_size = said_at = 0;
	if (what < (core_in_call ? 6 : 9)) {
		if (core_in_call) {
			say_result();
		} else {
			say_enter();
		}
	} else if (what < 9) {
		say_state();
	} else if (what < 12) {
		say_some_map(what % 2 == 0 ? TEE_RUN_MAP : TEE_RUN_REGION);
	} else if (what < 15) {
		say_range(ranges[what % COUNT(ranges)]);
	} else if (input_byte() % 4 == 0) {
		say_nonsense();
	} else {
		core_in_call ? say_result() : say_some_map(TEE_RUN_REGION);
	}
}

void say_beginning(void)
{
	const uint32_t both = TEE_RUN_PROT_READ | TEE_RUN_PROT_WRITE;

	said_size = said_at = 0;
	say_map(TEE_RUN_MAP, (struct tee_run_map){ TA_DATA, 2 * MAP_PAGE, both, 0 }, 0, 0);
	say_map(TEE_RUN_MAP, (struct tee_run_map){ TA_CONSTANT, MAP_PAGE, TEE_RUN_PROT_READ, 0 },
		64, 'c');
	say_map(TEE_RUN_MAP,
		(struct tee_run_map){ TA_CODE, MAP_PAGE, TEE_RUN_PROT_READ | TEE_RUN_PROT_EXEC, 0 },
		64, 0);
	say_map(TEE_RUN_MAP,
		(struct tee_run_map){ TA_STACK, TA_TOP - TA_STACK, both, TEE_RUN_FLAG_GUARD }, 0,
		0);
	say_map(TEE_RUN_REGION, (struct tee_run_map){ TA_REGION + 100, 50, both, 2 }, 50, 'r');
}

size_t say_left(void)
{
	return said_size - said_at;
}

void say_bytes(void *to, size_t size)
{
	memcpy(to, said + said_at, size);
	said_at += size;
}
