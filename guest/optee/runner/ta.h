/* SPDX-License-Identifier: BSD-3-Clause */
/* How a TA's pointers and parameters are read. */
#pragma once

#include <abi/tee.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The memory at an address of the TA's that was looked up in its map.
 */
static inline void *ta_pointer(uint64_t addr)
{
	return (void *)(uintptr_t)addr;
}

static inline unsigned int ta_param_type(const struct tee_params *params, unsigned int n)
{
	return (unsigned int)(params->types >> (4 * n)) & 0xfU;
}

static inline bool ta_param_is_value(unsigned int type)
{
	return type >= TEE_PARAM_TYPE_VALUE_INPUT && type <= TEE_PARAM_TYPE_VALUE_INOUT;
}

static inline bool ta_param_is_memref(unsigned int type)
{
	return type >= TEE_PARAM_TYPE_MEMREF_INPUT && type <= TEE_PARAM_TYPE_MEMREF_INOUT;
}

/*
 * Whether a parameter carries something back to the caller.
 */
static inline bool ta_param_is_output(unsigned int type)
{
	return type == TEE_PARAM_TYPE_VALUE_OUTPUT || type == TEE_PARAM_TYPE_VALUE_INOUT ||
	       type == TEE_PARAM_TYPE_MEMREF_OUTPUT || type == TEE_PARAM_TYPE_MEMREF_INOUT;
}
