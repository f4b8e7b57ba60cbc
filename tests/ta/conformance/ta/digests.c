// SPDX-License-Identifier: BSD-3-Clause
/* Digests and MACs: their results, and what an operation says of itself on the way. */
#include "report.h"

#include <tee_api_defines_extensions.h>

static const uint32_t digests[] = {
	TEE_ALG_MD5,	  TEE_ALG_SHA1,	    TEE_ALG_SHA224,   TEE_ALG_SHA256,	TEE_ALG_SHA384,
	TEE_ALG_SHA512,	  TEE_ALG_SM3,	    TEE_ALG_SHA3_224, TEE_ALG_SHA3_256, TEE_ALG_SHA3_384,
	TEE_ALG_SHA3_512, TEE_ALG_SHAKE128, TEE_ALG_SHAKE256, TEE_ALG_MD5SHA1,
};
static const uint32_t macs[][3] = {
	{ TEE_ALG_HMAC_MD5, TEE_TYPE_HMAC_MD5, 128 },
	{ TEE_ALG_HMAC_SHA1, TEE_TYPE_HMAC_SHA1, 160 },
	{ TEE_ALG_HMAC_SHA256, TEE_TYPE_HMAC_SHA256, 256 },
	{ TEE_ALG_HMAC_SHA512, TEE_TYPE_HMAC_SHA512, 512 },
	{ TEE_ALG_HMAC_SM3, TEE_TYPE_HMAC_SM3, 256 },
	{ TEE_ALG_HMAC_SHA3_256, TEE_TYPE_HMAC_SHA3_256, 256 },
	{ TEE_ALG_AES_CMAC, TEE_TYPE_AES, 128 },
	{ TEE_ALG_AES_CBC_MAC_NOPAD, TEE_TYPE_AES, 128 },
	{ TEE_ALG_AES_CBC_MAC_PKCS5, TEE_TYPE_AES, 256 },
	{ TEE_ALG_DES_CBC_MAC_NOPAD, TEE_TYPE_DES, 64 },
	{ TEE_ALG_DES3_CBC_MAC_PKCS5, TEE_TYPE_DES3, 192 },
	{ TEE_ALG_DES3_CMAC, TEE_TYPE_DES3, 192 },
};

static void every_digest(void)
{
	uint8_t message[300], digest[64];

	fill_pattern(message, sizeof(message));
	for (size_t i = 0; i < ARRAY_COUNT(digests); i++) {
		TEE_OperationHandle operation = TEE_HANDLE_NULL;
		size_t size = sizeof(digest);
		TEE_Result result =
			TEE_AllocateOperation(&operation, digests[i], TEE_MODE_DIGEST, 0);

		report("%#x: %#x", digests[i], result);
		if (result != TEE_SUCCESS) {
			continue;
		}
		report_operation("  new", operation);
		TEE_DigestUpdate(operation, message, 1);
		TEE_DigestUpdate(operation, message + 1, 199);
		result = TEE_DigestDoFinal(operation, message + 200, 100, digest, &size);
		report("  %#x %zu", result, size);
		report_bytes("  digest", digest, size);
		TEE_FreeOperation(operation);
	}
}

static void states_of_a_digest(void)
{
	TEE_OperationHandle operation = TEE_HANDLE_NULL, copy = TEE_HANDLE_NULL;
	uint8_t digest[32];
	size_t size = 31;

	RESULT(TEE_AllocateOperation(&operation, TEE_ALG_SHA256, TEE_MODE_DIGEST, 0));
	RESULT(TEE_AllocateOperation(&copy, TEE_ALG_SHA256, TEE_MODE_DIGEST, 0));
	TEE_DigestUpdate(operation, "abc", 3);
	report_operation("fed", operation);
	RESULT(TEE_DigestDoFinal(operation, NULL, 0, digest, &size));
	report("wants %zu", size);
	report_operation("still fed", operation);
	TEE_CopyOperation(copy, operation);
	size = 32;
	RESULT(TEE_DigestDoFinal(copy, "d", 1, digest, &size));
	report_bytes("abcd", digest, 32);
	report_operation("final", copy);
	size = 32;
	RESULT(TEE_DigestDoFinal(operation, NULL, 0, digest, &size));
	report_bytes("abc", digest, 32);
	size = 32;
	RESULT(TEE_DigestDoFinal(operation, NULL, 0, digest, &size));
	report_bytes("nothing", digest, 32);
	TEE_DigestUpdate(operation, "gone", 4);
	TEE_ResetOperation(operation);
	size = 32;
	RESULT(TEE_DigestDoFinal(operation, "abc", 3, digest, &size));
	report_bytes("abc again", digest, 32);
	TEE_FreeOperation(copy);
	TEE_FreeOperation(operation);
	TEE_FreeOperation(TEE_HANDLE_NULL);
}

