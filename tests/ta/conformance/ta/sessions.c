// SPDX-License-Identifier: BSD-3-Clause
/* A TA as client of a TA: of another instance of itself. */
#include "report.h"

#include <conformance.h>
#include <pta_system.h>
#include <string.h>

#define NONE TEE_PARAM_TYPE_NONE

static const TEE_UUID own = CONFORMANCE_UUID;
static TEE_TASessionHandle session;
static uint32_t origin;

static TEE_Result open_with(const TEE_UUID *uuid, uint32_t types, TEE_Param *params)
{
	session = TEE_HANDLE_NULL;
	origin = 99;
	return TEE_OpenTASession(uuid, TEE_TIMEOUT_INFINITE, types, params, &session, &origin);
}

static TEE_Result invoke(uint32_t command, uint32_t types, TEE_Param *params)
{
	origin = 99;
	return TEE_InvokeTACommand(session, TEE_TIMEOUT_INFINITE, command, types, params, &origin);
}

static void opening(void)
{
	const TEE_UUID nobody = { 1, 2, 3, { 4 } };
	TEE_Param params[TEE_NUM_PARAMS] = { { .value = { .a = 0, .b = 5 } } };
	const uint32_t types = TEE_PARAM_TYPES(TEE_PARAM_TYPE_VALUE_INOUT, NONE, NONE, NONE);

	RESULT(open_with(&nobody, 0, NULL));
	report("origin %u session %d", origin, session != TEE_HANDLE_NULL);
	RESULT(open_with(&own, types, params));
	report("origin %u session %d values %#x %#x", origin, session != TEE_HANDLE_NULL,
	       params[0].value.a, params[0].value.b);
	RESULT(invoke(999, 0, NULL));
	report("origin %u", origin);
	TEE_CloseTASession(session);
	params[0].value.a = TEE_ERROR_BUSY;
	RESULT(open_with(&own, types, params));
	report("origin %u session %d values %#x %#x", origin, session != TEE_HANDLE_NULL,
	       params[0].value.a, params[0].value.b);
	RESULT(open_with(&own, 0xf, params));
	report("origin %u", origin);
	TEE_CloseTASession(TEE_HANDLE_NULL);
}

static void show(const TEE_Param *params, uint32_t types)
{
	for (unsigned int i = 0; i < TEE_NUM_PARAMS; i++) {
		const uint32_t type = TEE_PARAM_TYPE_GET(types, i);

		if (type >= TEE_PARAM_TYPE_MEMREF_INPUT) {
			report("  %u: %zu bytes", i, params[i].memref.size);
			report_bytes("  bytes", params[i].memref.buffer,
				     params[i].memref.size < 40 ? params[i].memref.size : 0);
		} else if (type != NONE) {
			report("  %u: %#x %#x", i, params[i].value.a, params[i].value.b);
		}
	}
}

static void parameters(void)
{
	uint8_t bytes[4][48];
	TEE_Param params[TEE_NUM_PARAMS];
	uint32_t types = TEE_PARAM_TYPES(TEE_PARAM_TYPE_VALUE_INPUT, TEE_PARAM_TYPE_VALUE_OUTPUT,
					 TEE_PARAM_TYPE_VALUE_INOUT, NONE);

	fill_pattern(bytes, sizeof(bytes));
	memset(params, 3, sizeof(params));
	RESULT(open_with(&own, 0, NULL));
	RESULT(invoke(CONFORMANCE_CMD_ECHO, types, params));
	show(params, types);
	for (unsigned int i = 0; i < TEE_NUM_PARAMS; i++) {
		params[i].memref.buffer = bytes[i];
		params[i].memref.size = i * 13;
	}
	types = TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_OUTPUT, TEE_PARAM_TYPE_MEMREF_INPUT,
				TEE_PARAM_TYPE_MEMREF_INOUT, TEE_PARAM_TYPE_MEMREF_OUTPUT);
	RESULT(invoke(CONFORMANCE_CMD_ECHO, types, params));
	show(params, types);
	memset(params, 0, sizeof(params));
	RESULT(invoke(CONFORMANCE_CMD_ECHO, types, params));
	report("  origin %u sizes %zu %zu %zu %zu", origin, params[0].memref.size,
	       params[1].memref.size, params[2].memref.size, params[3].memref.size);
	types = TEE_PARAM_TYPES(TEE_PARAM_TYPE_VALUE_INOUT, TEE_PARAM_TYPE_MEMREF_INOUT, NONE,
				NONE);
	params[1].memref.buffer = bytes[0];
	params[1].memref.size = 20;
	RESULT(invoke(CONFORMANCE_CMD_ECHO_AND_FAIL, types, params));
	report("  origin %u", origin);
	show(params, types);
	TEE_CloseTASession(session);
}

