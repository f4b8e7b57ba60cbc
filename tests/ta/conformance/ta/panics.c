// SPDX-License-Identifier: BSD-3-Clause
/* What ends a TA, or does not though one might think so: each case is a session of its own. */
#include "report.h"

#include <conformance.h>
#include <string.h>
#include <tee_api_defines_extensions.h>

static TEE_OperationHandle operation;
static uint8_t bytes[64];
static size_t size = sizeof(bytes);

static TEE_OperationHandle aes(uint32_t algorithm, uint32_t mode, uint32_t usage)
{
	TEE_ObjectHandle key = pattern_key(TEE_TYPE_AES, 128);

	TEE_RestrictObjectUsage1(key, usage);
	TEE_AllocateOperation(&operation, algorithm, mode, 128);
	TEE_SetOperationKey(operation, key);
	return operation;
}

static void panic(void)
{
	TEE_Panic(0x1234);
}

static void panic_of_success(void)
{
	TEE_Panic(TEE_SUCCESS);
}

static void digest_of_a_cipher(void)
{
	TEE_DigestUpdate(aes(TEE_ALG_AES_CTR, TEE_MODE_ENCRYPT, ~0U), bytes, 1);
}

static void update_before_start(void)
{
	TEE_CipherUpdate(aes(TEE_ALG_AES_CTR, TEE_MODE_ENCRYPT, ~0U), bytes, 1, bytes, &size);
}

static void start_without_key(void)
{
	TEE_AllocateOperation(&operation, TEE_ALG_AES_CTR, TEE_MODE_ENCRYPT, 128);
	TEE_CipherInit(operation, bytes, 16);
}

static void short_vector(void)
{
	TEE_CipherInit(aes(TEE_ALG_AES_CBC_NOPAD, TEE_MODE_ENCRYPT, ~0U), bytes, 15);
}

static void long_vector(void)
{
	TEE_CipherInit(aes(TEE_ALG_AES_CTR, TEE_MODE_ENCRYPT, ~0U), bytes, 17);
}

static void no_vector(void)
{
	TEE_CipherInit(aes(TEE_ALG_AES_CBC_NOPAD, TEE_MODE_ENCRYPT, ~0U), NULL, 0);
}

static void part_of_a_block(void)
{
	TEE_CipherInit(aes(TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT, ~0U), NULL, 0);
	TEE_CipherDoFinal(operation, bytes, 17, bytes, &size);
}

static void key_that_may_not(void)
{
	aes(TEE_ALG_AES_CTR, TEE_MODE_DECRYPT, TEE_USAGE_ENCRYPT);
}

static void key_of_another_type(void)
{
	TEE_AllocateOperation(&operation, TEE_ALG_HMAC_SHA256, TEE_MODE_MAC, 256);
	TEE_SetOperationKey(operation, pattern_key(TEE_TYPE_AES, 256));
}

static void key_that_is_too_long(void)
{
	TEE_AllocateOperation(&operation, TEE_ALG_AES_CTR, TEE_MODE_ENCRYPT, 128);
	TEE_SetOperationKey(operation, pattern_key(TEE_TYPE_AES, 256));
}

static void key_twice(void)
{
	aes(TEE_ALG_AES_CTR, TEE_MODE_ENCRYPT, ~0U);
	TEE_SetOperationKey(operation, pattern_key(TEE_TYPE_AES, 128));
}

