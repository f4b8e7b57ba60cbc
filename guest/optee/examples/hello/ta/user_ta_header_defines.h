/* SPDX-License-Identifier: BSD-3-Clause */
/* What OP-TEE's dev kit puts into the TA's header and properties. */
#ifndef USER_TA_HEADER_DEFINES_H
#define USER_TA_HEADER_DEFINES_H

#include <hello_ta.h>

#define TA_UUID HELLO_TA_UUID

/* One instance for each session: nothing is shared between clients. */
#define TA_FLAGS       0
#define TA_STACK_SIZE  (2 * 1024)
#define TA_DATA_SIZE   (32 * 1024)

#define TA_VERSION     "1.0"
#define TA_DESCRIPTION "realmos example: hello"

#endif
