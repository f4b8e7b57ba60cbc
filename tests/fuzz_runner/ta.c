/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include <sys/mman.h>

#include "fuzz_runner.h"

#define STEPS_MAX 16

/* Put words where a call may be pointed to, if the TA can write there. */
static void poke(uint64_t addr, const uint64_t *words, size_t count)
{
	if (pages_allow(addr, count * sizeof(*words), PROT_READ | PROT_WRITE)) {
		memcpy((void *)(uintptr_t)addr, words, count * sizeof(*words));
	}
}

static uint64_t pointer_or_number(void)
{
	return (input_byte() & 1) != 0 ? input_address() : input_number();
}

static void poke_params(uint64_t at)
{
	static const uint8_t types[] = { 0, 1, 2, 3, 5, 6, 7, 6, 7, 3, 5, 6, 2, 1, 0, 9 };
	uint64_t words[1 + 2 * TEE_PARAM_COUNT] = { 0 };

	for (size_t n = 0; n < TEE_PARAM_COUNT; n++) {
		words[0] |= (uint64_t)types[input_byte() % sizeof(types)] << (4 * n);
		words[1 + 2 * n] = input_address();
		words[2 + 2 * n] = input_number();
	}
	poke(at, words, sizeof(words) / sizeof(words[0]));
}

static void poke_attributes(uint64_t at)
{
	uint64_t words[3 * 4];

	for (size_t n = 0; n < sizeof(words) / sizeof(words[0]); n += 3) {
		words[n] = input_address();
		words[n + 1] = input_number();
		words[n + 2] = input_byte() % 4 != 0 ? TEE_ATTR_SECRET_VALUE : TEE_ATTR_ECC_CURVE;
	}
	poke(at, words, sizeof(words) / sizeof(words[0]));
}

/* What an argument of a kind may be; how many registers that takes. */
static size_t choose(uint8_t kind, uint64_t *at)
{
	uint64_t room;

	at[0] = input_address();
	switch (kind) {
	case TEE_ARG_OUT:
	case TEE_ARG_OUT32:
	case TEE_ARG_OUT32_OPT:
		at[1] = input_address();
		room = input_byte();
		poke(at[1], &room, 1);
		return 2;
	case TEE_ARG_READ:
		at[1] = input_number();
		at[2] = input_address();
		return 3;
	case TEE_ARG_ATTRS:
	case TEE_ARG_ATTRS_INOUT:
		at[1] = input_byte() % 5;
		poke_attributes(at[0]);
		return 2;
	case TEE_ARG_IN:
	case TEE_ARG_IN_OWN:
	case TEE_ARG_IN_ZEROS:
	case TEE_ARG_FILL:
		at[1] = input_number();
		return 2;
	case TEE_ARG_PARAMS:
		poke_params(at[0]);
		return 1;
	case TEE_ARG_U32:
	case TEE_ARG_U64:
	case TEE_ARG_I32:
		at[0] = input_number();
		return 1;
	default:
		return 1;
	}
}

static void choose_registers(uint64_t number, uint64_t registers[TEE_CALL_ARGUMENTS_MAX + 2])
{
	const struct call_entry *entry = expect_entry((uint32_t)number);
	size_t next = 0;

	if (input_byte() % 4 == 0) {
		for (; next < TEE_CALL_ARGUMENTS_MAX; next++) {
			registers[next] = pointer_or_number();
		}
		return;
	}
	for (size_t n = 0; n < entry->count; n++) {
		next += choose(entry->arguments[n].kind, &registers[next]);
	}
}

static bool has_state(uint64_t number)
{
	return (number >= TEE_CALL_CRYP_STATE_COPY && number <= TEE_CALL_CIPHER_FINAL) ||
	       (number >= TEE_CALL_AUTHENC_INIT && number <= TEE_CALL_AUTHENC_DEC_FINAL);
}

/* Any number, and those with a state more often: it takes some to get one to its end. */
static uint64_t choose_number(void)
{
	const uint8_t all = TEE_CALL_MAX + 3;
	uint8_t kind = input_byte();

	if (kind < 3 * all) {
		return kind % all;
	}
	return kind % 2 == 0 ? TEE_CALL_CRYP_STATE_COPY + kind / 2 % 8
			     : TEE_CALL_AUTHENC_INIT + kind / 2 % 5;
}

/* A system call; whether it is the one that returns. */
static bool call(uint32_t *result)
{
	uint64_t number = choose_number();
	uint64_t registers[TEE_CALL_ARGUMENTS_MAX + 2] = { 0 };

	fuzz_calls++;
	choose_registers(number, registers);
	/* There are few, so that calls meet those that the core has given. */
	if (has_state(number) && registers[0] % 16 != 15) {
		registers[0] %= FUZZ_STATES;
	}
	if (number == TEE_CALL_RETURN) {
		*result = (uint32_t)registers[0];
		return true;
	}
	expect_begin(number, registers);
	if (!call_serve(&fuzz_runner, registers, number, result) || number == TEE_CALL_PANIC) {
		fuzz_exit();
	}
	expect_end();
	pages_check();
	return false;
}

uint32_t enter_ta(const struct enter_registers *registers)
{
	uint32_t result = 0;

	MUST(registers->sp % 16 == 0 &&
		     pages_allow(registers->sp, sizeof(struct tee_params), PROT_READ | PROT_WRITE),
	     "a stack at %#lx", registers->sp);
	MUST(pages_allow(registers->pc, sizeof(uint32_t), PROT_EXEC), "entry %#lx", registers->pc);
	for (int n = 0; n < STEPS_MAX && input_is_left(); n++) {
		uint64_t word;

		switch (input_byte() % 8) {
		case 0:
			poke_params(input_address());
			break;
		case 1:
			poke_attributes(input_address());
			break;
		case 2:
			word = pointer_or_number();
			poke(input_address(), &word, 1);
			break;
		default:
			if (call(&result)) {
				return result;
			}
			break;
		}
	}
	return result;
}