static void key_of_a_digest(void)
{
	TEE_AllocateOperation(&operation, TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
	TEE_SetOperationKey(operation, pattern_key(TEE_TYPE_AES, 128));
}

static void empty_key(void)
{
	TEE_ObjectHandle key = TEE_HANDLE_NULL;

	TEE_AllocateTransientObject(TEE_TYPE_AES, 128, &key);
	TEE_AllocateOperation(&operation, TEE_ALG_AES_CTR, TEE_MODE_ENCRYPT, 128);
	TEE_SetOperationKey(operation, key);
}

static void too_much_aad(void)
{
	TEE_AEInit(aes(TEE_ALG_AES_CCM, TEE_MODE_ENCRYPT, ~0U), bytes, 12, 128, 4, 4);
	TEE_AEUpdateAAD(operation, bytes, 5);
}

static void copy_of_another(void)
{
	TEE_OperationHandle other = TEE_HANDLE_NULL;

	TEE_AllocateOperation(&other, TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
	TEE_CopyOperation(other, aes(TEE_ALG_AES_CTR, TEE_MODE_ENCRYPT, ~0U));
}

static void copy_of_a_derivation(void)
{
	TEE_OperationHandle other = TEE_HANDLE_NULL;

	TEE_AllocateOperation(&operation, TEE_ALG_HKDF_SHA256_DERIVE_KEY, TEE_MODE_DERIVE, 256);
	TEE_AllocateOperation(&other, TEE_ALG_HKDF_SHA256_DERIVE_KEY, TEE_MODE_DERIVE, 256);
	TEE_CopyOperation(other, operation);
}

static void made_up_operation(void)
{
	TEE_FreeOperation((TEE_OperationHandle)(uintptr_t)bytes);
}

static void made_up_object(void)
{
	TEE_ObjectInfo info;

	TEE_GetObjectInfo1((TEE_ObjectHandle)(uintptr_t)0x12345, &info);
}

static void closed_twice(void)
{
	TEE_ObjectHandle key = pattern_key(TEE_TYPE_AES, 128);

	TEE_CloseObject(key);
	TEE_CloseObject(key);
}

static void populated_twice(void)
{
	TEE_ObjectHandle key = pattern_key(TEE_TYPE_AES, 128);
	TEE_Attribute secret;

	TEE_InitRefAttribute(&secret, TEE_ATTR_SECRET_VALUE, bytes, 16);
	TEE_PopulateTransientObject(key, &secret, 1);
}

static void attribute_that_is_missing(void)
{
	TEE_ObjectHandle key = TEE_HANDLE_NULL;
	TEE_Attribute part;

	TEE_AllocateTransientObject(TEE_TYPE_ECDSA_PUBLIC_KEY, 256, &key);
	TEE_InitRefAttribute(&part, TEE_ATTR_ECC_PUBLIC_VALUE_X, bytes, 32);
	TEE_PopulateTransientObject(key, &part, 1);
}

static void attribute_of_another_kind(void)
{
	TEE_Attribute part;

	TEE_InitValueAttribute(&part, TEE_ATTR_SECRET_VALUE, 1, 2);
}

static void secret_that_may_not_be_read(void)
{
	TEE_ObjectHandle key = pattern_key(TEE_TYPE_AES, 128);

	TEE_RestrictObjectUsage1(key, 0);
	if (TEE_GetObjectBufferAttribute(key, TEE_ATTR_SECRET_VALUE, bytes, &size) !=
	    TEE_ERROR_ACCESS_DENIED) {
		report("read");
	}
}

static void value_of_a_buffer(void)
{
	uint32_t a = 0, b = 0;

	TEE_GetObjectValueAttribute(pattern_key(TEE_TYPE_AES, 128), TEE_ATTR_SECRET_VALUE, &a, &b);
}

static void attribute_of_data(void)
{
	TEE_ObjectHandle object = TEE_HANDLE_NULL;

	TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "x", 1, TEE_DATA_FLAG_OVERWRITE,
				   TEE_HANDLE_NULL, NULL, 0, &object);
	TEE_GetObjectBufferAttribute(object, TEE_ATTR_SECRET_VALUE, bytes, &size);
}

static void long_name(void)
{
	TEE_ObjectHandle object = TEE_HANDLE_NULL;

	TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, bytes, 65, TEE_DATA_FLAG_ACCESS_READ,
				 &object);
}

