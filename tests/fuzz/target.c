/* SPDX-License-Identifier: BSD-3-Clause */
#include "fuzz.h"

unsigned long fuzz_calls;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input_begin(data, size);
	host_begin();
	while (input_is_left()) {
		host_step();
	}
	teardown();
	return 0;
}
