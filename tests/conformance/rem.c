/* SPDX-License-Identifier: BSD-3-Clause */
/* RSI_MEASUREMENT_READ and RSI_MEASUREMENT_EXTEND; the values themselves, too: see digests.h. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "ask.h"
#include "digests.h"
#include "granules.h"
#include "rig.h"
#include "space.h"
#include "tap.h"

#define WORDS	   8U
#define REM_FIRST  1U
#define REM_LAST   RSI_REM_COUNT
#define MAX_VALUE  64U
#define VALUE_WORD UINT64_C(0x0706050403020100)
#define BYTE_STEP  UINT64_C(0x0808080808080808)

static struct rig_rec *rec;

/* The realm whose measurements digests.h has. */
static struct rig_rec *known_realm(uint8_t hash_algo)
{
	struct rig_realm *realm = realm_prepare();
	uint64_t *page = (uint64_t *)(uintptr_t)granule_take();

	realm->params->hash_algo = hash_algo;
	if (realm_create(realm) != RMI_SUCCESS) {
		rig_give_up("no realm with hash algorithm %u", hash_algo);
	}
	for (uint64_t n = 0; n < GRANULE_SIZE / sizeof(*page); n++) {
		page[n] = n;
	}
	hand_load_with(realm, RMI_DATA_NO_MEASURE);
	EXPECT_EQ(realm_data(realm, ASK_RAM, (uintptr_t)page, RMI_DATA_MEASURE), RMI_SUCCESS);
	EXPECT_EQ(realm_ram(realm, 2U * BLOCK_SIZE, 3U * BLOCK_SIZE, false), RMI_SUCCESS);
	(void)hand_rec(realm);
	if (realm_activate(realm) != RMI_SUCCESS || !hand_begin(&realm->recs[0])) {
		rig_give_up("the realm does not run");
	}
	return &realm->recs[0];
}

static bool reads(uint64_t index, const uint64_t wanted[WORDS])
{
	struct call result = hand_smc(rec, RSI_MEASUREMENT_READ, index);
	bool equal = EXPECT_EQ(result.x[0], RSI_SUCCESS);

	for (size_t n = 0; n < WORDS; n++) {
		equal = EXPECT_EQ(result.x[1U + n], wanted[n]) && equal;
	}
	return equal;
}

/* `size` bytes 0, 1, 2 and so on; what follows them in the registers is not part of the value. */
static uint64_t extend(uint64_t index, uint64_t size)
{
	uint64_t words[3U + WORDS] = { RSI_MEASUREMENT_EXTEND, index, size };

	for (size_t n = 0; n < WORDS; n++) {
		words[3U + n] = VALUE_WORD + n * BYTE_STEP;
	}
	return hand_smc_with(rec, words, ARRAY_COUNT(words)).x[0];
}

CASE(the_rim_is_the_one_that_the_specification_makes, "MEASUREMENT_READ.rim")
{
	static const uint64_t sha_256[WORDS] = DIGEST_RIM_SHA_256;
	static const uint64_t sha_512[WORDS] = DIGEST_RIM_SHA_512;

	rec = known_realm(RMI_HASH_SHA_256);
	(void)reads(0, sha_256);
	rec = known_realm(RMI_HASH_SHA_512);
	(void)reads(0, sha_512);
}

CASE(rems_are_zero_at_first, "MEASUREMENT_READ.rem")
{
	static const uint64_t zeros[WORDS];

	rec = asker(1);
	for (uint64_t index = REM_FIRST; index <= REM_LAST; index++) {
		(void)reads(index, zeros);
	}
}

CASE(measurement_read_refuses_other_indexes, "MEASUREMENT_READ.index")
{
	static const uint64_t indexes[] = { 5, 6, 255, 256, 0x100000000, 0x100000001, UINT64_MAX };

	rec = asker(1);
	for (size_t n = 0; n < ARRAY_COUNT(indexes); n++) {
		EXPECT_EQ(hand_smc(rec, RSI_MEASUREMENT_READ, indexes[n]).x[0], RSI_ERROR_INPUT);
	}
}

