/* SPDX-License-Identifier: BSD-3-Clause */
/* From a TA's registers and memory into a CALL frame. */
#include <abi/tee_run.h>
#include <assert.h>
#include <string.h>

#include "call.h"
#include "ta.h"

/* Bytes of the TA's, by reference. The frame's size is checked when all is in it. */
static uint32_t put_bytes(struct call *call, uint64_t addr, uint64_t size, bool own)
{
	if (!map_allows(&call->runner->map, addr, size, TEE_RUN_PROT_READ, own)) {
		return TEE_ERROR_ACCESS_DENIED;
	}
	frame_put_u64(&call->runner->out, size);
	frame_put_bytes(&call->runner->out, ta_pointer(addr), size);
	return TEE_SUCCESS;
}

/* As many zero bytes, from one array: 128 times at most, for which a frame has enough parts. */
static uint32_t put_zeros(struct call *call, uint64_t size)
{
	/* Not a constant, which would be in the program's file. */
	static uint8_t zeros[TEE_RUN_LENGTH_MAX / 128];

	if (size > TEE_RUN_LENGTH_MAX) {
		return TEE_ERROR_OUT_OF_MEMORY;
	}
	frame_put_u64(&call->runner->out, size);
	while (size > 0) {
		size_t step = size < sizeof(zeros) ? size : sizeof(zeros);

		frame_put_bytes(&call->runner->out, zeros, step);
		size -= step;
	}
	return TEE_SUCCESS;
}

static uint32_t put_capacity(struct call *call, struct call_output *output)
{
	if (output->addr == 0 && output->capacity > 0) {
		return TEE_ERROR_ACCESS_DENIED;
	}
	if (!map_allows(&call->runner->map, output->addr, output->capacity, TEE_RUN_PROT_WRITE,
			false)) {
		return TEE_ERROR_ACCESS_DENIED;
	}
	output->wanted = true;
	frame_put_u64(&call->runner->out, output->capacity);
	return TEE_SUCCESS;
}

static uint32_t put_out(struct call *call, struct call_output *output, size_t width)
{
	if (output->length_addr == 0) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	if (!map_allows(&call->runner->map, output->length_addr, width,
			TEE_RUN_PROT_READ | TEE_RUN_PROT_WRITE, false)) {
		return TEE_ERROR_ACCESS_DENIED;
	}
	output->capacity = 0;
	memcpy(&output->capacity, ta_pointer(output->length_addr), width);
	return put_capacity(call, output);
}

static uint32_t put_out_optional(struct call *call, struct call_output *output)
{
	if (output->addr == 0 || output->length_addr == 0) {
		frame_put_u64(&call->runner->out, TEE_CAPACITY_NOT_WANTED);
		return TEE_SUCCESS;
	}
	return put_out(call, output, sizeof(uint32_t));
}

/* An output of fixed size, which has no place in the frame. */
static uint32_t want(struct call *call, struct call_output *output, size_t size)
{
	if (output->addr == 0) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	if (!map_allows(&call->runner->map, output->addr, size, TEE_RUN_PROT_WRITE, false)) {
		return TEE_ERROR_ACCESS_DENIED;
	}
	output->capacity = size;
	output->wanted = true;
	return TEE_SUCCESS;
}

static uint32_t want_optional(struct call *call, struct call_output *output, size_t size)
{
	uint32_t result = output->addr == 0 ? TEE_SUCCESS : want(call, output, size);

	frame_put_u64(&call->runner->out, output->wanted ? 1 : 0);
	return result;
}

