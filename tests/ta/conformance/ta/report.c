// SPDX-License-Identifier: BSD-3-Clause
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char *text;
static size_t used, room;

void report_begin(size_t size)
{
	text = TEE_Malloc(size, TEE_MALLOC_FILL_ZERO);
	used = 0;
	room = text ? size : 0;
}

size_t report_end(void *buffer, size_t size)
{
	const size_t length = used < size ? used : size;

	memcpy(buffer, text, length);
	TEE_Free(text);
	room = 0;
	return length;
}

static void append(const char *format, va_list arguments)
{
	const int length = vsnprintf(text + used, room - used, format, arguments);

	if (length > 0 && (size_t)length < room - used) {
		used += (size_t)length;
	}
}

static void __printf(1, 2) add(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	append(format, arguments);
	va_end(arguments);
}

void report(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	append(format, arguments);
	va_end(arguments);
	add("\n");
}

void report_bytes(const char *name, const void *bytes, size_t size)
{
	const uint8_t *byte = bytes;

	add("%s:", name);
	for (size_t i = 0; i < size; i++) {
		add("%s%02x", i % 16 == 0 ? " " : "", byte[i]);
	}
	add("\n");
}

void report_object(const char *name, TEE_ObjectHandle object)
{
	TEE_ObjectInfo info = {};
	const TEE_Result result = TEE_GetObjectInfo1(object, &info);

	report("%s: %#x type %#x bits %u of %u usage %#x size %zu at %zu flags %#x", name, result,
	       info.objectType, info.objectSize, info.maxObjectSize, info.objectUsage,
	       info.dataSize, info.dataPosition, info.handleFlags);
}

void report_operation(const char *name, TEE_OperationHandle operation)
{
	TEE_OperationInfo info = {};

	TEE_GetOperationInfo(operation, &info);
	report("%s: %#x class %u mode %u digest %u max %u key %u usage %#x state %#x", name,
	       info.algorithm, info.operationClass, info.mode, info.digestLength, info.maxKeySize,
	       info.keySize, info.requiredKeyUsage, info.handleState);
}

void fill_pattern(void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		((uint8_t *)bytes)[i] = (uint8_t)(i % 251);
	}
}

TEE_ObjectHandle pattern_key(uint32_t type, uint32_t bits)
{
	TEE_ObjectHandle key = TEE_HANDLE_NULL;
	uint8_t bytes[128];
	TEE_Attribute secret;

	fill_pattern(bytes, sizeof(bytes));
	TEE_InitRefAttribute(&secret, TEE_ATTR_SECRET_VALUE, bytes, bits / 8);
	if (TEE_AllocateTransientObject(type, bits, &key) != TEE_SUCCESS ||
	    TEE_PopulateTransientObject(key, &secret, 1) != TEE_SUCCESS) {
		report("no key of type %#x", type);
	}
	return key;
}
