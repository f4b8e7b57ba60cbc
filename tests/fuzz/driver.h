/* SPDX-License-Identifier: BSD-3-Clause */
/* Between a fuzzer and what runs its inputs: main.c here, or libFuzzer. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* One input, from start to end. Aborts if what is tested does what it must not. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Calls, or what counts as one, so far. */
extern unsigned long fuzz_calls;