static uint32_t put_attributes(struct call *call, uint64_t addr, uint64_t count)
{
	struct tee_attribute attribute;
	uint32_t result = TEE_SUCCESS;

	if (count > TEE_CALL_ATTRIBUTES_MAX) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	if (!map_allows(&call->runner->map, addr, count * sizeof(attribute), TEE_RUN_PROT_READ,
			false)) {
		return TEE_ERROR_ACCESS_DENIED;
	}
	frame_put_u64(&call->runner->out, count);
	for (uint64_t n = 0; n < count && result == TEE_SUCCESS; n++) {
		memcpy(&attribute, ta_pointer(addr + n * sizeof(attribute)), sizeof(attribute));
		frame_put_u64(&call->runner->out, attribute.id);
		if ((attribute.id & TEE_ATTR_FLAG_VALUE) != 0) {
			frame_put_u64(&call->runner->out, attribute.a);
			frame_put_u64(&call->runner->out, attribute.b);
		} else {
			result = put_bytes(call, attribute.a, attribute.b, false);
		}
	}
	return result;
}

/* Whose memory it is. What is a client's in part is a client's. */
static uint64_t memory_of(const struct map *map, uint64_t addr, uint64_t size)
{
	if (addr == 0) {
		return TEE_RUN_MEMORY_NULL;
	}
	if (map_allows(map, addr, size, 0, true)) {
		return TEE_RUN_MEMORY_OWN;
	}
	return map_lacks_flags(map, addr, size, TEE_RUN_FLAG_NONSECURE) ? TEE_RUN_MEMORY_TA
									: TEE_RUN_MEMORY_CLIENT;
}

static uint32_t put_memref(struct call *call, unsigned int type, uint64_t addr, uint64_t size)
{
	uint32_t prot = TEE_RUN_PROT_READ;

	if (type != TEE_PARAM_TYPE_MEMREF_INPUT) {
		prot |= TEE_RUN_PROT_WRITE;
	}
	if (addr == 0 && size > 0) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	if (!map_allows(&call->runner->map, addr, size, prot, false)) {
		return TEE_ERROR_ACCESS_DENIED;
	}
	frame_put_u64(&call->runner->out, memory_of(&call->runner->map, addr, size));
	return put_bytes(call, addr, size, false);
}

static uint32_t put_params(struct call *call, struct call_output *output)
{
	struct tee_params *params = &call->params;
	uint32_t result = TEE_SUCCESS;

	memset(params, 0, sizeof(*params));
	if (output->addr != 0) {
		if (!map_allows(&call->runner->map, output->addr, sizeof(*params),
				TEE_RUN_PROT_READ | TEE_RUN_PROT_WRITE, false)) {
			return TEE_ERROR_ACCESS_DENIED;
		}
		memcpy(params, ta_pointer(output->addr), sizeof(*params));
		output->wanted = true;
	}
	frame_put_u64(&call->runner->out, params->types);
	for (unsigned int n = 0; n < TEE_PARAM_COUNT && result == TEE_SUCCESS; n++) {
		unsigned int type = ta_param_type(params, n);

		if (ta_param_is_value(type)) {
			frame_put_u64(&call->runner->out, params->vals[2 * n]);
			frame_put_u64(&call->runner->out, params->vals[2 * n + 1]);
		} else if (ta_param_is_memref(type)) {
			result = put_memref(call, type, params->vals[2 * n],
					    params->vals[2 * n + 1]);
		} else if (type != TEE_PARAM_TYPE_NONE) {
			result = TEE_ERROR_BAD_PARAMETERS;
		}
	}
	return result;
}

/* A system call's argument of one register. */
static uint32_t put_single(struct call *call, const struct call_kind *argument,
			   struct call_output *output, uint64_t value)
{
	output->addr = value;
	switch (argument->kind) {
	case TEE_ARG_U32:
		frame_put_u64(&call->runner->out, (uint32_t)value);
		return TEE_SUCCESS;
	case TEE_ARG_I32:
		frame_put_u64(&call->runner->out, (uint64_t)(int64_t)(int32_t)(uint32_t)value);
		return TEE_SUCCESS;
	case TEE_ARG_U64:
		frame_put_u64(&call->runner->out, value);
		return TEE_SUCCESS;
	case TEE_ARG_INSTRUCT:
		return value == 0 ? TEE_ERROR_BAD_PARAMETERS
				  : put_bytes(call, value, argument->size, false);
	case TEE_ARG_OUTSTRUCT:
		return want(call, output, argument->size);
	case TEE_ARG_RET32:
		return want(call, output, sizeof(uint32_t));
	case TEE_ARG_RET32_OPT:
		return want_optional(call, output, sizeof(uint32_t));
	case TEE_ARG_RET64:
		return want(call, output, sizeof(uint64_t));
	case TEE_ARG_PARAMS:
		return put_params(call, output);
	default:
		return TEE_ERROR_NOT_SUPPORTED;
	}
}

