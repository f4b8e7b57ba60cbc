// SPDX-License-Identifier: BSD-3-Clause
/* Properties of the TA, its client and the TEE: by name, by type and one after the other. */
#include "report.h"

#include <string.h>

static void as_every_type(TEE_PropSetHandle set, const char *name)
{
	char text[64] = "?";
	uint8_t block[32] = {};
	size_t text_size = sizeof(text), block_size = sizeof(block);
	bool flag = false;
	uint32_t number = 0;
	uint64_t big = 0;
	TEE_UUID uuid = {};
	TEE_Identity identity = {};
	TEE_Result result = TEE_GetPropertyAsString(set, name, text, &text_size);

	report("%s: string %#x %zu \"%s\"", name, result, text_size, text);
	result = TEE_GetPropertyAsBool(set, name, &flag);
	report("  bool %#x %d", result, flag);
	result = TEE_GetPropertyAsU32(set, name, &number);
	report("  u32 %#x %#x", result, number);
	result = TEE_GetPropertyAsU64(set, name, &big);
	report("  u64 %#x %#llx", result, (unsigned long long)big);
	result = TEE_GetPropertyAsUUID(set, name, &uuid);
	report("  uuid %#x %#x", result, uuid.timeLow);
	result = TEE_GetPropertyAsIdentity(set, name, &identity);
	report("  identity %#x %#x %#x", result, identity.login, identity.uuid.timeLow);
	result = TEE_GetPropertyAsBinaryBlock(set, name, block, &block_size);
	report("  block %#x %zu %02x%02x", result, block_size, block[0], block[7]);
}

static void of_the_client(void)
{
	as_every_type(TEE_PROPSET_CURRENT_CLIENT, "gpd.client.identity");
	as_every_type(TEE_PROPSET_CURRENT_CLIENT, "gpd.client.endian");
	as_every_type(TEE_PROPSET_CURRENT_CLIENT, "gpd.ta.appID");
}

static void short_buffers(void)
{
	char text[8] = "???????";
	uint8_t block[8] = {};
	size_t size = 4;
	TEE_Result result =
		TEE_GetPropertyAsString(TEE_PROPSET_CURRENT_TA, "conformance.text", text, &size);

	report("string: %#x %zu %.4s", result, size, text);
	size = 7;
	result = TEE_GetPropertyAsString(TEE_PROPSET_CURRENT_TA, "conformance.text", text, &size);
	report("string: %#x %zu %s", result, size, text);
	size = 0;
	result = TEE_GetPropertyAsString(TEE_PROPSET_CURRENT_TA, "conformance.text", NULL, &size);
	report("no string: %#x %zu", result, size);
	size = 3;
	result = TEE_GetPropertyAsBinaryBlock(TEE_PROPSET_CURRENT_TA, "conformance.block", block,
					      &size);
	report("block: %#x %zu", result, size);
	size = 0;
	result = TEE_GetPropertyAsBinaryBlock(TEE_PROPSET_CURRENT_TA, "conformance.block", NULL,
					      &size);
	report("no block: %#x %zu", result, size);
	size = 4;
	result = TEE_GetPropertyAsString(TEE_PROPSET_TEE_IMPLEMENTATION, "gpd.tee.apiversion", text,
					 &size);
	report("of the TEE: %#x", result);
}

static void enumerate(const char *title, TEE_PropSetHandle set, bool with_values)
{
	TEE_PropSetHandle list = TEE_HANDLE_NULL;
	TEE_Result result = TEE_AllocatePropertyEnumerator(&list);
	unsigned int count = 0;

	report("%s: %#x", title, result);
	TEE_StartPropertyEnumerator(list, set);
	do {
		char name[80] = "", value[80] = "";
		size_t size = sizeof(name);

		result = TEE_GetPropertyName(list, name, &size);
		if (result == TEE_SUCCESS && with_values) {
			size = sizeof(value);
			result = TEE_GetPropertyAsString(list, NULL, value, &size);
		}
		report("  %s %#x %s", name, result, value);
	} while (TEE_GetNextProperty(list) == TEE_SUCCESS && count++ < 40);
	RESULT(TEE_GetNextProperty(list));
	TEE_ResetPropertyEnumerator(list);
	TEE_FreePropertyEnumerator(list);
}

static void enumerators(void)
{
	enumerate("of the TA", TEE_PROPSET_CURRENT_TA, false);
	enumerate("of the client", TEE_PROPSET_CURRENT_CLIENT, true);
}

static void unstarted(void)
{
	TEE_PropSetHandle list = TEE_HANDLE_NULL;
	char name[8];
	size_t size = sizeof(name);

	RESULT(TEE_AllocatePropertyEnumerator(&list));
	RESULT(TEE_GetNextProperty(list));
	RESULT(TEE_GetPropertyName(list, name, &size));
	RESULT(TEE_GetPropertyAsString(list, NULL, name, &size));
	TEE_StartPropertyEnumerator(list, TEE_PROPSET_CURRENT_TA);
	size = 3;
	RESULT(TEE_GetPropertyName(list, name, &size));
	report("the name has %zu bytes", size);
	TEE_FreePropertyEnumerator(list);
	TEE_FreePropertyEnumerator(TEE_HANDLE_NULL);
}

const struct test_case property_cases[] = {
	{ "properties of the client", of_the_client },
	{ "properties into short buffers", short_buffers },
	{ "enumerators of properties", enumerators },
	{ "enumerators that were not started", unstarted },
	{},
};
