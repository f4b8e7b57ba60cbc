/* SPDX-License-Identifier: BSD-3-Clause */
/* What OP-TEE's dev kit puts into the TA's header and properties. */
#ifndef USER_TA_HEADER_DEFINES_H
#define USER_TA_HEADER_DEFINES_H

#include <conformance.h>

#define TA_UUID	       CONFORMANCE_UUID

#define TA_FLAGS       0
#define TA_STACK_SIZE  (128 * 1024)
#define TA_DATA_SIZE   (512 * 1024)

#define TA_VERSION     "7.1"
#define TA_DESCRIPTION "what a TEE answers"

#define TA_CURRENT_TA_EXT_PROPERTIES                                                               \
	{ "conformance.text", USER_TA_PROP_TYPE_STRING, "a text" },                                \
		{ "conformance.number", USER_TA_PROP_TYPE_U32, &(const uint32_t){ 0x12345678 } },  \
		{ "conformance.big", USER_TA_PROP_TYPE_U64,                                        \
		  &(const uint64_t){ 0x123456789abcULL } },                                        \
		{ "conformance.yes", USER_TA_PROP_TYPE_BOOL, &(const bool){ true } },              \
		{ "conformance.block", USER_TA_PROP_TYPE_BINARY_BLOCK, "AAECAwQFBgc=" },           \
		{ "conformance.empty", USER_TA_PROP_TYPE_STRING, "" },                             \
		{ "conformance.uuid", USER_TA_PROP_TYPE_UUID, &(const TEE_UUID)CONFORMANCE_UUID },

#endif