static size_t registers_of(uint8_t kind)
{
	switch (kind) {
	case TEE_ARG_READ:
		return 3;
	case TEE_ARG_IN:
	case TEE_ARG_IN_OWN:
	case TEE_ARG_OUT:
	case TEE_ARG_OUT32:
	case TEE_ARG_OUT32_OPT:
	case TEE_ARG_FILL:
	case TEE_ARG_ATTRS:
	case TEE_ARG_ATTRS_INOUT:
	case TEE_ARG_IN_ZEROS:
		return 2;
	default:
		return 1;
	}
}

/* An argument of two registers: an address, and how much is there or where that is said. */
static uint32_t put_pair(struct call *call, uint8_t kind, struct call_output *output, uint64_t addr,
			 uint64_t size)
{
	output->addr = addr;
	switch (kind) {
	case TEE_ARG_IN:
		return put_bytes(call, addr, size, false);
	case TEE_ARG_IN_OWN:
		return put_bytes(call, addr, size, true);
	case TEE_ARG_IN_ZEROS:
		return addr == 0 ? put_zeros(call, size) : put_bytes(call, addr, size, false);
	case TEE_ARG_ATTRS:
	case TEE_ARG_ATTRS_INOUT:
		output->capacity = size;
		return put_attributes(call, addr, size);
	case TEE_ARG_FILL:
		output->capacity = size;
		return put_capacity(call, output);
	default:
		output->length_addr = size;
		if (kind == TEE_ARG_OUT32_OPT) {
			return put_out_optional(call, output);
		}
		return put_out(call, output,
			       kind == TEE_ARG_OUT32 ? sizeof(uint32_t) : sizeof(uint64_t));
	}
}

/* Room for bytes, and where to say how many came. */
static uint32_t put_read(struct call *call, struct call_output *output, const uint64_t *registers)
{
	output->addr = registers[0];
	output->capacity = registers[1];
	output->length_addr = registers[2];
	if (output->length_addr == 0) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	if (!map_allows(&call->runner->map, output->length_addr, sizeof(uint64_t),
			TEE_RUN_PROT_WRITE, false)) {
		return TEE_ERROR_ACCESS_DENIED;
	}
	return put_capacity(call, output);
}

uint32_t call_put_arguments(struct call *call, const uint64_t *registers)
{
	uint32_t result = TEE_SUCCESS;
	size_t next = 0;

	memset(call->outputs, 0, sizeof(call->outputs));
	for (size_t n = 0; n < call->entry->count && result == TEE_SUCCESS; n++) {
		const struct call_kind *argument = &call->entry->arguments[n];
		const uint64_t *at = &registers[next];
		size_t count = registers_of(argument->kind);

		next += count;
		assert(next <= TEE_CALL_ARGUMENTS_MAX);
		if (count == 3) {
			result = put_read(call, &call->outputs[n], at);
		} else if (count == 2) {
			result = put_pair(call, argument->kind, &call->outputs[n], at[0], at[1]);
		} else {
			result = put_single(call, argument, &call->outputs[n], at[0]);
		}
	}
	if (result == TEE_SUCCESS && !frame_fits(&call->runner->out)) {
		result = TEE_ERROR_OUT_OF_MEMORY;
	}
	return result;
}
