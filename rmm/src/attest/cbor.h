/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing CBOR (RFC 8949) in its deterministic encoding. Without room, it only counts. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum cbor_type {
	CBOR_UNSIGNED = 0,
	CBOR_NEGATIVE = 1,
	CBOR_BYTES = 2,
	CBOR_TEXT = 3,
	CBOR_ARRAY = 4,
	CBOR_MAP = 5,
	CBOR_TAG = 6,
};

struct cbor {
	uint8_t *to;
	size_t capacity;
	size_t size; /* bytes written, or that would have been */
};

/*
 * An item's head: its type and a number (a length, a count, a tag). What the number speaks of
 * follows by itself.
 */
void cbor_head(struct cbor *cbor, enum cbor_type type, uint64_t number);

void cbor_integer(struct cbor *cbor, int64_t value);
void cbor_bytes(struct cbor *cbor, const void *bytes, size_t size);
void cbor_text(struct cbor *cbor, const char *text);
