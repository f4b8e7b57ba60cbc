/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLUGINS_MAX 32

struct plugin_uuid {
	uint32_t time_low;
	uint16_t time_mid;
	uint16_t time_hi_and_version;
	uint8_t clock_seq_and_node[8];
};

/*
 * What a plugin exports as `plugin_method`, laid out as in optee-client's tee_plugin_method.h; init
 * may be NULL.
 */
struct plugin_method {
	const char *name;
	struct plugin_uuid uuid;
	uint32_t (*init)(void);
	uint32_t (*invoke)(unsigned int command, unsigned int subcommand, void *data, size_t size,
			   size_t *length);
};

/* Load a plugin and have it begin; false, after a line about why, if it is none. */
bool plugin_load(const char *path);

/* Return the plugin with a UUID in RFC 9562's byte order; NULL if there is none. */
const struct plugin_method *plugin_find(const uint8_t uuid[16]);
