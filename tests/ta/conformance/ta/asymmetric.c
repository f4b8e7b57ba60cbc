// SPDX-License-Identifier: BSD-3-Clause
/* Asymmetric cryptography with keys that are always the same. */
#include "keys.h"
#include "report.h"

#include <string.h>
#include <tee_api_defines_extensions.h>

static TEE_ObjectHandle rsa_key(void)
{
	TEE_ObjectHandle key = TEE_HANDLE_NULL;
	TEE_Attribute parts[3];

	TEE_InitRefAttribute(&parts[0], TEE_ATTR_RSA_MODULUS, rsa_modulus, sizeof(rsa_modulus));
	TEE_InitRefAttribute(&parts[1], TEE_ATTR_RSA_PUBLIC_EXPONENT, "\x01\x00\x01", 3);
	TEE_InitRefAttribute(&parts[2], TEE_ATTR_RSA_PRIVATE_EXPONENT, rsa_private,
			     sizeof(rsa_private));
	if (TEE_AllocateTransientObject(TEE_TYPE_RSA_KEYPAIR, 1024, &key) != TEE_SUCCESS ||
	    TEE_PopulateTransientObject(key, parts, 3) != TEE_SUCCESS) {
		report("no RSA key");
	}
	return key;
}

static TEE_ObjectHandle p256_key(uint32_t type)
{
	TEE_ObjectHandle key = TEE_HANDLE_NULL;
	TEE_Attribute parts[4];

	TEE_InitRefAttribute(&parts[0], TEE_ATTR_ECC_PUBLIC_VALUE_X, p256_x, sizeof(p256_x));
	TEE_InitRefAttribute(&parts[1], TEE_ATTR_ECC_PUBLIC_VALUE_Y, p256_y, sizeof(p256_y));
	TEE_InitValueAttribute(&parts[2], TEE_ATTR_ECC_CURVE, TEE_ECC_CURVE_NIST_P256, 0);
	TEE_InitRefAttribute(&parts[3], TEE_ATTR_ECC_PRIVATE_VALUE, p256_private,
			     sizeof(p256_private));
	if (TEE_AllocateTransientObject(type, 256, &key) != TEE_SUCCESS ||
	    TEE_PopulateTransientObject(key, parts, 4) != TEE_SUCCESS) {
		report("no P-256 key");
	}
	return key;
}

static TEE_OperationHandle operation_with(uint32_t algorithm, uint32_t mode, uint32_t bits,
					  TEE_ObjectHandle key)
{
	TEE_OperationHandle operation = TEE_HANDLE_NULL;
	TEE_Result result = TEE_AllocateOperation(&operation, algorithm, mode, bits);

	if (result == TEE_SUCCESS) {
		result = TEE_SetOperationKey(operation, key);
	}
	report("%#x mode %u: %#x", algorithm, mode, result);
	return operation;
}

static void sign_and_verify(uint32_t algorithm, uint32_t bits, TEE_ObjectHandle key, size_t length,
			    bool is_the_same_each_time)
{
	TEE_OperationHandle sign = operation_with(algorithm, TEE_MODE_SIGN, bits, key);
	TEE_OperationHandle verify = operation_with(algorithm, TEE_MODE_VERIFY, bits, key);
	uint8_t digest[64], signature[160] = {};
	size_t size = 8;

	fill_pattern(digest, sizeof(digest));
	RESULT(TEE_AsymmetricSignDigest(sign, NULL, 0, digest, length, signature, &size));
	report("  wants %zu", size);
	size = sizeof(signature);
	RESULT(TEE_AsymmetricSignDigest(sign, NULL, 0, digest, length, signature, &size));
	report("  has %zu", size);
	if (is_the_same_each_time) {
		report_bytes("  signature", signature, size);
	}
	RESULT(TEE_AsymmetricVerifyDigest(verify, NULL, 0, digest, length, signature, size));
	digest[0] ^= 1;
	RESULT(TEE_AsymmetricVerifyDigest(verify, NULL, 0, digest, length, signature, size));
	TEE_FreeOperation(verify);
	TEE_FreeOperation(sign);
}

