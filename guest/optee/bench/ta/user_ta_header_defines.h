/* SPDX-License-Identifier: BSD-3-Clause */
/* What OP-TEE's dev kit puts into the TA's header and properties. */
#ifndef USER_TA_HEADER_DEFINES_H
#define USER_TA_HEADER_DEFINES_H

#include <bench_ta.h>

#define TA_UUID BENCH_TA_UUID

/* One instance for each session: opening one loads the TA. */
#define TA_FLAGS       0
#define TA_STACK_SIZE  (4 * 1024)
#define TA_DATA_SIZE   (64 * 1024)

#define TA_VERSION     "1.0"
#define TA_DESCRIPTION "realmos bench: what a TEE's operations cost"

#endif