static void dying(void)
{
	uint8_t bytes[64];
	TEE_Param params[TEE_NUM_PARAMS] = { { .memref = { .buffer = bytes,
							   .size = sizeof(bytes) } } };
	const uint32_t types = TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_OUTPUT,
					       TEE_PARAM_TYPE_VALUE_INPUT, NONE, NONE);

	RESULT(open_with(&own, 0, NULL));
	RESULT(invoke(CONFORMANCE_CMD_PANIC, types, params));
	report("origin %u", origin);
	RESULT(invoke(CONFORMANCE_CMD_ECHO, 0, NULL));
	report("origin %u", origin);
	TEE_CloseTASession(session);
}

static void waiting(void)
{
	TEE_Param params[TEE_NUM_PARAMS] = { { .value = { .a = 5 } } };
	const uint32_t types = TEE_PARAM_TYPES(TEE_PARAM_TYPE_VALUE_INPUT, NONE, NONE, NONE);

	RESULT(open_with(&own, 0, NULL));
	RESULT(invoke(CONFORMANCE_CMD_WAIT, types, params));
	params[0].value.a = 20000;
	RESULT(TEE_InvokeTACommand(session, 50, CONFORMANCE_CMD_WAIT, types, params, &origin));
	report("origin %u", origin);
	TEE_CloseTASession(session);
}

static void system_pta(void)
{
	const TEE_UUID uuid = PTA_SYSTEM_UUID;
	uint8_t key[2][32] = {}, more[1025] = {};
	TEE_Param params[TEE_NUM_PARAMS] = {
		{ .memref = { .buffer = "extra", .size = 5 } },
		{ .memref = { .buffer = key[0], .size = 32 } },
	};
	const uint32_t types = TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT,
					       TEE_PARAM_TYPE_MEMREF_OUTPUT, NONE, NONE);

	RESULT(open_with(&uuid, 0, NULL));
	RESULT(invoke(PTA_SYSTEM_DERIVE_TA_UNIQUE_KEY, types, params));
	params[1].memref.buffer = key[1];
	RESULT(invoke(PTA_SYSTEM_DERIVE_TA_UNIQUE_KEY, types, params));
	report("always the same: %d", !memcmp(key[0], key[1], 32));
	params[1].memref.size = 15;
	RESULT(invoke(PTA_SYSTEM_DERIVE_TA_UNIQUE_KEY, types, params));
	params[1].memref.size = 33;
	params[1].memref.buffer = key;
	RESULT(invoke(PTA_SYSTEM_DERIVE_TA_UNIQUE_KEY, types, params));
	params[0].memref.buffer = more;
	params[0].memref.size = sizeof(more);
	params[1].memref.size = 32;
	RESULT(invoke(PTA_SYSTEM_DERIVE_TA_UNIQUE_KEY, types, params));
	RESULT(invoke(PTA_SYSTEM_DERIVE_TA_UNIQUE_KEY, 0, NULL));
	RESULT(invoke(12345, 0, NULL));
	report("origin %u", origin);
	TEE_CloseTASession(session);
}

const struct test_case session_cases[] = {
	{ "opening sessions of TAs", opening },
	{ "parameters between TAs", parameters },
	{ "TAs that die", dying },
	{ "TAs that wait", waiting },
	{ "the system pseudo TA", system_pta },
	{},
};
