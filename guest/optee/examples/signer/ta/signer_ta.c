// SPDX-License-Identifier: BSD-3-Clause
/*
 * A signing service: its key is made in the TEE when it is first wanted, is kept in the TA's own
 * storage, and may sign, but not be read.
 */
#include <pta_realm.h>
#include <signer_ta.h>
#include <stdint.h>
#include <tee_internal_api.h>

#define KEY_BITS    256
#define DIGEST_SIZE 32

static const char object_id[] = "signing key";

TEE_Result TA_CreateEntryPoint(void)
{
	return TEE_SUCCESS;
}

void TA_DestroyEntryPoint(void)
{
}

TEE_Result TA_OpenSessionEntryPoint(uint32_t types, TEE_Param params[4], void **session)
{
	(void)types;
	(void)params;
	(void)session;
	return TEE_SUCCESS;
}

void TA_CloseSessionEntryPoint(void *session)
{
	(void)session;
}

/* Makes the key, and keeps it; the caller closes it. */
static TEE_Result make_key(TEE_ObjectHandle *kept)
{
	TEE_ObjectHandle key = TEE_HANDLE_NULL;
	TEE_Attribute curve;
	TEE_Result result = TEE_AllocateTransientObject(TEE_TYPE_ECDSA_KEYPAIR, KEY_BITS, &key);

	if (result != TEE_SUCCESS) {
		return result;
	}
	IMSG("making a key");
	TEE_InitValueAttribute(&curve, TEE_ATTR_ECC_CURVE, TEE_ECC_CURVE_NIST_P256, 0);
	result = TEE_GenerateKey(key, KEY_BITS, &curve, 1);
	if (result == TEE_SUCCESS) {
		/* Without TEE_USAGE_EXTRACTABLE not even this TA can read the private half. */
		result = TEE_RestrictObjectUsage1(key, TEE_USAGE_SIGN);
	}
	if (result == TEE_SUCCESS) {
		result = TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, object_id,
						    sizeof(object_id), TEE_DATA_FLAG_ACCESS_READ,
						    key, NULL, 0, kept);
	}
	TEE_FreeTransientObject(key);
	return result;
}

static TEE_Result open_key(TEE_ObjectHandle *key)
{
	const TEE_Result result = TEE_OpenPersistentObject(
		TEE_STORAGE_PRIVATE, object_id, sizeof(object_id), TEE_DATA_FLAG_ACCESS_READ, key);

	return result == TEE_ERROR_ITEM_NOT_FOUND ? make_key(key) : result;
}

/* Gets a coordinate; the attribute may lack zeros in front. */
static TEE_Result get_coordinate(TEE_ObjectHandle key, uint32_t attribute, uint8_t *place)
{
	uint8_t number[SIGNER_COORDINATE_SIZE];
	size_t size = sizeof(number);
	const TEE_Result result = TEE_GetObjectBufferAttribute(key, attribute, number, &size);

	if (result != TEE_SUCCESS) {
		return result;
	}
	const size_t lacking = SIGNER_COORDINATE_SIZE - size;

	TEE_MemFill(place, 0, lacking);
	TEE_MemMove(place + lacking, number, size);
	return TEE_SUCCESS;
}

static TEE_Result get_point(TEE_ObjectHandle key, uint8_t point[SIGNER_PUBLIC_KEY_SIZE])
{
	TEE_Result result = get_coordinate(key, TEE_ATTR_ECC_PUBLIC_VALUE_X, &point[1]);

	point[0] = 4;
	if (result == TEE_SUCCESS) {
		result = get_coordinate(key, TEE_ATTR_ECC_PUBLIC_VALUE_Y,
					&point[1 + SIGNER_COORDINATE_SIZE]);
	}
	return result;
}

static TEE_Result public_key(TEE_ObjectHandle key, uint32_t types, TEE_Param params[4])
{
	uint8_t point[SIGNER_PUBLIC_KEY_SIZE];

	if (types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_OUTPUT, TEE_PARAM_TYPE_NONE,
				     TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE)) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	const size_t room = params[0].memref.size;

	params[0].memref.size = sizeof(point);
	if (room < sizeof(point)) {
		return TEE_ERROR_SHORT_BUFFER;
	}
	const TEE_Result result = get_point(key, point);

	if (result == TEE_SUCCESS) {
		TEE_MemMove(params[0].memref.buffer, point, sizeof(point));
	}
	return result;
}

