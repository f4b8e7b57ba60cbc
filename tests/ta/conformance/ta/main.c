// SPDX-License-Identifier: BSD-3-Clause
/* A Trusted Application that asks a TEE for everything it has, with good arguments and bad ones,
 * and reports the answers. What it reports does not depend on chance, nor on the machine.
 */
#include "report.h"

#include <conformance.h>
#include <string.h>

static const struct test_case *const groups[] = {
	memory_cases, property_cases,	object_cases,  digest_cases,
	cipher_cases, asymmetric_cases, storage_cases, arithmetic_cases,
	time_cases,   session_cases,	runtime_cases,
};
/* Those that end the TA. */
static const struct test_case *const ends[] = { crash_cases, panic_cases };

TEE_Result TA_CreateEntryPoint(void)
{
	return TEE_SUCCESS;
}

void TA_DestroyEntryPoint(void)
{
}

TEE_Result TA_OpenSessionEntryPoint(uint32_t types, TEE_Param params[TEE_NUM_PARAMS],
				    void **session)
{
	*session = NULL;
	if (TEE_PARAM_TYPE_GET(types, 0) == TEE_PARAM_TYPE_VALUE_INOUT) {
		const TEE_Result wanted = params[0].value.a;

		params[0].value.a = 0x0be7;
		params[0].value.b++;
		return wanted;
	}
	return TEE_SUCCESS;
}

void TA_CloseSessionEntryPoint(void *session)
{
	(void)session;
}

static const struct test_case *find_case(const struct test_case *const *lists, size_t count,
					 size_t index)
{
	for (size_t i = 0; i < count; i++) {
		for (const struct test_case *each = lists[i]; each->name; each++) {
			if (index-- == 0) {
				return each;
			}
		}
	}
	return NULL;
}

static TEE_Result run_case(bool is_panic, TEE_Param params[TEE_NUM_PARAMS])
{
	const size_t index = params[1].value.a;
	const struct test_case *found = is_panic ? find_case(ends, ARRAY_COUNT(ends), index)
						 : find_case(groups, ARRAY_COUNT(groups), index);

	if (!found) {
		return TEE_ERROR_ITEM_NOT_FOUND;
	}
	if (is_panic && params[1].value.b) {
		params[0].memref.size = strlen(found->name);
		memcpy(params[0].memref.buffer, found->name, params[0].memref.size);
		return TEE_SUCCESS;
	}
	report_begin(params[0].memref.size);
	report("== %s", found->name);
	found->run();
	params[0].memref.size = report_end(params[0].memref.buffer, params[0].memref.size);
	return TEE_SUCCESS;
}

static TEE_Result wait_for(uint32_t milliseconds)
{
	TEE_UnmaskCancellation();
	return TEE_Wait(milliseconds);
}

TEE_Result TA_InvokeCommandEntryPoint(void *session, uint32_t command, uint32_t types,
				      TEE_Param params[TEE_NUM_PARAMS])
{
	const uint32_t wanted =
		TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_OUTPUT, TEE_PARAM_TYPE_VALUE_INPUT,
				TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE);

	(void)session;
	switch (command) {
	case CONFORMANCE_CMD_CASE:
	case CONFORMANCE_CMD_PANIC:
		return types == wanted ? run_case(command == CONFORMANCE_CMD_PANIC, params)
				       : TEE_ERROR_BAD_PARAMETERS;
	case CONFORMANCE_CMD_ECHO:
	case CONFORMANCE_CMD_ECHO_AND_FAIL:
		echo_parameters(types, params);
		return command == CONFORMANCE_CMD_ECHO ? TEE_SUCCESS : TEE_ERROR_OVERFLOW;
	case CONFORMANCE_CMD_WAIT:
		return wait_for(params[0].value.a);
	default:
		return TEE_ERROR_NOT_SUPPORTED;
	}
}
