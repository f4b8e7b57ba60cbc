/* SPDX-License-Identifier: BSD-3-Clause */
#include <sanitizer/asan_interface.h>
#include <setjmp.h>

#include "fuzz_runner.h"

struct runner fuzz_runner = { .fd = FUZZ_FD };
uint8_t fuzz_secret[SECRET_SIZE] __attribute__((aligned(64)));
unsigned long fuzz_calls;

static jmp_buf exited;
static const uint8_t *stack_end;

void fuzz_exit(void)
{
	longjmp(exited, 1);
}

bool fuzz_on_stack(const void *at, size_t size)
{
	const uint8_t *from = at;

	return from >= (const uint8_t *)__builtin_frame_address(0) && from + size <= stack_end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	stack_end = __builtin_frame_address(0);
	__asan_poison_memory_region(fuzz_secret, sizeof(fuzz_secret));
	input_begin(data, size);
	core_begin();
	/* One for what the core says, so that inputs without a TA's calls are counted too. */
	fuzz_calls++;
	if (setjmp(exited) == 0) {
		runner_serve(&fuzz_runner);
	}
	pages_check();
	pages_end();
	fuzz_runner.map.count = 0;
	fuzz_runner.returned = false;
	fuzz_runner.region_error = 0;
	return 0;
}
