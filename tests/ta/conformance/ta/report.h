/* SPDX-License-Identifier: BSD-3-Clause */
/* The text that a case makes: a line for each thing that was asked of the TEE. */
#ifndef REPORT_H
#define REPORT_H

#include <compiler.h>
#include <stddef.h>
#include <stdint.h>
#include <tee_internal_api.h>

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Say what was asked, in C, and what came of it. */
#define RESULT(expression) report("%s: %#x", #expression, (unsigned int)(expression))

struct test_case {
	const char *name;
	void (*run)(void);
};

void report_begin(size_t room);
size_t report_end(void *buffer, size_t room);

void report(const char *format, ...) __printf(1, 2);
void report_bytes(const char *name, const void *bytes, size_t size);
void report_object(const char *name, TEE_ObjectHandle object);
void report_operation(const char *name, TEE_OperationHandle operation);

/* Bytes 0, 1, 2 …, modulo 251. */
void fill_pattern(void *bytes, size_t size);

/* A key of `type` whose bytes are the pattern. */
TEE_ObjectHandle pattern_key(uint32_t type, uint32_t bits);

extern const struct test_case memory_cases[], property_cases[], object_cases[], digest_cases[],
	cipher_cases[], asymmetric_cases[], storage_cases[], arithmetic_cases[], time_cases[],
	session_cases[], runtime_cases[], panic_cases[], crash_cases[];

/* Serves CONFORMANCE_CMD_ECHO. */
void echo_parameters(uint32_t types, TEE_Param params[TEE_NUM_PARAMS]);

#endif
