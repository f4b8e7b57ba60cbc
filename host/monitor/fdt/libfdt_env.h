/* SPDX-License-Identifier: BSD-3-Clause */
/* What libfdt asks of its environment, made of our freestanding library. */
#ifndef LIBFDT_ENV_H
#define LIBFDT_ENV_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/string.h>

#define FDT_FORCE
#define FDT_BITWISE

typedef uint16_t fdt16_t;
typedef uint32_t fdt32_t;
typedef uint64_t fdt64_t;

static inline uint16_t fdt16_to_cpu(fdt16_t value)
{
	return __builtin_bswap16(value);
}

static inline uint32_t fdt32_to_cpu(fdt32_t value)
{
	return __builtin_bswap32(value);
}

static inline uint64_t fdt64_to_cpu(fdt64_t value)
{
	return __builtin_bswap64(value);
}

#define cpu_to_fdt16(value) fdt16_to_cpu(value)
#define cpu_to_fdt32(value) fdt32_to_cpu(value)
#define cpu_to_fdt64(value) fdt64_to_cpu(value)

#endif