static void seek_from_nowhere(void)
{
	TEE_ObjectHandle object = TEE_HANDLE_NULL;

	TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "x", 1,
				   TEE_DATA_FLAG_OVERWRITE | TEE_DATA_FLAG_ACCESS_WRITE_META,
				   TEE_HANDLE_NULL, NULL, 0, &object);
	TEE_SeekObjectData(object, 0, 7);
}

static void data_of_a_transient_object(void)
{
	TEE_ReadObjectData(pattern_key(TEE_TYPE_AES, 128), bytes, 1, &size);
}

static void number_without_room(void)
{
	uint32_t number[TEE_BigIntSizeInU32(64)];

	TEE_BigIntInit(number, ARRAY_COUNT(number));
	TEE_BigIntSetBit(number, 100, true);
}

static void divided_by_zero(void)
{
	uint32_t number[TEE_BigIntSizeInU32(64)], zero[TEE_BigIntSizeInU32(64)];

	TEE_BigIntInit(number, ARRAY_COUNT(number));
	TEE_BigIntInit(zero, ARRAY_COUNT(zero));
	TEE_BigIntDiv(number, NULL, number, zero);
}

static void random_into_code(void)
{
	TEE_GenerateRandom((void *)(uintptr_t)report_begin, 8);
}

static void property_of_nothing(void)
{
	bool flag;

	TEE_GetPropertyAsBool(TEE_PROPSET_CURRENT_TA, NULL, &flag);
}

static void property_without_start(void)
{
	TEE_PropSetHandle list = TEE_HANDLE_NULL;

	TEE_AllocatePropertyEnumerator(&list);
	TEE_GetNextProperty(list);
}

static void invoke_without_session(void)
{
	uint32_t origin = 0;

	TEE_InvokeTACommand((TEE_TASessionHandle)(uintptr_t)0x123, 0, 0, 0, NULL, &origin);
}

static void close_of_no_session(void)
{
	TEE_CloseTASession((TEE_TASessionHandle)(uintptr_t)0x123);
}

static void parameters_that_lie(void)
{
	const TEE_UUID own = CONFORMANCE_UUID;
	TEE_TASessionHandle session = TEE_HANDLE_NULL;
	TEE_Param params[TEE_NUM_PARAMS] = { { .memref = { .buffer = (void *)16, .size = 100 } } };
	uint32_t origin = 0;

	TEE_OpenTASession(&own, TEE_TIMEOUT_INFINITE,
			  TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT, 0, 0, 0), params, &session,
			  &origin);
}

static void time_into_nothing(void)
{
	TEE_GetSystemTime(NULL);
}

static void unknown_hint(void)
{
	TEE_Malloc(8, 0x40);
}

static void memory_not_to_share(void)
{
	TEE_Malloc(8, TEE_MALLOC_NO_FILL | TEE_MALLOC_NO_SHARE);
}

static void attribute_of_another_type(void)
{
	TEE_GetObjectBufferAttribute(pattern_key(TEE_TYPE_AES, 128), TEE_ATTR_RSA_MODULUS, bytes,
				     &size);
}

static void authentication_code_too_long(void)
{
	TEE_AEInit(aes(TEE_ALG_AES_GCM, TEE_MODE_ENCRYPT, ~0U), bytes, 12, 136, 0, 0);
}

static void nonce_too_long(void)
{
	TEE_AEInit(aes(TEE_ALG_AES_CCM, TEE_MODE_ENCRYPT, ~0U), bytes, 14, 128, 0, 0);
}

static void information_without_room(void)
{
	TEE_OperationInfoMultiple information;
	size_t room = 8;

	TEE_GetOperationInfoMultiple(aes(TEE_ALG_AES_CTR, TEE_MODE_ENCRYPT, ~0U), &information,
				     &room);
}

static TEE_ObjectHandle kept(uint32_t flags)
{
	TEE_ObjectHandle object = TEE_HANDLE_NULL;

	TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "kept", 4, TEE_DATA_FLAG_OVERWRITE | flags,
				   TEE_HANDLE_NULL, "text", 4, &object);
	return object;
}

