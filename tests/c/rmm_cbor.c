/* SPDX-License-Identifier: BSD-3-Clause */
/* CBOR as RFC 8949, appendix A, has it. */
#include <string.h>

#include "attest/cbor.h"

#include "tap.h"

static uint8_t out[64];
static struct cbor cbor;

static void begin(void)
{
	memset(out, 0xEE, sizeof(out));
	cbor = (struct cbor){ .to = out, .capacity = sizeof(out) };
}

#define WROTE(...) wrote((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static bool wrote(const uint8_t *bytes, size_t size)
{
	bool same = cbor.size == size && memcmp(out, bytes, size) == 0 && out[size] == 0xEE;

	begin();
	return same;
}

static void integers_are_as_short_as_they_can_be(void)
{
	begin();
	cbor_integer(&cbor, 0);
	EXPECT(WROTE(0x00));
	cbor_integer(&cbor, 23);
	EXPECT(WROTE(0x17));
	cbor_integer(&cbor, 24);
	EXPECT(WROTE(0x18, 0x18));
	cbor_integer(&cbor, 255);
	EXPECT(WROTE(0x18, 0xFF));
	cbor_integer(&cbor, 256);
	EXPECT(WROTE(0x19, 0x01, 0x00));
	cbor_integer(&cbor, 65535);
	EXPECT(WROTE(0x19, 0xFF, 0xFF));
	cbor_integer(&cbor, 1000000);
	EXPECT(WROTE(0x1A, 0x00, 0x0F, 0x42, 0x40));
	cbor_integer(&cbor, INT64_C(1000000000000));
	EXPECT(WROTE(0x1B, 0x00, 0x00, 0x00, 0xE8, 0xD4, 0xA5, 0x10, 0x00));
	cbor_integer(&cbor, INT64_MAX);
	EXPECT(WROTE(0x1B, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF));
}

static void negative_integers_count_from_minus_one(void)
{
	begin();
	cbor_integer(&cbor, -1);
	EXPECT(WROTE(0x20));
	cbor_integer(&cbor, -35);
	EXPECT(WROTE(0x38, 0x22));
	cbor_integer(&cbor, -1000);
	EXPECT(WROTE(0x39, 0x03, 0xE7));
	cbor_integer(&cbor, INT64_MIN);
	EXPECT(WROTE(0x3B, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF));
}

static void strings_and_heads(void)
{
	begin();
	cbor_bytes(&cbor, "", 0);
	EXPECT(WROTE(0x40));
	cbor_bytes(&cbor, "\x01\x02\x03\x04", 4);
	EXPECT(WROTE(0x44, 0x01, 0x02, 0x03, 0x04));
	cbor_text(&cbor, "IETF");
	EXPECT(WROTE(0x64, 0x49, 0x45, 0x54, 0x46));
	cbor_head(&cbor, CBOR_ARRAY, 4);
	EXPECT(WROTE(0x84));
	cbor_head(&cbor, CBOR_MAP, 2);
	EXPECT(WROTE(0xA2));
	cbor_head(&cbor, CBOR_TAG, 399);
	EXPECT(WROTE(0xD9, 0x01, 0x8F));
}

static void without_room_it_counts_and_writes_nothing(void)
{
	struct cbor counter = { .to = NULL };

	cbor_text(&counter, "IETF");
	cbor_integer(&counter, 256);
	EXPECT_EQ(counter.size, 8);

	begin();
	cbor.capacity = 3;
	cbor_integer(&cbor, 1);
	cbor_integer(&cbor, 1000000);
	cbor_integer(&cbor, 2);
	EXPECT_EQ(cbor.size, 7);
	EXPECT_EQ(out[0], 1);
	EXPECT_EQ(out[1], 0xEE);
}

static const struct tap_case cases[] = {
	TAP_CASE(integers_are_as_short_as_they_can_be),
	TAP_CASE(negative_integers_count_from_minus_one),
	TAP_CASE(strings_and_heads),
	TAP_CASE(without_room_it_counts_and_writes_nothing),
};

TAP_MAIN(cases)
