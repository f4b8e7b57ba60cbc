// SPDX-License-Identifier: BSD-3-Clause
/* Ciphers and authenticated encryption: in one piece, in many, and into too little room. */
#include "report.h"

#include <string.h>
#include <tee_api_defines_extensions.h>

#define ROOM 160

static const uint32_t ciphers[][3] = {
	{ TEE_ALG_AES_ECB_NOPAD, TEE_TYPE_AES, 128 },
	{ TEE_ALG_AES_CBC_NOPAD, TEE_TYPE_AES, 192 },
	{ TEE_ALG_AES_CTR, TEE_TYPE_AES, 256 },
	{ TEE_ALG_AES_CTS, TEE_TYPE_AES, 128 },
	{ TEE_ALG_DES_ECB_NOPAD, TEE_TYPE_DES, 64 },
	{ TEE_ALG_DES_CBC_NOPAD, TEE_TYPE_DES, 64 },
	{ TEE_ALG_DES3_ECB_NOPAD, TEE_TYPE_DES3, 192 },
	{ TEE_ALG_DES3_CBC_NOPAD, TEE_TYPE_DES3, 128 },
	{ TEE_ALG_SM4_ECB_NOPAD, TEE_TYPE_SM4, 128 },
	{ TEE_ALG_SM4_CBC_NOPAD, TEE_TYPE_SM4, 128 },
	{ TEE_ALG_SM4_CTR, TEE_TYPE_SM4, 128 },
};
static const size_t pieces[] = { 1, 15, 16, 3, 29, 0, 16 };

static void start(TEE_OperationHandle operation, uint32_t algorithm)
{
	uint8_t iv[16];
	const bool has_small_blocks = (algorithm & 0xff) == 0x11 || (algorithm & 0xff) == 0x13;

	fill_pattern(iv, sizeof(iv));
	if (((algorithm >> 8) & 0xff) == 0) {
		TEE_CipherInit(operation, NULL, 0);
	} else {
		TEE_CipherInit(operation, iv, has_small_blocks ? 8 : 16);
	}
}

static void in_pieces(TEE_OperationHandle operation, uint32_t algorithm)
{
	uint8_t message[ROOM], out[ROOM] = {};
	size_t done = 0, from = 0;

	fill_pattern(message, sizeof(message));
	start(operation, algorithm);
	report_operation("  started", operation);
	for (size_t i = 0; i < ARRAY_COUNT(pieces); i++) {
		size_t size = ROOM - done;
		const TEE_Result result =
			TEE_CipherUpdate(operation, message + from, pieces[i], out + done, &size);

		report("  %zu bytes: %#x %zu", pieces[i], result, size);
		from += pieces[i];
		done += size;
	}
	size_t size = ROOM - done;
	const TEE_Result result =
		TEE_CipherDoFinal(operation, message + from, 96 - from, out + done, &size);

	report("  the rest: %#x %zu", result, size);
	report_bytes("  all", out, done + size);
	report_operation("  ended", operation);
}

static void every_cipher(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(ciphers); i++) {
		const uint32_t algorithm = ciphers[i][0];
		TEE_ObjectHandle key = pattern_key(ciphers[i][1], ciphers[i][2]);

		for (uint32_t mode = TEE_MODE_ENCRYPT; mode <= TEE_MODE_DECRYPT; mode++) {
			TEE_OperationHandle operation = TEE_HANDLE_NULL;

			report("%#x mode %u", algorithm, mode);
			RESULT(TEE_AllocateOperation(&operation, algorithm, mode, ciphers[i][2]));
			RESULT(TEE_SetOperationKey(operation, key));
			in_pieces(operation, algorithm);
			TEE_FreeOperation(operation);
		}
		TEE_FreeTransientObject(key);
	}
}

static void xts(void)
{
	TEE_OperationHandle operation = TEE_HANDLE_NULL;
	TEE_ObjectHandle key = pattern_key(TEE_TYPE_AES, 128), other = TEE_HANDLE_NULL;
	TEE_Attribute secret;
	uint8_t bytes[80];
	size_t size = sizeof(bytes);

	fill_pattern(bytes, sizeof(bytes));
	TEE_AllocateTransientObject(TEE_TYPE_AES, 128, &other);
	TEE_InitRefAttribute(&secret, TEE_ATTR_SECRET_VALUE, bytes + 16, 16);
	RESULT(TEE_PopulateTransientObject(other, &secret, 1));
	RESULT(TEE_AllocateOperation(&operation, TEE_ALG_AES_XTS, TEE_MODE_ENCRYPT, 256));
	report_operation("new", operation);
	RESULT(TEE_SetOperationKey2(operation, key, key));
	RESULT(TEE_SetOperationKey2(operation, key, other));
	report_operation("with keys", operation);
	start(operation, TEE_ALG_AES_XTS);
	RESULT(TEE_CipherDoFinal(operation, bytes, 67, bytes, &size));
	report_bytes("67 bytes in place", bytes, size);
	TEE_FreeOperation(operation);
	TEE_FreeTransientObject(other);
	TEE_FreeTransientObject(key);
}

