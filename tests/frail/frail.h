/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the frail RMM takes for an order: X1 of RMI_FEATURES, or of RSI_VERSION from a realm. Any
 * other value gets what the specification says, and these do, too, if it lives on.
 */
#pragma once

#define FRAIL_READ_NULL	  0xF4A10001
#define FRAIL_WRITE_CODE  0xF4A10002
#define FRAIL_WRITE_CONST 0xF4A10003
#define FRAIL_RUN_DATA	  0xF4A10004
#define FRAIL_USE_UP	  0xF4A10005 /* its stack */
#define FRAIL_KEEP_LOCK	  0xF4A10006 /* of the delegated granule in X2 */
#define FRAIL_IN_REALM	  0xF4A10007 /* RSI_VERSION alone */

/* Whether it overwrites what it reads of the host's memory, as soon as it has read it. */
#define FRAIL_SPOIL   0xF4A10008
#define FRAIL_DO_NOT  0xF4A10009
#define FRAIL_SPOILED 0xA5 /* each byte */

/* The stack protector's guard, in X1 of the result. */
#define FRAIL_TELL_GUARD 0xF4A1000A