CASE(a_rem_extends_by_sha_256, "MEASUREMENT_EXTEND.success MEASUREMENT_READ.rem")
{
	static const uint64_t once[WORDS] = DIGEST_REM_SHA_256;
	static const uint64_t twice[WORDS] = DIGEST_REM_TWICE_SHA_256;

	rec = asker(1);
	EXPECT_EQ(extend(REM_FIRST, MAX_VALUE), RSI_SUCCESS);
	(void)reads(REM_FIRST, once);
	EXPECT_EQ(extend(REM_FIRST, MAX_VALUE), RSI_SUCCESS);
	(void)reads(REM_FIRST, twice);
}

CASE(a_rem_extends_by_sha_512, "MEASUREMENT_EXTEND.success MEASUREMENT_READ.rem")
{
	static const uint64_t once[WORDS] = DIGEST_REM_SHA_512;
	static const uint64_t twice[WORDS] = DIGEST_REM_TWICE_SHA_512;

	rec = known_realm(RMI_HASH_SHA_512);
	EXPECT_EQ(extend(REM_LAST, MAX_VALUE), RSI_SUCCESS);
	(void)reads(REM_LAST, once);
	EXPECT_EQ(extend(REM_LAST, MAX_VALUE), RSI_SUCCESS);
	(void)reads(REM_LAST, twice);
}

CASE(a_rem_extends_by_values_of_any_size, "MEASUREMENT_EXTEND.size")
{
	static const uint64_t of_0[WORDS] = DIGEST_REM_OF_0_SHA_256;
	static const uint64_t of_1[WORDS] = DIGEST_REM_OF_1_SHA_256;
	static const uint64_t of_33[WORDS] = DIGEST_REM_OF_33_SHA_256;

	rec = asker(1);
	EXPECT_EQ(extend(1, 0), RSI_SUCCESS);
	EXPECT_EQ(extend(2, 1), RSI_SUCCESS);
	EXPECT_EQ(extend(3, 33), RSI_SUCCESS);
	(void)reads(1, of_0);
	(void)reads(2, of_1);
	(void)reads(3, of_33);
}

CASE(an_extension_is_of_one_rem_and_of_every_rec, "MEASUREMENT_EXTEND.success")
{
	static const uint64_t once[WORDS] = DIGEST_REM_SHA_256;
	static const uint64_t zeros[WORDS];
	struct call before;
	struct call after;

	rec = asker(1);
	before = hand_smc(rec, RSI_MEASUREMENT_READ, 0);
	EXPECT_EQ(extend(2, MAX_VALUE), RSI_SUCCESS);
	after = hand_smc(rec, RSI_MEASUREMENT_READ, 0);
	EXPECT_EQ(memcmp(&before, &after, sizeof(before)), 0);
	(void)reads(1, zeros);
	(void)reads(2, once);
	(void)reads(3, zeros);
	(void)reads(4, zeros);
	rec = asker(1);
	(void)reads(2, zeros);
}

CASE(measurement_extend_refuses_other_indexes, "MEASUREMENT_EXTEND.index")
{
	static const uint64_t indexes[] = { 0, 5, 255, 256, 0x100000000, 0x100000001, UINT64_MAX };

	rec = asker(1);
	for (size_t n = 0; n < ARRAY_COUNT(indexes); n++) {
		EXPECT_EQ(extend(indexes[n], MAX_VALUE), RSI_ERROR_INPUT);
	}
}

CASE(measurement_extend_refuses_larger_values, "MEASUREMENT_EXTEND.size_bound")
{
	static const uint64_t zeros[WORDS];
	static const uint64_t sizes[] = {
		65, 128, 0x100000000, 0x100000040, UINT64_C(1) << 63, UINT64_MAX
	};

	rec = asker(1);
	for (size_t n = 0; n < ARRAY_COUNT(sizes); n++) {
		EXPECT_EQ(extend(1, sizes[n]), RSI_ERROR_INPUT);
	}
	(void)reads(1, zeros);
}
