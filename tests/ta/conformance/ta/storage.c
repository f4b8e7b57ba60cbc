// SPDX-License-Identifier: BSD-3-Clause
/* Persistent objects: their flags, their data, their names, and lists of them. */
#include "report.h"

#include <string.h>

#define ALL                                                                                        \
	(TEE_DATA_FLAG_ACCESS_READ | TEE_DATA_FLAG_ACCESS_WRITE | TEE_DATA_FLAG_ACCESS_WRITE_META)
#define READ	    TEE_DATA_FLAG_ACCESS_READ
#define WRITE	    TEE_DATA_FLAG_ACCESS_WRITE
#define SHARE_READ  TEE_DATA_FLAG_SHARE_READ
#define SHARE_WRITE TEE_DATA_FLAG_SHARE_WRITE
#define OVERWRITE   TEE_DATA_FLAG_OVERWRITE

static TEE_ObjectHandle object;

static TEE_Result create(const char *name, uint32_t flags, const char *content)
{
	return TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, name, strlen(name), flags,
					  TEE_HANDLE_NULL, content, strlen(content), &object);
}

static TEE_Result open_as(const char *name, uint32_t flags)
{
	return TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, name, strlen(name), flags, &object);
}

static void close_it(void)
{
	TEE_CloseObject(object);
	object = TEE_HANDLE_NULL;
}

static void remove_object(const char *name)
{
	RESULT(open_as(name, ALL));
	RESULT(TEE_CloseAndDeletePersistentObject1(object));
	object = TEE_HANDLE_NULL;
}

static void read_some(size_t size)
{
	uint8_t bytes[64] = {};
	size_t count = 99;
	const TEE_Result result = TEE_ReadObjectData(object, bytes, size, &count);

	report("read of %zu: %#x %zu", size, result, count);
	report_bytes("  bytes", bytes, count < sizeof(bytes) ? count : 0);
}

static void data(void)
{
	RESULT(create("data", ALL, "0123456789"));
	report_object("new", object);
	read_some(4);
	RESULT(TEE_WriteObjectData(object, "abc", 3));
	report_object("written", object);
	read_some(10);
	read_some(1);
	RESULT(TEE_SeekObjectData(object, -3, TEE_DATA_SEEK_END));
	read_some(3);
	RESULT(TEE_SeekObjectData(object, -100, TEE_DATA_SEEK_CUR));
	report_object("before the beginning", object);
	RESULT(TEE_SeekObjectData(object, 5, TEE_DATA_SEEK_END));
	report_object("behind the end", object);
	read_some(2);
	RESULT(TEE_WriteObjectData(object, "z", 1));
	report_object("a gap", object);
	RESULT(TEE_SeekObjectData(object, 8, TEE_DATA_SEEK_SET));
	read_some(20);
	RESULT(TEE_TruncateObjectData(object, 4));
	report_object("cut", object);
	RESULT(TEE_WriteObjectData(object, "y", 1));
	RESULT(TEE_TruncateObjectData(object, 20));
	RESULT(TEE_SeekObjectData(object, 0, TEE_DATA_SEEK_SET));
	read_some(40);
	RESULT(TEE_WriteObjectData(object, NULL, 0));
	RESULT(TEE_SeekObjectData(object, INT32_MAX, TEE_DATA_SEEK_SET));
	RESULT(TEE_SeekObjectData(object, INT32_MAX, TEE_DATA_SEEK_CUR));
	RESULT(TEE_SeekObjectData(object, INT32_MAX, TEE_DATA_SEEK_CUR));
	report_object("far", object);
	RESULT(TEE_CloseAndDeletePersistentObject1(object));
	RESULT(open_as("data", ALL));
}

static void sharing(void)
{
	static const uint32_t flags[] = {
		READ,
		WRITE,
		READ | SHARE_READ,
		READ | SHARE_READ | SHARE_WRITE,
		WRITE | SHARE_WRITE,
		WRITE | SHARE_READ | SHARE_WRITE,
		ALL,
		SHARE_READ,
		SHARE_WRITE,
		ALL | SHARE_READ | SHARE_WRITE,
		0,
	};

	RESULT(create("shared", ALL, "text"));
	close_it();
	for (size_t i = 0; i < ARRAY_COUNT(flags); i++) {
		if (open_as("shared", flags[i]) != TEE_SUCCESS) {
			report("%#x is refused", flags[i]);
			continue;
		}
		TEE_ObjectHandle first = object;

		for (size_t j = 0; j < ARRAY_COUNT(flags); j++) {
			const TEE_Result result = open_as("shared", flags[j]);

			report("%#x beside %#x: %#x", flags[j], flags[i], result);
			if (result == TEE_SUCCESS) {
				close_it();
			}
		}
		TEE_CloseObject(first);
	}
	remove_object("shared");
}

