/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Digests against FIPS 180-4 and NIST's example messages; the RIM against a chain that an
 * independent implementation of DEN0137 A7.1 produced.
 */
#include "hash.h"
#include "measure.h"
#include "rmm_fixture.h"

static struct realm realm;

static bool equals_hex(const struct digest *digest, const char *hex)
{
	static char text[2U * RMM_MEASUREMENT_SIZE + 1U];
	size_t size = strlen(hex) / 2U;

	for (size_t n = 0; n < size; n++) {
		(void)snprintf(&text[2U * n], 3, "%02x", digest->bytes[n]);
	}
	for (size_t n = size; n < RMM_MEASUREMENT_SIZE; n++) {
		if (digest->bytes[n] != 0U) {
			return false;
		}
	}
	if (strcmp(text, hex) != 0) {
		printf("# got %s\n", text);
	}
	return strcmp(text, hex) == 0;
}

static struct digest hash_text(uint32_t algorithm, const char *text)
{
	static _Alignas(16) char aligned[256];
	struct digest digest;

	(void)snprintf(aligned, sizeof(aligned), "%s", text);
	hash_bytes(algorithm, aligned, strlen(text), &digest);
	return digest;
}

static void digests_of_published_messages(void)
{
	struct digest d;

	fake_reset();
	d = hash_text(RMI_HASH_SHA_256, "");
	EXPECT(equals_hex(&d, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
	d = hash_text(RMI_HASH_SHA_256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
	EXPECT(equals_hex(&d, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"));
	d = hash_text(RMI_HASH_SHA_512, "abc");
	EXPECT(equals_hex(&d, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
			      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"));
	EXPECT(hash_self_test());
}

static void lengths_around_the_padding_boundary(void)
{
	static _Alignas(16) char many[130];
	struct digest d;

	fake_reset();
	memset(many, 'a', sizeof(many));
	hash_bytes(RMI_HASH_SHA_256, many, 55, &d);
	EXPECT(equals_hex(&d, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"));
	hash_bytes(RMI_HASH_SHA_256, many, 56, &d);
	EXPECT(equals_hex(&d, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"));
	hash_bytes(RMI_HASH_SHA_256, many, 64, &d);
	EXPECT(equals_hex(&d, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"));
	hash_bytes(RMI_HASH_SHA_512, many, 111, &d);
	EXPECT(equals_hex(&d, "fa9121c7b32b9e01733d034cfc78cbf67f926c7ed83e82200ef8681819692176"
			      "0b4beff48404df811b953828274461673c68d04e297b0eb7b2b4d60fc6b566a2"));
	hash_bytes(RMI_HASH_SHA_512, many, 112, &d);
	EXPECT(equals_hex(&d, "c01d080efd492776a1c43bd23dd99d0a2e626d481e16782e75d54c2503b5dc32"
			      "bd05f0f1ba33e568b88fd2d970929b719ecbb152f58f130a407c8830604b70ca"));
}

static void run_chain(uint32_t algorithm, const char *const steps[6])
{
	struct digest *rim = &realm.measurement[MEASURE_RIM];
	static struct rmi_realm_params params;
	static struct rmi_rec_params rec;
	static _Alignas(16) uint8_t page[GRANULE_SIZE];

	fake_reset();
	memset(&realm, 0, sizeof(realm));
	realm.hash_algorithm = algorithm;
	/* What is not measured is set too, and must not matter. */
	memset(&params, 0xEE, sizeof(params));
	params.flags = 6;
	params.s2sz = 40;
	params.sve_vl = 3;
	params.num_bps = 5;
	params.num_wps = 3;
	params.pmu_num_ctrs = 6;
	params.hash_algo = (uint8_t)algorithm;
	measure_realm(&realm, &params);
	EXPECT(equals_hex(rim, steps[0]));
	measure_ripas(&realm, 0x40000000, 0x40200000);
	EXPECT(equals_hex(rim, steps[1]));
	measure_ripas(&realm, 0x40200000, 0x40201000);
	EXPECT(equals_hex(rim, steps[2]));
	for (size_t n = 0; n < sizeof(page); n++) {
		page[n] = (uint8_t)(7U * n + 1U);
	}
	measure_data(&realm, 0x40000000, RMI_DATA_MEASURE, page);
	EXPECT(equals_hex(rim, steps[3]));
	measure_data(&realm, 0x40001000, RMI_DATA_NO_MEASURE, page);
	EXPECT(equals_hex(rim, steps[4]));
	memset(&rec, 0xEE, sizeof(rec));
	rec.flags = RMI_REC_CREATE_RUNNABLE_MASK;
	rec.pc = 0x40000000;
	for (size_t n = 0; n < RMI_REC_CREATE_GPRS; n++) {
		rec.gprs[n] = n * UINT64_C(0x1111111111111111);
	}
	measure_rec(&realm, &rec);
	EXPECT(equals_hex(rim, steps[5]));
}

static void rim_chain_sha_256(void)
{
	static const char *const steps[] = {
		"2e0491fd0d3cd625cf275615e4ab22f24407bcfc6af002fb69d0e0ad82898ccc",
		"381b8fba15bbc1c1c2c92454c867496a0556c3805b20f4218a7ab01d4770426f",
		"59c28b814f3c0814717a7bb1778770caa1174859c4c877621c7cd95535e280a3",
		"a6d3baaddb8665ac64777cc50a1e422864f86a270e291179b57972f7976a3f00",
		"7447ee519bdec0c5a01b6cba00618ad01c98b58cab26195b54d3ea764787df86",
		"484d070113b55ba4d54267bd80a1fa33b344d277f0d4fa66fff08f12421c824f",
	};

	run_chain(RMI_HASH_SHA_256, steps);
}

static void rim_chain_sha_512(void)
{
	static const char *const steps[] = {
		"316c1dfe5fdc058f16ea2fb440d19d5b8cfcf57ab6029471df839a6199eee2b1"
		"dee6645c12289d95b95b1508be79ff1f001973130e91515b6acc0fe95fcd5b80",
		"090ef55fffc6c63dba1c3244fec74a52f23046cf861d392d81da85909c3eba1b"
		"8a23d85e36d811806cd7d0d9a0d7b2dafcd4ff73267464f2b04be0fbe0a7dda0",
		"924354e0b2504ecffc9cc1fd3af5c770a3efdde8444f6b025f3a7a1a8e0ada4d"
		"369aeda8a5c135bb733ca63f983b1c74f4997c5858cc9a10a98ec026ced4af29",
		"6db3c4fa390766b62285d055a30f035e05f2ed5b70d107d089f536dfb5c8a27a"
		"2a0deb94940ca0e0b8437cfe85327bc1d160d9b0b5bf987baebf8a1cd60ae065",
		"61e0a5e38c07d47a35d5a175778b5e77cfaf60d143f7f27731a5f2e80f6c1ff9"
		"33feb9b8def1f3619cf8ccf843a21c95538ab015143bc575e43a1fbdb8a5dbc8",
		"eae4f432fdaa1f0c4dd8fc9d60f5c7217645f6d34c988bb8021edecc742477b6"
		"58c3a27718f5852cbfa7b643ace34e65846ec1ecc51fc7b747e01baadd05ef12",
	};

	run_chain(RMI_HASH_SHA_512, steps);
}

static void extend_hashes_the_old_value_and_as_much_as_was_given(void)
{
	static const _Alignas(16) uint8_t value[64] = { 'a', 'b', 'c' };
	_Alignas(16) uint8_t input[96] = { 0 };
	struct digest expected;

	fake_reset();
	memset(&realm, 0, sizeof(realm));
	measure_extend(&realm, 2, value, 3);
	memcpy(input + 32, "abc", 3);
	hash_bytes(RMI_HASH_SHA_256, input, 35, &expected);
	EXPECT(memcmp(&realm.measurement[2], &expected, sizeof(expected)) == 0);

	measure_extend(&realm, 2, value, 0);
	memcpy(input, &expected, 32);
	hash_bytes(RMI_HASH_SHA_256, input, 32, &expected);
	EXPECT(memcmp(&realm.measurement[2], &expected, sizeof(expected)) == 0);
	memset(&expected, 0, sizeof(expected));
	EXPECT(memcmp(&realm.measurement[1], &expected, sizeof(expected)) == 0);
}

static struct digest rim(void)
{
	return realm_of(pa_make(RD))->measurement[MEASURE_RIM];
}

static void failing_commands_do_not_move_the_rim(void)
{
	struct digest before;
	struct digest after;

	start_mapped();
	before = rim();
	EXPECT(rmi(RMI_DATA_CREATE, RD, TABLE, IPA_RAM, SOURCE, RMI_DATA_MEASURE) != RMI_SUCCESS);
	EXPECT(rmi(RMI_DATA_CREATE, RD, REC, IPA_RAM, SOURCE, RMI_DATA_MEASURE) != RMI_SUCCESS);
	EXPECT(rmi(RMI_DATA_CREATE, RD, REC, IPA_RAM + GRANULE_SIZE, RD, 1) != RMI_SUCCESS);
	EXPECT(rmi(RMI_RTT_INIT_RIPAS, RD, IPA_RAM, IPA_RAM + BLOCK, 0, 0) != RMI_SUCCESS);
	rec_params()->num_aux = 0;
	EXPECT(rec_create(REC) != RMI_SUCCESS);
	after = rim();
	EXPECT(memcmp(&before, &after, sizeof(before)) == 0);
	rec_params()->flags = 0;
	EXPECT_EQ(rec_create(REC), RMI_SUCCESS);
	after = rim();
	EXPECT(memcmp(&before, &after, sizeof(before)) == 0);
}

static const struct tap_case cases[] = {
	TAP_CASE(failing_commands_do_not_move_the_rim),
	TAP_CASE(digests_of_published_messages),
	TAP_CASE(lengths_around_the_padding_boundary),
	TAP_CASE(rim_chain_sha_256),
	TAP_CASE(rim_chain_sha_512),
	TAP_CASE(extend_hashes_the_old_value_and_as_much_as_was_given),
};

TAP_MAIN(cases)
