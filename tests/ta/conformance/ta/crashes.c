// SPDX-License-Identifier: BSD-3-Clause
/* What a processor, a C library or a TEE does not let a TA do, or does. */
#include "report.h"

#include <string.h>

static uint8_t bytes[64];

static void null_pointer(void)
{
	*(volatile int *)8 = 1;
}

static void constant_memory(void)
{
	static const volatile int constant = 1;

	*(volatile int *)(uintptr_t)&constant = 2;
}

static void jump_nowhere(void)
{
	((void (*)(void))0x10000)();
}

static void jump_into_data(void)
{
	static uint32_t code[4] = { 0xd65f03c0 };

	((void (*)(void))(uintptr_t)code)();
}

static void unknown_instruction(void)
{
	asm volatile("udf #0");
}

static void privileged_instruction(void)
{
	unsigned long value;

	asm volatile("mrs %0, sctlr_el1" : "=r"(value));
	report("%lu", value);
}

static void breakpoint(void)
{
	asm volatile("brk #0");
}

static unsigned int __attribute__((noinline)) recurse_for_ever(unsigned int depth)
{
	volatile uint8_t page[4096];

	page[depth % 4096] = (uint8_t)depth;
	return recurse_for_ever(depth + 1) + page[(depth + 1) % 4096];
}

static void stack_overflow(void)
{
	report("%u", recurse_for_ever(0));
}

static void __attribute__((noinline)) overrun(uint8_t *buffer, size_t length)
{
	memset(buffer, 0x41, length);
	asm volatile("" ::: "memory");
}

static void __attribute__((noinline)) smashed_stack(void)
{
	uint8_t small[16];

	overrun(small, 96);
	report("%d", small[3]);
}

static void double_free(void)
{
	void *memory = TEE_Malloc(100, 0);

	TEE_Free(memory);
	TEE_Free(memory);
}

static void unaligned_access(void)
{
	volatile uint64_t *number = (volatile uint64_t *)(uintptr_t)(bytes + 3);

	*number = 5;
}

static void system_call_200(void)
{
	register unsigned long number asm("x8") = 200;
	register unsigned long result asm("x0") = 0;

	asm volatile("svc #0" : "+r"(result) : "r"(number) : "memory");
	if (result != TEE_ERROR_NOT_SUPPORTED) {
		TEE_Panic(1);
	}
}

#define CASE(function)                                                                             \
	{                                                                                          \
#function, function                                                                \
	}

const struct test_case crash_cases[] = {
	CASE(null_pointer),
	CASE(constant_memory),
	CASE(jump_nowhere),
	CASE(jump_into_data),
	CASE(unknown_instruction),
	CASE(privileged_instruction),
	CASE(breakpoint),
	CASE(stack_overflow),
	CASE(smashed_stack),
	CASE(double_free),
	CASE(unaligned_access),
	CASE(system_call_200),
	{},
};