static void short_rooms(void)
{
	TEE_OperationHandle operation = TEE_HANDLE_NULL;
	TEE_ObjectHandle key = pattern_key(TEE_TYPE_AES, 128);
	uint8_t bytes[64] = {}, out[64] = {};
	size_t size = 15;

	RESULT(TEE_AllocateOperation(&operation, TEE_ALG_AES_CBC_NOPAD, TEE_MODE_ENCRYPT, 128));
	RESULT(TEE_SetOperationKey(operation, key));
	start(operation, TEE_ALG_AES_CBC_NOPAD);
	RESULT(TEE_CipherUpdate(operation, bytes, 16, out, &size));
	report("wants %zu", size);
	size = 16;
	RESULT(TEE_CipherUpdate(operation, bytes, 40, out, &size));
	report("wants %zu", size);
	size = 0;
	RESULT(TEE_CipherUpdate(operation, bytes, 5, NULL, &size));
	report("has %zu", size);
	size = 0;
	RESULT(TEE_CipherDoFinal(operation, bytes, 11, NULL, &size));
	report("wants %zu", size);
	size = 64;
	RESULT(TEE_CipherDoFinal(operation, bytes, 11, out, &size));
	report_bytes("16 bytes of zeros", out, size);
	TEE_FreeOperation(operation);
	TEE_FreeTransientObject(key);
}

static void authenticated(uint32_t algorithm, size_t nonce, uint32_t tag_bits, size_t aad)
{
	TEE_OperationHandle operation = TEE_HANDLE_NULL, other = TEE_HANDLE_NULL;
	TEE_ObjectHandle key = pattern_key(TEE_TYPE_AES, 256);
	uint8_t bytes[64], out[64] = {}, tag[16] = {};
	size_t size = 33, tag_size = sizeof(tag), more = 31;

	fill_pattern(bytes, sizeof(bytes));
	report("%#x: nonce %zu, tag %u, data %zu", algorithm, nonce, tag_bits, aad);
	RESULT(TEE_AllocateOperation(&operation, algorithm, TEE_MODE_ENCRYPT, 256));
	RESULT(TEE_AllocateOperation(&other, algorithm, TEE_MODE_DECRYPT, 256));
	RESULT(TEE_SetOperationKey(operation, key));
	RESULT(TEE_SetOperationKey(other, key));
	const TEE_Result result = TEE_AEInit(operation, bytes, nonce, tag_bits, aad, 64);

	report("  started: %#x", result);
	if (result == TEE_SUCCESS) {
		TEE_AEUpdateAAD(operation, bytes, aad);
		RESULT(TEE_AEUpdate(operation, bytes, 33, out, &size));
		report("  %zu of 33", size);
		more = sizeof(out) - size;
		RESULT(TEE_AEEncryptFinal(operation, bytes + 33, 31, out + size, &more, tag,
					  &tag_size));
		report_bytes("  text", out, size + more);
		report_bytes("  tag", tag, tag_size);
		report_operation("  ended", operation);
		RESULT(TEE_AEInit(other, bytes, nonce, tag_bits, aad, 64));
		TEE_AEUpdateAAD(other, bytes, aad);
		size = sizeof(out);
		RESULT(TEE_AEDecryptFinal(other, out, 64, out, &size, tag, tag_size));
		report("  as it was: %d", !memcmp(out, bytes, 64));
		RESULT(TEE_AEInit(other, bytes, nonce, tag_bits, aad, 64));
		TEE_AEUpdateAAD(other, bytes, aad);
		tag[0] ^= 1;
		RESULT(TEE_AEDecryptFinal(other, out, 64, out, &size, tag, tag_size));
	}
	TEE_FreeOperation(other);
	TEE_FreeOperation(operation);
	TEE_FreeTransientObject(key);
}

static void every_authenticated(void)
{
	authenticated(TEE_ALG_AES_GCM, 12, 128, 20);
	authenticated(TEE_ALG_AES_GCM, 12, 96, 0);
	authenticated(TEE_ALG_AES_GCM, 16, 104, 16);
	authenticated(TEE_ALG_AES_GCM, 1, 128, 33);
	authenticated(TEE_ALG_AES_CCM, 12, 128, 20);
	authenticated(TEE_ALG_AES_CCM, 7, 32, 0);
	authenticated(TEE_ALG_AES_CCM, 13, 64, 32);
}

