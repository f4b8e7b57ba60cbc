/* SPDX-License-Identifier: BSD-3-Clause */
#include "request.h"

#include <abi/tee.h>
#include <string.h>

#include "edge.h"

#define PAGE	  ((uint64_t)TEE_CLIENT_PAGE)
#define NO_REGION TEE_CLIENT_NO_REGION

/* The rest of a frame. */
struct rest {
	const uint8_t *at;
	size_t left;
};

static bool take(struct rest *rest, void *to, size_t size)
{
	if (size > rest->left) {
		return false;
	}
	memcpy(to, rest->at, size);
	rest->at += size;
	rest->left -= size;
	return true;
}

static unsigned int type_of(uint32_t types, unsigned int n)
{
	return types >> (TEE_PARAM_TYPE_BITS * n) & 0xfU;
}

static bool is_memref(unsigned int type)
{
	return type >= TEE_PARAM_TYPE_MEMREF_INPUT && type <= TEE_PARAM_TYPE_MEMREF_INOUT;
}

static bool is_value(unsigned int type)
{
	return type >= TEE_PARAM_TYPE_VALUE_INPUT && type <= TEE_PARAM_TYPE_VALUE_INOUT;
}

static bool is_output(unsigned int type)
{
	return type == TEE_PARAM_TYPE_VALUE_OUTPUT || type == TEE_PARAM_TYPE_VALUE_INOUT ||
	       type == TEE_PARAM_TYPE_MEMREF_OUTPUT || type == TEE_PARAM_TYPE_MEMREF_INOUT;
}

/* How memory of a kind of parameter is used. */
static uint32_t direction(unsigned int type)
{
	switch (type) {
	case TEE_PARAM_TYPE_MEMREF_INPUT:
		return TEE_CLIENT_REGION_IN;
	case TEE_PARAM_TYPE_MEMREF_OUTPUT:
		return TEE_CLIENT_REGION_OUT;
	default:
		return TEE_CLIENT_REGION_IN | TEE_CLIENT_REGION_OUT;
	}
}

static bool value_is_sane(unsigned int type, const struct tee_client_param *param)
{
	bool given = type == TEE_PARAM_TYPE_VALUE_INPUT || type == TEE_PARAM_TYPE_VALUE_INOUT;
	uint64_t limit = given ? UINT32_MAX : 0;

	return (is_value(type) || type == TEE_PARAM_TYPE_NONE) && param->c == NO_REGION &&
	       param->a <= limit && param->b <= limit;
}

static bool memref_is_sane(const struct request *request, unsigned int type,
			   const struct tee_client_param *param, uint32_t *used)
{
	uint64_t size;

	if (param->c == NO_REGION) {
		return param->a == 0 && param->b == 0;
	}
	if (param->c >= request->region_count) {
		return false;
	}
	used[param->c] |= direction(type);
	size = request->regions[param->c].size;
	return param->a <= size && param->b <= size - param->a;
}

/* Give each region pages of its own in the window, with a free one behind it. */
static bool place_regions(struct request *request, const struct tee_client_region *regions,
			  struct rest *rest)
{
	uint64_t next = 0;

	for (uint32_t n = 0; n < request->region_count; n++) {
		const struct tee_client_region *region = &regions[n];
		struct request_region *placed = &request->regions[n];

		if (region->shift >= PAGE || region->size > EDGE_WINDOW) {
			return false;
		}
		placed->at = next + region->shift;
		placed->size = region->size;
		placed->count = (region->flags & TEE_CLIENT_REGION_IN) != 0 ? region->size : 0;
		placed->bytes = rest->at;
		if (placed->count > rest->left) {
			return false;
		}
		rest->at += placed->count;
		rest->left -= placed->count;
		next = (placed->at + placed->size + PAGE - 1) / PAGE * PAGE + PAGE;
		/* Even a region of no bytes has one in the TA. */
		if (region->size == 0) {
			next += PAGE;
		}
	}
	return next <= EDGE_WINDOW && rest->left == 0;
}

static bool params_are_sane(const struct request *request, const struct tee_client_region *regions)
{
	uint32_t used[TEE_CLIENT_REGIONS_MAX] = { 0 };

	for (unsigned int n = 0; n < TEE_CLIENT_PARAMS; n++) {
		unsigned int type = type_of(request->types, n);
		const struct tee_client_param *param = &request->params[n];

		if (is_memref(type) ? !memref_is_sane(request, type, param, used)
				    : !value_is_sane(type, param)) {
			return false;
		}
	}
	for (uint32_t n = 0; n < request->region_count; n++) {
		if (used[n] == 0 || used[n] != regions[n].flags) {
			return false;
		}
	}
	return true;
}