static void signatures(void)
{
	TEE_ObjectHandle rsa = rsa_key(), p256 = p256_key(TEE_TYPE_ECDSA_KEYPAIR);

	report_object("RSA", rsa);
	report_object("P-256", p256);
	sign_and_verify(TEE_ALG_RSASSA_PKCS1_V1_5_SHA1, 1024, rsa, 20, true);
	sign_and_verify(TEE_ALG_RSASSA_PKCS1_V1_5_SHA256, 1024, rsa, 32, true);
	sign_and_verify(TEE_ALG_RSASSA_PKCS1_PSS_MGF1_SHA256, 1024, rsa, 32, false);
	sign_and_verify(TEE_ALG_ECDSA_SHA256, 256, p256, 32, false);
	TEE_FreeTransientObject(p256);
	TEE_FreeTransientObject(rsa);
}

static void encrypt_and_decrypt(uint32_t algorithm, TEE_ObjectHandle key, size_t length,
				const TEE_Attribute *label, uint32_t count)
{
	TEE_OperationHandle encrypt = operation_with(algorithm, TEE_MODE_ENCRYPT, 1024, key);
	TEE_OperationHandle decrypt = operation_with(algorithm, TEE_MODE_DECRYPT, 1024, key);
	uint8_t message[128], sealed[128] = {}, opened[128] = {};
	size_t size = 100, opened_size = sizeof(opened);

	fill_pattern(message, sizeof(message));
	RESULT(TEE_AsymmetricEncrypt(encrypt, label, count, message, length, sealed, &size));
	report("  wants %zu", size);
	size = sizeof(sealed);
	RESULT(TEE_AsymmetricEncrypt(encrypt, label, count, message, length, sealed, &size));
	RESULT(TEE_AsymmetricDecrypt(decrypt, label, count, sealed, size, opened, &opened_size));
	report_bytes("  opened", opened, opened_size);
	opened_size = length ? length - 1 : 0;
	RESULT(TEE_AsymmetricDecrypt(decrypt, label, count, sealed, size, opened, &opened_size));
	report("  wants %zu", opened_size);
	sealed[127] ^= 1;
	opened_size = sizeof(opened);
	if (algorithm != TEE_ALG_RSA_NOPAD && algorithm != TEE_ALG_RSAES_PKCS1_V1_5) {
		RESULT(TEE_AsymmetricDecrypt(decrypt, label, count, sealed, size, opened,
					     &opened_size));
	}
	TEE_FreeOperation(decrypt);
	TEE_FreeOperation(encrypt);
}

static void encryption(void)
{
	TEE_ObjectHandle rsa = rsa_key();
	TEE_Attribute label;

	TEE_InitRefAttribute(&label, TEE_ATTR_RSA_OAEP_LABEL, "label", 5);
	encrypt_and_decrypt(TEE_ALG_RSAES_PKCS1_V1_5, rsa, 40, NULL, 0);
	encrypt_and_decrypt(TEE_ALG_RSAES_PKCS1_OAEP_MGF1_SHA1, rsa, 86, NULL, 0);
	encrypt_and_decrypt(TEE_ALG_RSAES_PKCS1_OAEP_MGF1_SHA256, rsa, 62, &label, 1);
	encrypt_and_decrypt(TEE_ALG_RSA_NOPAD, rsa, 128, NULL, 0);
	TEE_FreeTransientObject(rsa);
}

static void derive(const char *name, uint32_t algorithm, uint32_t bits, TEE_ObjectHandle key,
		   const TEE_Attribute *parameters, uint32_t count)
{
	TEE_OperationHandle operation = operation_with(algorithm, TEE_MODE_DERIVE, bits, key);
	TEE_ObjectHandle secret = TEE_HANDLE_NULL;
	uint8_t bytes[128] = {};
	size_t size = sizeof(bytes);

	TEE_AllocateTransientObject(TEE_TYPE_GENERIC_SECRET, 1024, &secret);
	TEE_DeriveKey(operation, parameters, count, secret);
	report_object(name, secret);
	RESULT(TEE_GetObjectBufferAttribute(secret, TEE_ATTR_SECRET_VALUE, bytes, &size));
	report_bytes("  secret", bytes, size);
	TEE_FreeTransientObject(secret);
	TEE_FreeOperation(operation);
}