static const uint32_t algorithms[] = {
	TEE_ALG_AES_CTR,
	TEE_ALG_AES_XTS,
	TEE_ALG_AES_GCM,
	TEE_ALG_DES_CBC_NOPAD,
	TEE_ALG_DES3_ECB_NOPAD,
	TEE_ALG_SHA256,
	TEE_ALG_SHAKE128,
	TEE_ALG_HMAC_SHA256,
	TEE_ALG_AES_CMAC,
	TEE_ALG_RSASSA_PKCS1_V1_5_SHA256,
	TEE_ALG_RSASSA_PKCS1_PSS_MGF1_SHA512,
	TEE_ALG_RSAES_PKCS1_OAEP_MGF1_SHA256,
	TEE_ALG_RSA_NOPAD,
	TEE_ALG_DSA_SHA256,
	TEE_ALG_ECDSA_SHA256,
	TEE_ALG_ECDSA_SHA512,
	TEE_ALG_ECDSA_SHA3_256,
	TEE_ALG_ECDH_DERIVE_SHARED_SECRET,
	TEE_ALG_DH_DERIVE_SHARED_SECRET,
	TEE_ALG_ED25519,
	TEE_ALG_X25519,
	TEE_ALG_X448,
	TEE_ALG_ED448,
	TEE_ALG_SM2_DSA_SM3,
	TEE_ALG_SM2_PKE,
	TEE_ALG_HKDF,
	TEE_ALG_HKDF_SHA256_DERIVE_KEY,
	TEE_ALG_PBKDF2_HMAC_SHA1_DERIVE_KEY,
	TEE_ALG_SM4_XTS,
	TEE_ALG_SM4_ECB_PKCS5,
	TEE_ALG_ILLEGAL_VALUE,
	0,
};
static const uint32_t key_sizes[] = { 0, 56, 64, 128, 192, 256, 384, 512, 521, 1024, 4096, 8192 };

/* For each mode and size a letter: k an operation, s not supported, b bad parameters. */
static void allocating(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(algorithms); i++) {
		for (uint32_t mode = TEE_MODE_ENCRYPT; mode <= TEE_MODE_DERIVE + 1; mode++) {
			char line[ARRAY_COUNT(key_sizes) + 1] = "";

			for (size_t j = 0; j < ARRAY_COUNT(key_sizes); j++) {
				TEE_OperationHandle operation = TEE_HANDLE_NULL;
				const TEE_Result result = TEE_AllocateOperation(
					&operation, algorithms[i], mode, key_sizes[j]);

				line[j] = result == TEE_SUCCESS		       ? 'k'
					  : result == TEE_ERROR_NOT_SUPPORTED  ? 's'
					  : result == TEE_ERROR_BAD_PARAMETERS ? 'b'
									       : '?';
				TEE_FreeOperation(operation);
			}
			report("%#x mode %u %s", algorithms[i], mode, line);
		}
		report("  supported: %#x",
		       TEE_IsAlgorithmSupported(algorithms[i], TEE_CRYPTO_ELEMENT_NONE));
	}
}

static void infos(void)
{
	TEE_OperationHandle operation = TEE_HANDLE_NULL;
	TEE_ObjectHandle key = pattern_key(TEE_TYPE_AES, 128);
	uint8_t room[sizeof(TEE_OperationInfoMultiple) + 2 * sizeof(TEE_OperationInfoKey)] = {};
	TEE_OperationInfoMultiple *info = (void *)room;
	size_t size = sizeof(room);

	TEE_AllocateOperation(&operation, TEE_ALG_AES_CTR, TEE_MODE_ENCRYPT, 256);
	RESULT(TEE_GetOperationInfoMultiple(operation, info, &size));
	report("size %zu keys %u state %#x", size, info->numberOfKeys, info->operationState);
	RESULT(TEE_SetOperationKey(operation, key));
	report_operation("with a key", operation);
	start(operation, TEE_ALG_AES_CTR);
	report_operation("started", operation);
	size = sizeof(room);
	RESULT(TEE_GetOperationInfoMultiple(operation, info, &size));
	report("size %zu keys %u state %#x: %u bits, usage %#x", size, info->numberOfKeys,
	       info->operationState, info->keyInformation[0].keySize,
	       info->keyInformation[0].requiredKeyUsage);
	TEE_ResetOperation(operation);
	RESULT(TEE_SetOperationKey(operation, TEE_HANDLE_NULL));
	report_operation("without a key", operation);
	TEE_FreeOperation(operation);
	TEE_FreeTransientObject(key);
}

const struct test_case cipher_cases[] = {
	{ "ciphers", every_cipher },
	{ "XTS", xts },
	{ "ciphers into short rooms", short_rooms },
	{ "authenticated encryption", every_authenticated },
	{ "allocating operations", allocating },
	{ "what operations say of themselves", infos },
	{},
};