static void write_without_right(void)
{
	TEE_WriteObjectData(kept(TEE_DATA_FLAG_ACCESS_READ), bytes, 1);
}

static void read_without_right(void)
{
	TEE_ReadObjectData(kept(TEE_DATA_FLAG_ACCESS_WRITE), bytes, 1, &size);
}

static void cut_without_right(void)
{
	TEE_TruncateObjectData(kept(TEE_DATA_FLAG_ACCESS_READ), 1);
}

static void rename_without_right(void)
{
	TEE_RenamePersistentObject(kept(TEE_DATA_FLAG_ACCESS_WRITE), "new", 3);
}

static void unknown_flags(void)
{
	TEE_ObjectHandle object = TEE_HANDLE_NULL;

	TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, "kept", 4, 0x800, &object);
}

static void rename_to_what_is_there(void)
{
	TEE_CloseObject(kept(TEE_DATA_FLAG_ACCESS_WRITE_META));
	TEE_RenamePersistentObject(kept(TEE_DATA_FLAG_ACCESS_WRITE_META), "kept", 4);
}

static void attributes_into_what_is_kept(void)
{
	TEE_CopyObjectAttributes1(kept(TEE_DATA_FLAG_ACCESS_WRITE), pattern_key(TEE_TYPE_AES, 128));
}

static void too_many_milliseconds(void)
{
	TEE_Time time = { .seconds = 1, .millis = 1000 };

	TEE_SetTAPersistentTime(&time);
}

static void signature_of_another_size(void)
{
	TEE_AllocateOperation(&operation, TEE_ALG_ECDSA_SHA256, TEE_MODE_VERIFY, 256);
	TEE_AsymmetricVerifyDigest(operation, NULL, 0, bytes, 32, bytes, 63);
}

static void no_name_of_a_property(void)
{
	uint32_t number;

	TEE_GetPropertyAsU32(TEE_PROPSET_CURRENT_TA, "gpd.ta.appID", &number);
}

#define CASE(function)                                                                             \
	{                                                                                          \
#function, function                                                                \
	}

const struct test_case panic_cases[] = {
	CASE(panic),
	CASE(panic_of_success),
	CASE(digest_of_a_cipher),
	CASE(update_before_start),
	CASE(start_without_key),
	CASE(short_vector),
	CASE(long_vector),
	CASE(no_vector),
	CASE(part_of_a_block),
	CASE(key_that_may_not),
	CASE(key_of_another_type),
	CASE(key_that_is_too_long),
	CASE(key_twice),
	CASE(key_of_a_digest),
	CASE(empty_key),
	CASE(too_much_aad),
	CASE(copy_of_another),
	CASE(copy_of_a_derivation),
	CASE(made_up_operation),
	CASE(made_up_object),
	CASE(closed_twice),
	CASE(populated_twice),
	CASE(attribute_that_is_missing),
	CASE(attribute_of_another_kind),
	CASE(secret_that_may_not_be_read),
	CASE(value_of_a_buffer),
	CASE(attribute_of_data),
	CASE(long_name),
	CASE(seek_from_nowhere),
	CASE(data_of_a_transient_object),
	CASE(number_without_room),
	CASE(divided_by_zero),
	CASE(random_into_code),
	CASE(property_of_nothing),
	CASE(property_without_start),
	CASE(invoke_without_session),
	CASE(close_of_no_session),
	CASE(parameters_that_lie),
	CASE(time_into_nothing),
	CASE(unknown_hint),
	CASE(memory_not_to_share),
	CASE(attribute_of_another_type),
	CASE(authentication_code_too_long),
	CASE(nonce_too_long),
	CASE(information_without_room),
	CASE(write_without_right),
	CASE(read_without_right),
	CASE(cut_without_right),
	CASE(rename_without_right),
	CASE(unknown_flags),
	CASE(rename_to_what_is_there),
	CASE(attributes_into_what_is_kept),
	CASE(too_many_milliseconds),
	CASE(signature_of_another_size),
	CASE(no_name_of_a_property),
	{},
};