static TEE_ObjectHandle derivation_key(uint32_t type, uint32_t attribute)
{
	TEE_ObjectHandle key = TEE_HANDLE_NULL;
	TEE_Attribute part;
	uint8_t bytes[32];

	fill_pattern(bytes, sizeof(bytes));
	TEE_InitRefAttribute(&part, attribute, bytes, sizeof(bytes));
	RESULT(TEE_AllocateTransientObject(type, 256, &key));
	RESULT(TEE_PopulateTransientObject(key, &part, 1));
	return key;
}

static void derivation(void)
{
	TEE_ObjectHandle key = p256_key(TEE_TYPE_ECDH_KEYPAIR);
	TEE_Attribute parts[4];

	TEE_InitRefAttribute(&parts[0], TEE_ATTR_ECC_PUBLIC_VALUE_X, p256_x, sizeof(p256_x));
	TEE_InitRefAttribute(&parts[1], TEE_ATTR_ECC_PUBLIC_VALUE_Y, p256_y, sizeof(p256_y));
	derive("ECDH", TEE_ALG_ECDH_DERIVE_SHARED_SECRET, 256, key, parts, 2);
	TEE_FreeTransientObject(key);
	key = derivation_key(TEE_TYPE_HKDF_IKM, TEE_ATTR_HKDF_IKM);
	TEE_InitValueAttribute(&parts[0], TEE_ATTR_HKDF_OKM_LENGTH, 42, 0);
	derive("HKDF", TEE_ALG_HKDF_SHA256_DERIVE_KEY, 256, key, parts, 1);
	TEE_InitValueAttribute(&parts[0], TEE_ATTR_HKDF_OKM_LENGTH, 0, 0);
	derive("HKDF of nothing", TEE_ALG_HKDF_SHA256_DERIVE_KEY, 256, key, parts, 1);
	TEE_FreeTransientObject(key);
	key = derivation_key(TEE_TYPE_CONCAT_KDF_Z, TEE_ATTR_CONCAT_KDF_Z);
	TEE_InitValueAttribute(&parts[0], TEE_ATTR_CONCAT_KDF_DKM_LENGTH, 50, 0);
	derive("Concat KDF", TEE_ALG_CONCAT_KDF_SHA256_DERIVE_KEY, 256, key, parts, 1);
	TEE_FreeTransientObject(key);
	key = derivation_key(TEE_TYPE_PBKDF2_PASSWORD, TEE_ATTR_PBKDF2_PASSWORD);
	TEE_InitValueAttribute(&parts[0], TEE_ATTR_PBKDF2_DKM_LENGTH, 30, 0);
	TEE_InitValueAttribute(&parts[1], TEE_ATTR_PBKDF2_ITERATION_COUNT, 3, 0);
	derive("PBKDF2", TEE_ALG_PBKDF2_HMAC_SHA1_DERIVE_KEY, 256, key, parts, 2);
	TEE_FreeTransientObject(key);
}

static void ed25519(void)
{
	TEE_ObjectHandle key = TEE_HANDLE_NULL;
	TEE_Attribute curve;

	RESULT(TEE_AllocateTransientObject(TEE_TYPE_ED25519_KEYPAIR, 256, &key));
	RESULT(TEE_GenerateKey(key, 256, NULL, 0));
	sign_and_verify(TEE_ALG_ED25519, 256, key, 45, false);
	TEE_FreeTransientObject(key);
	TEE_InitValueAttribute(&curve, TEE_ATTR_ECC_CURVE, TEE_ECC_CURVE_NIST_P384, 0);
	RESULT(TEE_AllocateTransientObject(TEE_TYPE_ECDSA_KEYPAIR, 384, &key));
	RESULT(TEE_GenerateKey(key, 384, &curve, 1));
	sign_and_verify(TEE_ALG_ECDSA_SHA384, 384, key, 48, false);
	TEE_FreeTransientObject(key);
}

const struct test_case asymmetric_cases[] = {
	{ "signatures", signatures },
	{ "encryption with RSA", encryption },
	{ "derivation", derivation },
	{ "signatures with keys that are made", ed25519 },
	{},
};
