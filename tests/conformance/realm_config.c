/* SPDX-License-Identifier: BSD-3-Clause */
/* RSI_REALM_CONFIG. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "ask.h"
#include "granules.h"
#include "rig.h"
#include "space.h"
#include "tap.h"

#define RPV_WORD  UINT64_C(0x5250560000000000)
#define RPV_WORDS 8U
#define ALGO_AT	  offsetof(struct rsi_realm_config, hash_algo)
#define RPV_AT	  offsetof(struct rsi_realm_config, rpv)
#define RUBBISH	  UINT64_C(0x6262757273686162)

static struct rig_rec *rec;

static struct rig_rec *realm_with(uint8_t hash_algo)
{
	struct rig_realm *realm = realm_prepare();

	for (uint64_t n = 0; n < RPV_WORDS; n++) {
		uint64_t word = RPV_WORD + n;

		memcpy(&realm->params->rpv[n * sizeof(word)], &word, sizeof(word));
	}
	realm->params->hash_algo = hash_algo;
	if (realm_create(realm) != RMI_SUCCESS) {
		rig_give_up("no realm with hash algorithm %u", hash_algo);
	}
	hand_load(realm);
	(void)hand_rec(realm);
	if (realm_activate(realm) != RMI_SUCCESS || !hand_begin(&realm->recs[0]) ||
	    realm_data_unknown(realm, ASK_RAM) != RMI_SUCCESS) {
		rig_give_up("the realm does not run");
	}
	return &realm->recs[0];
}

static uint64_t config(uint64_t ipa)
{
	return hand_smc(rec, RSI_REALM_CONFIG, ipa).x[0];
}

static void expect_config(uint64_t ipa, uint8_t hash_algo)
{
	EXPECT_EQ(config(ipa), RSI_SUCCESS);
	EXPECT_EQ(hand_read(rec, ipa), rec->realm->params->s2sz);
	EXPECT_EQ(hand_read(rec, ipa + ALGO_AT), hash_algo);
	for (uint64_t n = 0; n < RPV_WORDS; n++) {
		EXPECT_EQ(hand_read(rec, ipa + RPV_AT + n * sizeof(uint64_t)), RPV_WORD + n);
	}
}

CASE(realm_config_tells_width_hash_and_rpv, "REALM_CONFIG.success")
{
	rec = realm_with(RMI_HASH_SHA_256);
	expect_config(ASK_RAM, RMI_HASH_SHA_256);
	rec = realm_with(RMI_HASH_SHA_512);
	expect_config(ASK_RAM, RMI_HASH_SHA_512);
}

CASE(realm_config_zeroes_what_it_does_not_define, "REALM_CONFIG.reserved")
{
	static const uint64_t reserved[] = { 0x10, 0x18, 0x100, 0x1F8, 0x240, 0x248, 0x800, 0xFF8 };

	rec = realm_with(RMI_HASH_SHA_256);
	for (size_t n = 0; n < ARRAY_COUNT(reserved); n++) {
		hand_write(rec, ASK_RAM + reserved[n], RUBBISH);
	}
	EXPECT_EQ(config(ASK_RAM), RSI_SUCCESS);
	for (size_t n = 0; n < ARRAY_COUNT(reserved); n++) {
		EXPECT_EQ(hand_read(rec, ASK_RAM + reserved[n]), 0);
	}
}

CASE(realm_config_tells_the_width_of_any_shape, "REALM_CONFIG.success")
{
	struct rig_realm *realm = hand_realm_of_shape(48, 0, 1);

	rec = &realm->recs[0];
	EXPECT_EQ(realm_data_unknown(realm, ASK_RAM), RMI_SUCCESS);
	EXPECT_EQ(config(ASK_RAM), RSI_SUCCESS);
	EXPECT_EQ(hand_read(rec, ASK_RAM), 48);
}

CASE(realm_config_refuses_an_unaligned_address, "REALM_CONFIG.addr_align")
{
	static const uint64_t offsets[] = { 1, 8, 0x100, 0x800, 0xFFF };

	rec = realm_with(RMI_HASH_SHA_256);
	hand_write(rec, ASK_RAM, RUBBISH);
	for (size_t n = 0; n < ARRAY_COUNT(offsets); n++) {
		EXPECT_EQ(config(ASK_RAM + offsets[n]), RSI_ERROR_INPUT);
	}
	EXPECT_EQ(hand_read(rec, ASK_RAM), RUBBISH);
}

CASE(realm_config_refuses_what_is_not_protected, "REALM_CONFIG.addr_bound")
{
	static const uint64_t bits[] = { 32, 33, 40, 47, 48, 52, 63 };
	uint64_t shared = granule_take();

	rec = realm_with(RMI_HASH_SHA_256);
	EXPECT_EQ(realm_share(rec->realm, RIG_UNPROTECTED | ASK_RAM, shared, PAGE_LEVEL),
		  RMI_SUCCESS);
	for (size_t n = 0; n < ARRAY_COUNT(bits); n++) {
		EXPECT_EQ(config(bit64((unsigned int)bits[n]) | ASK_RAM), RSI_ERROR_INPUT);
	}
	EXPECT_EQ(*(const uint64_t *)(uintptr_t)shared, 0);
}

CASE(realm_config_goes_into_a_page_of_a_block, "REALM_CONFIG.success")
{
	uint64_t page = ASK_EMPTY + 5U * GRANULE_SIZE;

	rec = asker(1);
	(void)realm_make_block(rec->realm, ASK_EMPTY);
	LEAVE_UNLESS(ripas_force(rec, ASK_EMPTY, ASK_EMPTY + BLOCK_SIZE, RMI_RIPAS_RAM));
	hand_write(rec, ASK_EMPTY, RUBBISH);
	EXPECT_EQ(config(page), RSI_SUCCESS);
	EXPECT_EQ(hand_read(rec, page), rec->realm->params->s2sz);
	EXPECT_EQ(hand_read(rec, ASK_EMPTY), RUBBISH);
}
