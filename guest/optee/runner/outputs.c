/* SPDX-License-Identifier: BSD-3-Clause */
/* From a RESULT frame into a TA's memory. */
#include <abi/tee_run.h>
#include <string.h>

#include "call.h"
#include "ta.h"

/* Take bytes into the TA's memory, or pass over them if that is gone by now. */
static bool take_bytes(struct call *call, struct frame_in *in, uint64_t addr, uint64_t size,
		       uint32_t *result)
{
	if (!map_allows(&call->runner->map, addr, size, TEE_RUN_PROT_WRITE, false)) {
		*result = TEE_ERROR_ACCESS_DENIED;
		return frame_skip(in, size);
	}
	return frame_take(in, ta_pointer(addr), size);
}

static void write_back(struct call *call, uint64_t addr, const void *value, size_t size,
		       uint32_t *result)
{
	if (map_allows(&call->runner->map, addr, size, TEE_RUN_PROT_WRITE, false)) {
		memcpy(ta_pointer(addr), value, size);
	} else {
		*result = TEE_ERROR_ACCESS_DENIED;
	}
}

/* An output whose length is told to the TA. */
static bool take_sized(struct call *call, struct frame_in *in, const struct call_output *output,
		       size_t width, uint32_t *result)
{
	uint64_t size;

	if (!frame_take_u64(in, &size)) {
		return false;
	}
	if (size == TEE_CAPACITY_NOT_WANTED) {
		return true;
	}
	if (!output->wanted) {
		return size == 0;
	}
	if (width == sizeof(uint32_t) && size > UINT32_MAX) {
		return false;
	}
	/* More than there is room for is the size that the TA should have given. */
	if (size <= output->capacity && !take_bytes(call, in, output->addr, size, result)) {
		return false;
	}
	write_back(call, output->length_addr, &size, width, result);
	return true;
}

/* An output of known size, or of at most that size, or none. */
static bool take_fixed(struct call *call, struct frame_in *in, const struct call_output *output,
		       bool whole, uint32_t *result)
{
	uint64_t size;

	if (!frame_take_u64(in, &size)) {
		return false;
	}
	if (size == 0) {
		return true;
	}
	if (!output->wanted || size > output->capacity || (whole && size != output->capacity)) {
		return false;
	}
	return take_bytes(call, in, output->addr, size, result);
}

static bool take_param(struct call *call, struct frame_in *in, unsigned int n, uint32_t *result)
{
	uint64_t *vals = &call->params.vals[(size_t)2 * n];
	unsigned int type = ta_param_type(&call->params, n);
	uint64_t room = vals[1];
	uint64_t size;

	if (!ta_param_is_output(type)) {
		return true;
	}
	if (ta_param_is_value(type)) {
		return frame_take_u64(in, &vals[0]) && frame_take_u64(in, &vals[1]);
	}
	return frame_take_u64(in, &vals[1]) && frame_take_u64(in, &size) && size <= room &&
	       take_bytes(call, in, vals[0], size, result);
}

static bool take_params(struct call *call, struct frame_in *in, const struct call_output *output,
			uint32_t *result)
{
	for (unsigned int n = 0; n < TEE_PARAM_COUNT; n++) {
		if (!take_param(call, in, n, result)) {
			return false;
		}
	}
	if (output->wanted) {
		write_back(call, output->addr, &call->params, sizeof(call->params), result);
	}
	return true;
}

/* Bytes for those attributes that the call has written. */
static bool take_attributes(struct call *call, struct frame_in *in,
			    const struct call_output *output, uint32_t *result)
{
	struct tee_attribute attribute;
	uint64_t all;
	uint64_t size;

	if (!frame_take_u64(in, &all)) {
		return false;
	}
	if (all == 0) {
		return true;
	}
	for (uint64_t n = 0; n < output->capacity; n++) {
		uint64_t at = output->addr + n * sizeof(attribute);

		if (!map_allows(&call->runner->map, at, sizeof(attribute), TEE_RUN_PROT_READ,
				false)) {
			return false;
		}
		memcpy(&attribute, ta_pointer(at), sizeof(attribute));
		if ((attribute.id & TEE_ATTR_FLAG_VALUE) != 0) {
			continue;
		}
		if (!frame_take_u64(in, &size) || size > attribute.b ||
		    !take_bytes(call, in, attribute.a, size, result)) {
			return false;
		}
	}
	return true;
}

static bool is_output(uint8_t kind)
{
	switch (kind) {
	case TEE_ARG_OUT:
	case TEE_ARG_OUT32:
	case TEE_ARG_OUT32_OPT:
	case TEE_ARG_FILL:
	case TEE_ARG_READ:
	case TEE_ARG_RET32:
	case TEE_ARG_RET32_OPT:
	case TEE_ARG_RET64:
	case TEE_ARG_OUTSTRUCT:
	case TEE_ARG_PARAMS:
	case TEE_ARG_ATTRS_INOUT:
		return true;
	default:
		return false;
	}
}

static bool take_output(struct call *call, struct frame_in *in, uint8_t kind,
			const struct call_output *output, uint32_t *result)
{
	switch (kind) {
	case TEE_ARG_OUT:
	case TEE_ARG_READ:
		return take_sized(call, in, output, sizeof(uint64_t), result);
	case TEE_ARG_OUT32:
	case TEE_ARG_OUT32_OPT:
		return take_sized(call, in, output, sizeof(uint32_t), result);
	case TEE_ARG_PARAMS:
		return take_params(call, in, output, result);
	case TEE_ARG_ATTRS_INOUT:
		return take_attributes(call, in, output, result);
	default:
		return take_fixed(call, in, output, kind != TEE_ARG_FILL, result);
	}
}

static uint32_t count_outputs(const struct call_entry *entry)
{
	uint32_t count = 0;

	for (size_t n = 0; n < entry->count; n++) {
		count += is_output(entry->arguments[n].kind) ? 1 : 0;
	}
	return count;
}

bool call_take_outputs(struct call *call, struct frame_in *in, uint32_t *result)
{
	struct tee_run_result head;

	if (!frame_take(in, &head, sizeof(head))) {
		return false;
	}
	*result = head.result;
	if (head.count == 0) {
		return in->left == 0;
	}
	if (head.count != count_outputs(call->entry)) {
		return false;
	}
	for (size_t n = 0; n < call->entry->count; n++) {
		uint8_t kind = call->entry->arguments[n].kind;

		if (is_output(kind) && !take_output(call, in, kind, &call->outputs[n], result)) {
			return false;
		}
	}
	return in->left == 0;
}
