// SPDX-License-Identifier: BSD-3-Clause
/* Transient objects: their types and sizes, attributes, usage, and keys made for them. */
#include "report.h"

#include <tee_api_defines_extensions.h>

static const uint32_t types[] = {
	TEE_TYPE_AES,
	TEE_TYPE_DES,
	TEE_TYPE_DES3,
	TEE_TYPE_SM4,
	TEE_TYPE_HMAC_MD5,
	TEE_TYPE_HMAC_SHA1,
	TEE_TYPE_HMAC_SHA224,
	TEE_TYPE_HMAC_SHA256,
	TEE_TYPE_HMAC_SHA384,
	TEE_TYPE_HMAC_SHA512,
	TEE_TYPE_HMAC_SM3,
	TEE_TYPE_HMAC_SHA3_224,
	TEE_TYPE_HMAC_SHA3_256,
	TEE_TYPE_HMAC_SHA3_384,
	TEE_TYPE_HMAC_SHA3_512,
	TEE_TYPE_RSA_PUBLIC_KEY,
	TEE_TYPE_RSA_KEYPAIR,
	TEE_TYPE_DSA_PUBLIC_KEY,
	TEE_TYPE_DSA_KEYPAIR,
	TEE_TYPE_DH_KEYPAIR,
	TEE_TYPE_ECDSA_PUBLIC_KEY,
	TEE_TYPE_ECDSA_KEYPAIR,
	TEE_TYPE_ECDH_PUBLIC_KEY,
	TEE_TYPE_ECDH_KEYPAIR,
	TEE_TYPE_ED25519_PUBLIC_KEY,
	TEE_TYPE_ED25519_KEYPAIR,
	TEE_TYPE_X25519_PUBLIC_KEY,
	TEE_TYPE_X25519_KEYPAIR,
	TEE_TYPE_SM2_DSA_PUBLIC_KEY,
	TEE_TYPE_SM2_DSA_KEYPAIR,
	TEE_TYPE_SM2_KEP_PUBLIC_KEY,
	TEE_TYPE_SM2_KEP_KEYPAIR,
	TEE_TYPE_SM2_PKE_PUBLIC_KEY,
	TEE_TYPE_SM2_PKE_KEYPAIR,
	TEE_TYPE_GENERIC_SECRET,
	TEE_TYPE_HKDF_IKM,
	TEE_TYPE_CONCAT_KDF_Z,
	TEE_TYPE_PBKDF2_PASSWORD,
	TEE_TYPE_HKDF,
	TEE_TYPE_DATA,
	TEE_TYPE_CORRUPTED_OBJECT,
	TEE_TYPE_ILLEGAL_VALUE,
};
static const uint32_t sizes[] = { 0,   8,   56,	 64,  80,  112, 128, 160,  168,	 184,  192,  224,
				  256, 384, 448, 512, 521, 576, 640, 1024, 1152, 2048, 4096, 4104 };

/* For each size a letter: k a new object, s not supported, b bad parameters, i not implemented. */
static void all_sizes(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
		char line[ARRAY_COUNT(sizes) + 1] = "";

		for (size_t j = 0; j < ARRAY_COUNT(sizes); j++) {
			TEE_ObjectHandle object = TEE_HANDLE_NULL;
			const TEE_Result result =
				TEE_AllocateTransientObject(types[i], sizes[j], &object);

			line[j] = result == TEE_SUCCESS			? 'k'
				  : result == TEE_ERROR_NOT_SUPPORTED	? 's'
				  : result == TEE_ERROR_BAD_PARAMETERS	? 'b'
				  : result == TEE_ERROR_NOT_IMPLEMENTED ? 'i'
									: '?';
			TEE_FreeTransientObject(object);
		}
		report("%#x %s", types[i], line);
	}
}

static void life_of_a_key(void)
{
	TEE_ObjectHandle key = TEE_HANDLE_NULL, other = TEE_HANDLE_NULL;
	uint8_t bytes[64] = {};
	size_t size = sizeof(bytes);
	TEE_Attribute secret[2];

	fill_pattern(bytes, sizeof(bytes));
	RESULT(TEE_AllocateTransientObject(TEE_TYPE_AES, 256, &key));
	report_object("new", key);
	TEE_InitRefAttribute(&secret[0], TEE_ATTR_SECRET_VALUE, bytes, 16);
	RESULT(TEE_PopulateTransientObject(key, secret, 1));
	report_object("with a key of 128 bits", key);
	RESULT(TEE_RestrictObjectUsage1(key, TEE_USAGE_EXTRACTABLE | TEE_USAGE_ENCRYPT));
	report_object("restricted", key);
	RESULT(TEE_GetObjectBufferAttribute(key, TEE_ATTR_SECRET_VALUE, bytes, &size));
	report("its size is %zu", size);
	size = 8;
	RESULT(TEE_GetObjectBufferAttribute(key, TEE_ATTR_SECRET_VALUE, bytes, &size));
	report("its size is %zu", size);
	RESULT(TEE_AllocateTransientObject(TEE_TYPE_AES, 128, &other));
	RESULT(TEE_CopyObjectAttributes1(other, key));
	report_object("copied", other);
	TEE_ResetTransientObject(key);
	report_object("reset", key);
	TEE_CloseObject(other);
	TEE_FreeTransientObject(key);
	TEE_FreeTransientObject(TEE_HANDLE_NULL);
	TEE_CloseObject(TEE_HANDLE_NULL);
}

