/* SPDX-License-Identifier: BSD-3-Clause */
/* The compiler's own goes on to the C library's, which there is none of. */
#pragma once

#define CHAR_BIT   __CHAR_BIT__
#define INT_MAX	   __INT_MAX__
#define UINT_MAX   (__INT_MAX__ * 2U + 1U)
#define ULONG_MAX  (__LONG_MAX__ * 2UL + 1UL)
#define ULLONG_MAX (__LONG_LONG_MAX__ * 2ULL + 1ULL)