static void rights(void)
{
	RESULT(create("rights", ALL, "text"));
	close_it();
	RESULT(open_as("rights", READ));
	close_it();
	RESULT(create("rights", ALL, "other"));
	RESULT(create("rights", ALL | OVERWRITE, "another"));
	report_object("overwritten", object);
	read_some(20);
	RESULT(create("rights", ALL | OVERWRITE, "while open"));
	close_it();
	RESULT(TEE_OpenPersistentObject(7, "rights", 6, READ, &object));
	RESULT(TEE_OpenPersistentObject(0x80000100, "rights", 6, READ, &object));
	remove_object("rights");
}

static void names(void)
{
	char name[70];

	memset(name, 'n', sizeof(name));
	RESULT(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, name, 64, ALL, TEE_HANDLE_NULL, NULL,
					  0, &object));
	close_it();
	RESULT(TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, name, 63, ALL, &object));
	RESULT(TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, name, 64, ALL, &object));
	RESULT(create("taken", ALL, ""));
	close_it();
	RESULT(TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, name, 64, ALL, &object));
	RESULT(TEE_CloseAndDeletePersistentObject1(object));
	RESULT(TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, "free\0x", 6, ALL, &object));
	RESULT(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "taken", 5, ALL, TEE_HANDLE_NULL,
					  NULL, 0, NULL));
	RESULT(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "no handle", 9, ALL, TEE_HANDLE_NULL,
					  "x", 1, NULL));
	remove_object("no handle");
	remove_object("taken");
	RESULT(TEE_CloseAndDeletePersistentObject1(TEE_HANDLE_NULL));
}

static void keys(void)
{
	TEE_ObjectHandle key = pattern_key(TEE_TYPE_AES, 256), stored = TEE_HANDLE_NULL;
	TEE_OperationHandle operation = TEE_HANDLE_NULL;
	uint8_t bytes[32];
	size_t size = sizeof(bytes);

	RESULT(TEE_RestrictObjectUsage1(key, TEE_USAGE_ENCRYPT | TEE_USAGE_EXTRACTABLE));
	RESULT(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "key", 3, ALL, key, "data", 4,
					  &stored));
	report_object("stored", stored);
	TEE_CloseObject(stored);
	RESULT(open_as("key", READ | SHARE_READ));
	report_object("opened", object);
	RESULT(TEE_GetObjectBufferAttribute(object, TEE_ATTR_SECRET_VALUE, bytes, &size));
	report_bytes("secret", bytes, size);
	RESULT(TEE_AllocateOperation(&operation, TEE_ALG_AES_CTR, TEE_MODE_ENCRYPT, 256));
	RESULT(TEE_SetOperationKey(operation, object));
	read_some(10);
	RESULT(TEE_RestrictObjectUsage1(object, TEE_USAGE_ENCRYPT));
	report_object("restricted", object);
	close_it();
	RESULT(open_as("key", ALL));
	report_object("opened again", object);
	TEE_ResetTransientObject(key);
	RESULT(TEE_CopyObjectAttributes1(key, object));
	report_object("copied", key);
	RESULT(TEE_CloseAndDeletePersistentObject1(object));
	TEE_FreeOperation(operation);
	TEE_FreeTransientObject(key);
}

static void lists(void)
{
	TEE_ObjectEnumHandle list = TEE_HANDLE_NULL;
	TEE_ObjectInfo info;
	uint8_t id[TEE_OBJECT_ID_MAX_LEN];
	size_t size = sizeof(id), count = 0, bytes = 0;

	RESULT(TEE_AllocatePersistentObjectEnumerator(&list));
	RESULT(TEE_GetNextPersistentObject(list, &info, id, &size));
	RESULT(TEE_StartPersistentObjectEnumerator(list, TEE_STORAGE_PRIVATE));
	RESULT(create("one", ALL, "1"));
	close_it();
	RESULT(create("second", ALL, "22"));
	close_it();
	RESULT(TEE_StartPersistentObjectEnumerator(list, TEE_STORAGE_PRIVATE));
	while (TEE_GetNextPersistentObject(list, &info, id, &size) == TEE_SUCCESS) {
		count++;
		bytes += size * 100 + info.dataSize;
		size = sizeof(id);
	}
	report("%zu objects: %zu", count, bytes);
	RESULT(TEE_GetNextPersistentObject(list, &info, id, &size));
	TEE_ResetPersistentObjectEnumerator(list);
	RESULT(TEE_GetNextPersistentObject(list, &info, id, &size));
	RESULT(TEE_StartPersistentObjectEnumerator(list, 0x1234));
	TEE_FreePersistentObjectEnumerator(list);
	TEE_FreePersistentObjectEnumerator(TEE_HANDLE_NULL);
	remove_object("one");
	remove_object("second");
}

const struct test_case storage_cases[] = {
	{ "data of an object", data },
	{ "sharing an object", sharing },
	{ "rights to an object", rights },
	{ "names of objects", names },
	{ "keys that are kept", keys },
	{ "lists of objects", lists },
	{},
};
