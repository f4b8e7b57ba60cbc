// SPDX-License-Identifier: BSD-3-Clause
#include <prepared.h>
#include <rsa_key.h>

#define AES_BITS  128
#define RSA_BITS  2048
#define P256_BITS 256

static const uint8_t aes_key[AES_BITS / 8] = { 1, 2, 3, 4 };

/* Makes an operation with a key that is populated, or generated when `generate` is set. */
static TEE_Result make_operation(uint32_t algorithm, uint32_t mode, uint32_t type, uint32_t bits,
				 const TEE_Attribute *attributes, uint32_t count, bool generate,
				 TEE_OperationHandle *operation)
{
	TEE_ObjectHandle key = TEE_HANDLE_NULL;
	TEE_Result result = TEE_AllocateOperation(operation, algorithm, mode, bits);

	if (result == TEE_SUCCESS) {
		result = TEE_AllocateTransientObject(type, bits, &key);
	}
	if (result != TEE_SUCCESS) {
		return result;
	}
	result = generate ? TEE_GenerateKey(key, bits, attributes, count)
			  : TEE_PopulateTransientObject(key, attributes, count);
	if (result == TEE_SUCCESS) {
		result = TEE_SetOperationKey(*operation, key);
	}
	TEE_FreeTransientObject(key);
	return result;
}

static TEE_Result make_aes(uint32_t algorithm, TEE_OperationHandle *operation)
{
	TEE_Attribute attribute;

	TEE_InitRefAttribute(&attribute, TEE_ATTR_SECRET_VALUE, aes_key, sizeof(aes_key));
	return make_operation(algorithm, TEE_MODE_ENCRYPT, TEE_TYPE_AES, AES_BITS, &attribute, 1,
			      false, operation);
}

static TEE_Result make_rsa(TEE_OperationHandle *operation)
{
	TEE_Attribute all[8];

	TEE_InitRefAttribute(&all[0], TEE_ATTR_RSA_MODULUS, rsa_modulus, sizeof(rsa_modulus));
	TEE_InitRefAttribute(&all[1], TEE_ATTR_RSA_PUBLIC_EXPONENT, rsa_public_exponent,
			     sizeof(rsa_public_exponent));
	TEE_InitRefAttribute(&all[2], TEE_ATTR_RSA_PRIVATE_EXPONENT, rsa_private_exponent,
			     sizeof(rsa_private_exponent));
	TEE_InitRefAttribute(&all[3], TEE_ATTR_RSA_PRIME1, rsa_prime1, sizeof(rsa_prime1));
	TEE_InitRefAttribute(&all[4], TEE_ATTR_RSA_PRIME2, rsa_prime2, sizeof(rsa_prime2));
	TEE_InitRefAttribute(&all[5], TEE_ATTR_RSA_EXPONENT1, rsa_exponent1, sizeof(rsa_exponent1));
	TEE_InitRefAttribute(&all[6], TEE_ATTR_RSA_EXPONENT2, rsa_exponent2, sizeof(rsa_exponent2));
	TEE_InitRefAttribute(&all[7], TEE_ATTR_RSA_COEFFICIENT, rsa_coefficient,
			     sizeof(rsa_coefficient));
	return make_operation(TEE_ALG_RSASSA_PKCS1_V1_5_SHA256, TEE_MODE_SIGN, TEE_TYPE_RSA_KEYPAIR,
			      RSA_BITS, all, 8, false, operation);
}

static TEE_Result make_p256(TEE_OperationHandle *operation)
{
	TEE_Attribute curve;

	TEE_InitValueAttribute(&curve, TEE_ATTR_ECC_CURVE, TEE_ECC_CURVE_NIST_P256, 0);
	return make_operation(TEE_ALG_ECDSA_SHA256, TEE_MODE_SIGN, TEE_TYPE_ECDSA_KEYPAIR,
			      P256_BITS, &curve, 1, true, operation);
}

static TEE_Result make_object(TEE_ObjectHandle *object)
{
	static const char id[] = "bench";
	const uint32_t flags = TEE_DATA_FLAG_ACCESS_READ | TEE_DATA_FLAG_ACCESS_WRITE |
			       TEE_DATA_FLAG_ACCESS_WRITE_META | TEE_DATA_FLAG_OVERWRITE;

	return TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, id, sizeof(id), flags,
					  TEE_HANDLE_NULL, NULL, 0, object);
}

TEE_Result prepared_make(struct prepared *prepared)
{
	TEE_Result result = TEE_SUCCESS;

	if (prepared->object != TEE_HANDLE_NULL) {
		return TEE_SUCCESS;
	}
	result = TEE_AllocateOperation(&prepared->sha256, TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
	if (result == TEE_SUCCESS) {
		result = make_aes(TEE_ALG_AES_CTR, &prepared->aes_ctr);
	}
	if (result == TEE_SUCCESS) {
		result = make_aes(TEE_ALG_AES_GCM, &prepared->aes_gcm);
	}
	if (result == TEE_SUCCESS) {
		result = make_rsa(&prepared->rsa);
	}
	if (result == TEE_SUCCESS) {
		result = make_p256(&prepared->p256);
	}
	if (result == TEE_SUCCESS) {
		result = make_object(&prepared->object);
	}
	if (result != TEE_SUCCESS) {
		prepared_free(prepared);
	}
	return result;
}

void prepared_free(struct prepared *prepared)
{
	TEE_FreeOperation(prepared->sha256);
	TEE_FreeOperation(prepared->aes_ctr);
	TEE_FreeOperation(prepared->aes_gcm);
	TEE_FreeOperation(prepared->rsa);
	TEE_FreeOperation(prepared->p256);
	if (prepared->object != TEE_HANDLE_NULL) {
		(void)TEE_CloseAndDeletePersistentObject1(prepared->object);
	}
	TEE_MemFill(prepared, 0, sizeof(*prepared));
}
