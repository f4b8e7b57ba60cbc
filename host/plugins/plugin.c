// SPDX-License-Identifier: BSD-3-Clause
#include "plugin.h"

#include <abi/tee.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static const struct plugin_method *plugins[PLUGINS_MAX];
static size_t count;

static bool complain(const char *path, const char *why)
{
	fprintf(stderr, "plugins: %s: %s\n", path, why);
	return false;
}

static void to_bytes(const struct plugin_uuid *uuid, uint8_t bytes[16])
{
	for (int n = 0; n < 4; n++) {
		bytes[n] = (uint8_t)(uuid->time_low >> (24 - 8 * n));
	}
	bytes[4] = (uint8_t)(uuid->time_mid >> 8);
	bytes[5] = (uint8_t)uuid->time_mid;
	bytes[6] = (uint8_t)(uuid->time_hi_and_version >> 8);
	bytes[7] = (uint8_t)uuid->time_hi_and_version;
	memcpy(bytes + 8, uuid->clock_seq_and_node, 8);
}

const struct plugin_method *plugin_find(const uint8_t uuid[16])
{
	for (size_t n = 0; n < count; n++) {
		uint8_t bytes[16];

		to_bytes(&plugins[n]->uuid, bytes);
		if (memcmp(bytes, uuid, sizeof(bytes)) == 0) {
			return plugins[n];
		}
	}
	return NULL;
}

bool plugin_load(const char *path)
{
	void *object = dlopen(path, RTLD_NOW);

	if (object == NULL) {
		return complain(path, dlerror());
	}

	const struct plugin_method *method = dlsym(object, "plugin_method");

	if (method == NULL || method->invoke == NULL) {
		return complain(path, "it exports no plugin_method with an invoke");
	}

	uint8_t uuid[16];

	to_bytes(&method->uuid, uuid);
	if (plugin_find(uuid) != NULL) {
		return complain(path, "a plugin with this UUID is there already");
	}
	if (count == PLUGINS_MAX) {
		return complain(path, "there are too many plugins");
	}

	uint32_t result = method->init == NULL ? TEE_SUCCESS : method->init();

	if (result != TEE_SUCCESS) {
		fprintf(stderr, "plugins: %s: its init says %#x\n", path, result);
		return false;
	}
	plugins[count++] = method;
	return true;
}
