/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/string.h>

#include "attest/cbor.h"

#define TYPE_SHIFT   5U
#define IMMEDIATES   24U /* numbers below are in the first byte */
#define WIDTH_1_BYTE 24U /* each width from here on has a number of its own */

static void put(struct cbor *cbor, const void *bytes, size_t size)
{
	if (cbor->size <= cbor->capacity && size <= cbor->capacity - cbor->size) {
		memcpy(cbor->to + cbor->size, bytes, size);
	}
	cbor->size += size;
}

void cbor_head(struct cbor *cbor, enum cbor_type type, uint64_t number)
{
	uint8_t head[1U + sizeof(number)] = { (uint8_t)(type << TYPE_SHIFT) };
	size_t width = 1;
	uint8_t code = WIDTH_1_BYTE;

	if (number < IMMEDIATES) {
		head[0] |= (uint8_t)number;
		put(cbor, head, 1);
		return;
	}
	while (width < sizeof(number) && number >> (8U * width) != 0U) {
		width *= 2U;
		code++;
	}
	head[0] |= code;
	for (size_t n = 0; n < width; n++) {
		head[width - n] = (uint8_t)(number >> (8U * n));
	}
	put(cbor, head, 1U + width);
}

void cbor_integer(struct cbor *cbor, int64_t value)
{
	if (value < 0) {
		cbor_head(cbor, CBOR_NEGATIVE, ~(uint64_t)value);
	} else {
		cbor_head(cbor, CBOR_UNSIGNED, (uint64_t)value);
	}
}

void cbor_bytes(struct cbor *cbor, const void *bytes, size_t size)
{
	cbor_head(cbor, CBOR_BYTES, size);
	put(cbor, bytes, size);
}

void cbor_text(struct cbor *cbor, const char *text)
{
	size_t size = strlen(text);

	cbor_head(cbor, CBOR_TEXT, size);
	put(cbor, text, size);
}