bool request_read(struct request *request, const struct tee_client_header *header,
		  const uint8_t *body)
{
	struct rest rest = { body, header->length };
	struct tee_client_region regions[TEE_CLIENT_REGIONS_MAX];
	struct tee_client_params params;

	request->header = *header;
	if (!take(&rest, &request->invoke, sizeof(request->invoke)) ||
	    !take(&rest, &params, sizeof(params)) || params.region_count > TEE_CLIENT_REGIONS_MAX ||
	    params.types >> (TEE_PARAM_TYPE_BITS * TEE_CLIENT_PARAMS) != 0) {
		return false;
	}
	request->types = params.types;
	request->region_count = params.region_count;
	return take(&rest, regions, params.region_count * sizeof(regions[0])) &&
	       take(&rest, request->params, sizeof(request->params)) &&
	       place_regions(request, regions, &rest) && params_are_sane(request, regions);
}

static void put(struct request_orders *orders, const void *bytes, size_t size)
{
	if (size > 0) {
		/* sendmsg(2) reads only: its structure has no place for a const. */
		orders->parts[orders->part_count].iov_base = (void *)(uintptr_t)bytes;
		orders->parts[orders->part_count].iov_len = size;
		orders->part_count++;
		orders->size += size;
	}
}

static struct tee_run_frame frame_of(uint32_t type, size_t size)
{
	return (struct tee_run_frame){ (uint32_t)(TEE_RUN_LENGTH_MIN + size), type };
}

void request_order(struct request_orders *orders, const struct request *request,
		   const struct instance *instance)
{
	uint64_t *vals = orders->enter.order.vals;

	orders->part_count = orders->size = 0;
	for (uint32_t n = 0; n < request->region_count; n++) {
		const struct request_region *region = &request->regions[n];

		orders->regions[n].frame =
			frame_of(TEE_RUN_REGION, sizeof(struct tee_run_map) + region->count);
		orders->regions[n].order = (struct tee_run_map){
			.address = instance->window + region->at,
			.size = region->size > 0 ? region->size : 1,
			.prot = TEE_RUN_PROT_READ | TEE_RUN_PROT_WRITE,
			.flags = TEE_RUN_FLAG_NONSECURE,
		};
		put(orders, &orders->regions[n], sizeof(orders->regions[n]));
		put(orders, region->bytes, region->count);
	}
	orders->enter.frame = frame_of(TEE_RUN_ENTER, sizeof(struct tee_run_enter));
	orders->enter.order = (struct tee_run_enter){
		.function = TEE_ENTRY_INVOKE_COMMAND,
		.command = request->invoke.command,
		.session = request->invoke.session,
		.entry = instance->entry,
		.stack_top = instance->stack_top,
		.types = request->types,
	};
	for (unsigned int n = 0; n < TEE_CLIENT_PARAMS; n++) {
		const struct tee_client_param *param = &request->params[n];

		vals[2 * n] = param->a;
		vals[2 * n + 1] = param->b;
		if (param->c != NO_REGION) {
			vals[2 * n] += instance->window + request->regions[param->c].at;
		}
	}
	put(orders, &orders->enter, sizeof(orders->enter));
}

bool request_answer(struct request_answer *answer, const struct request *request,
		    const struct tee_run_returned *returned, size_t bytes)
{
	*answer = (struct request_answer){
		.header = request->header,
		.result = { returned->result, TEE_ORIGIN_TRUSTED_APP, 0, 0 },
		.params = { request->types, 0 },
	};
	answer->header.kind = TEE_CLIENT_KIND_INVOKED;
	answer->header.length = (uint32_t)(sizeof(*answer) - sizeof(answer->header) + bytes);
	for (unsigned int n = 0; n < TEE_CLIENT_PARAMS; n++) {
		struct tee_client_param *outcome = &answer->outcomes[n];
		unsigned int type = type_of(request->types, n);
		uint64_t a = returned->vals[2 * n];
		uint64_t b = returned->vals[2 * n + 1];

		if (!is_output(type)) {
			continue;
		}
		if (!is_memref(type)) {
			*outcome = (struct tee_client_param){ (uint32_t)a, (uint32_t)b, 0 };
			continue;
		}
		outcome->b = b;
		if (request->params[n].c == NO_REGION) {
			continue;
		}
		if (b > request->params[n].b) {
			/* Or its caller would read past its own memory. */
			if (answer->result.result == TEE_SUCCESS) {
				answer->result.result = TEE_ERROR_SHORT_BUFFER;
			}
			continue;
		}
		if (b > bytes) {
			return false;
		}
		outcome->c = b;
		bytes -= b;
	}
	return bytes == 0;
}