static void wrong_attributes(void)
{
	TEE_ObjectHandle key = TEE_HANDLE_NULL;
	uint8_t bytes[64];
	TEE_Attribute attributes[2];

	fill_pattern(bytes, sizeof(bytes));
	TEE_AllocateTransientObject(TEE_TYPE_ECDSA_PUBLIC_KEY, 256, &key);
	TEE_InitRefAttribute(&attributes[0], TEE_ATTR_ECC_PUBLIC_VALUE_X, bytes, 32);
	TEE_InitValueAttribute(&attributes[1], TEE_ATTR_ECC_CURVE, TEE_ECC_CURVE_NIST_P256, 0);
	report_object("a public key", key);
	TEE_FreeTransientObject(key);
	TEE_AllocateTransientObject(TEE_TYPE_HMAC_SHA256, 512, &key);
	TEE_InitRefAttribute(&attributes[0], TEE_ATTR_SECRET_VALUE, bytes, 5);
	RESULT(TEE_PopulateTransientObject(key, attributes, 1));
	TEE_InitRefAttribute(&attributes[0], TEE_ATTR_SECRET_VALUE, bytes, 24);
	RESULT(TEE_PopulateTransientObject(key, attributes, 1));
	report_object("HMAC key", key);
	TEE_FreeTransientObject(key);
}

static void generated(uint32_t type, uint32_t bits, const TEE_Attribute *parameters, uint32_t count)
{
	TEE_ObjectHandle key = TEE_HANDLE_NULL;
	TEE_Result result = TEE_AllocateTransientObject(type, bits, &key);

	if (result == TEE_SUCCESS) {
		result = TEE_GenerateKey(key, bits, parameters, count);
	}
	report("type %#x: %#x", type, result);
	report_object("  it", key);
	TEE_FreeTransientObject(key);
}

static void made_keys(void)
{
	TEE_Attribute curve, exponent;
	TEE_ObjectHandle key = TEE_HANDLE_NULL;
	uint32_t a = 0, b = 0;
	size_t size = 0;

	TEE_InitValueAttribute(&curve, TEE_ATTR_ECC_CURVE, TEE_ECC_CURVE_NIST_P256, 0);
	TEE_InitRefAttribute(&exponent, TEE_ATTR_RSA_PUBLIC_EXPONENT, "\x01\x00\x01", 3);
	generated(TEE_TYPE_AES, 192, NULL, 0);
	generated(TEE_TYPE_DES, 64, NULL, 0);
	generated(TEE_TYPE_DES3, 128, NULL, 0);
	generated(TEE_TYPE_HMAC_SHA1, 80, NULL, 0);
	generated(TEE_TYPE_GENERIC_SECRET, 1024, NULL, 0);
	generated(TEE_TYPE_ECDSA_KEYPAIR, 256, &curve, 1);
	generated(TEE_TYPE_ECDH_KEYPAIR, 256, &curve, 1);
	generated(TEE_TYPE_RSA_KEYPAIR, 512, &exponent, 1);
	generated(TEE_TYPE_ED25519_KEYPAIR, 256, NULL, 0);
	generated(TEE_TYPE_X25519_KEYPAIR, 256, NULL, 0);
	TEE_AllocateTransientObject(TEE_TYPE_ECDSA_KEYPAIR, 521, &key);
	RESULT(TEE_GenerateKey(key, 256, &curve, 1));
	report_object("P-256 in an object of 521 bits", key);
	RESULT(TEE_GetObjectValueAttribute(key, TEE_ATTR_ECC_CURVE, &a, &b));
	report("curve %u", a);
	RESULT(TEE_GetObjectBufferAttribute(key, TEE_ATTR_ECC_PUBLIC_VALUE_X, NULL, &size));
	report("coordinates fit into 32 bytes: %d", size <= 32);
	TEE_FreeTransientObject(key);
}

const struct test_case object_cases[] = {
	{ "sizes of objects", all_sizes },
	{ "the life of a key", life_of_a_key },
	{ "attributes that do not fit", wrong_attributes },
	{ "keys that are made", made_keys },
	{},
};