static void extracting(void)
{
	TEE_OperationHandle operation = TEE_HANDLE_NULL;
	uint8_t digest[32];
	size_t size = 5;

	RESULT(TEE_AllocateOperation(&operation, TEE_ALG_SHA256, TEE_MODE_DIGEST, 0));
	TEE_DigestUpdate(operation, "abc", 3);
	RESULT(TEE_DigestExtract(operation, digest, &size));
	report_bytes("first", digest, size);
	report_operation("extracting", operation);
	size = 10;
	RESULT(TEE_DigestExtract(operation, digest, &size));
	report_bytes("then", digest, size);
	size = 32;
	RESULT(TEE_DigestExtract(operation, digest, &size));
	report_bytes("the rest", digest, size);
	size = 32;
	RESULT(TEE_DigestDoFinal(operation, NULL, 0, digest, &size));
	report("left: %zu", size);
	TEE_FreeOperation(operation);
	RESULT(TEE_AllocateOperation(&operation, TEE_ALG_SHAKE128, TEE_MODE_DIGEST, 0));
	TEE_DigestUpdate(operation, "abc", 3);
	size = 20;
	RESULT(TEE_DigestExtract(operation, digest, &size));
	report_bytes("SHAKE", digest, size);
	size = 20;
	RESULT(TEE_DigestExtract(operation, digest, &size));
	report_bytes("more", digest, size);
	TEE_FreeOperation(operation);
}

static void every_mac(void)
{
	uint8_t message[96], mac[64];

	fill_pattern(message, sizeof(message));
	for (size_t i = 0; i < ARRAY_COUNT(macs); i++) {
		TEE_OperationHandle operation = TEE_HANDLE_NULL;
		TEE_ObjectHandle key = pattern_key(macs[i][1], macs[i][2]);
		size_t size = sizeof(mac);
		TEE_Result result =
			TEE_AllocateOperation(&operation, macs[i][0], TEE_MODE_MAC, macs[i][2]);

		report("%#x: %#x", macs[i][0], result);
		if (result != TEE_SUCCESS) {
			TEE_FreeTransientObject(key);
			continue;
		}
		RESULT(TEE_SetOperationKey(operation, key));
		TEE_MACInit(operation, NULL, 0);
		TEE_MACUpdate(operation, message, 7);
		report_operation("  fed", operation);
		result = TEE_MACComputeFinal(operation, message + 7, 89, mac, &size);
		report_bytes("  MAC", mac, size);
		TEE_MACInit(operation, NULL, 0);
		TEE_MACUpdate(operation, message, 96);
		RESULT(TEE_MACCompareFinal(operation, NULL, 0, mac, size));
		mac[0] ^= 1;
		TEE_MACInit(operation, NULL, 0);
		RESULT(TEE_MACCompareFinal(operation, message, 96, mac, size));
		TEE_MACInit(operation, NULL, 0);
		RESULT(TEE_MACCompareFinal(operation, message, 96, mac, size - 1));
		TEE_MACInit(operation, NULL, 0);
		size = 3;
		RESULT(TEE_MACComputeFinal(operation, message, 96, mac, &size));
		report("  wants %zu", size);
		TEE_FreeOperation(operation);
		TEE_FreeTransientObject(key);
	}
}

const struct test_case digest_cases[] = {
	{ "digests", every_digest },
	{ "states of a digest", states_of_a_digest },
	{ "digests in pieces", extracting },
	{ "MACs", every_mac },
	{},
};
