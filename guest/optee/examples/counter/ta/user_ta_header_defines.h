/* SPDX-License-Identifier: BSD-3-Clause */
/* What OP-TEE's dev kit puts into the TA's header and properties. */
#ifndef USER_TA_HEADER_DEFINES_H
#define USER_TA_HEADER_DEFINES_H

#include <counter_ta.h>

#define TA_UUID COUNTER_TA_UUID

/* One instance for all sessions, so that clients advance the counter one after the other. */
#define TA_FLAGS       (TA_FLAG_SINGLE_INSTANCE | TA_FLAG_MULTI_SESSION)
#define TA_STACK_SIZE  (2 * 1024)
#define TA_DATA_SIZE   (32 * 1024)

#define TA_VERSION     "1.0"
#define TA_DESCRIPTION "realmos example: a counter that never goes back"

#endif