static TEE_Result make_digest(const void *message, size_t size, uint8_t digest[DIGEST_SIZE])
{
	TEE_OperationHandle operation = TEE_HANDLE_NULL;
	size_t digest_size = DIGEST_SIZE;
	TEE_Result result = TEE_AllocateOperation(&operation, TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);

	if (result != TEE_SUCCESS) {
		return result;
	}
	result = TEE_DigestDoFinal(operation, message, size, digest, &digest_size);
	TEE_FreeOperation(operation);
	return result;
}

static TEE_Result sign_digest(TEE_ObjectHandle key, const uint8_t digest[DIGEST_SIZE],
			      uint8_t signature[SIGNER_SIGNATURE_SIZE])
{
	TEE_OperationHandle operation = TEE_HANDLE_NULL;
	size_t size = SIGNER_SIGNATURE_SIZE;
	TEE_Result result =
		TEE_AllocateOperation(&operation, TEE_ALG_ECDSA_SHA256, TEE_MODE_SIGN, KEY_BITS);

	if (result != TEE_SUCCESS) {
		return result;
	}
	result = TEE_SetOperationKey(operation, key);
	if (result == TEE_SUCCESS) {
		result = TEE_AsymmetricSignDigest(operation, NULL, 0, digest, DIGEST_SIZE,
						  signature, &size);
	}
	TEE_FreeOperation(operation);
	return result;
}

static TEE_Result sign(TEE_ObjectHandle key, uint32_t types, TEE_Param params[4])
{
	uint8_t digest[DIGEST_SIZE];
	uint8_t signature[SIGNER_SIGNATURE_SIZE];

	if (types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT, TEE_PARAM_TYPE_MEMREF_OUTPUT,
				     TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE)) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	const size_t room = params[1].memref.size;

	params[1].memref.size = sizeof(signature);
	if (room < sizeof(signature)) {
		return TEE_ERROR_SHORT_BUFFER;
	}
	TEE_Result result = make_digest(params[0].memref.buffer, params[0].memref.size, digest);

	if (result == TEE_SUCCESS) {
		result = sign_digest(key, digest, signature);
	}
	if (result == TEE_SUCCESS) {
		TEE_MemMove(params[1].memref.buffer, signature, sizeof(signature));
	}
	return result;
}

/* Gets a token whose challenge has this TA, the nonce and the key in it. */
static TEE_Result attest(TEE_ObjectHandle key, uint32_t types, TEE_Param params[4])
{
	static const TEE_UUID realm = PTA_REALM_UUID;
	const uint32_t realm_types =
		TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT, TEE_PARAM_TYPE_MEMREF_INPUT,
				TEE_PARAM_TYPE_MEMREF_OUTPUT, TEE_PARAM_TYPE_NONE);
	uint8_t point[SIGNER_PUBLIC_KEY_SIZE];
	TEE_TASessionHandle session = TEE_HANDLE_NULL;
	TEE_Param asked[4] = { 0 };

	if (types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT, TEE_PARAM_TYPE_MEMREF_OUTPUT,
				     TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE)) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	TEE_Result result = get_point(key, point);

	if (result == TEE_SUCCESS) {
		result = TEE_OpenTASession(&realm, TEE_TIMEOUT_INFINITE, 0, NULL, &session, NULL);
	}
	if (result != TEE_SUCCESS) {
		return result;
	}
	asked[0] = params[0];
	asked[1].memref.buffer = point;
	asked[1].memref.size = sizeof(point);
	asked[2] = params[1];
	result = TEE_InvokeTACommand(session, TEE_TIMEOUT_INFINITE, PTA_REALM_TOKEN, realm_types,
				     asked, NULL);
	params[1].memref.size = asked[2].memref.size;
	TEE_CloseTASession(session);
	return result;
}

TEE_Result TA_InvokeCommandEntryPoint(void *session, uint32_t command, uint32_t types,
				      TEE_Param params[4])
{
	TEE_ObjectHandle key = TEE_HANDLE_NULL;
	TEE_Result result = open_key(&key);

	(void)session;
	if (result != TEE_SUCCESS) {
		return result;
	}
	switch (command) {
	case SIGNER_CMD_PUBLIC_KEY:
		result = public_key(key, types, params);
		break;
	case SIGNER_CMD_SIGN:
		result = sign(key, types, params);
		break;
	case SIGNER_CMD_ATTEST:
		result = attest(key, types, params);
		break;
	default:
		result = TEE_ERROR_NOT_SUPPORTED;
		break;
	}
	TEE_CloseObject(key);
	return result;
}
