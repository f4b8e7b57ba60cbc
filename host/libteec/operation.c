// SPDX-License-Identifier: BSD-3-Clause
/*
 * From an operation to a request's parameters, and back. Memory is not copied: it is sent from
 * where it is, and received to there.
 */
#include "operation.h"

#include <string.h>

#define COUNT TEEC_CONFIG_PAYLOAD_REF_COUNT
_Static_assert(COUNT == TEE_CLIENT_PARAMS, "parameters of the API and of the wire");

/* The bits of a type that say which way it goes: those of the flags of shared memory and regions.
 */
#define DIRECTIONS (TEEC_MEM_INPUT | TEEC_MEM_OUTPUT)
_Static_assert(TEEC_MEM_INPUT == TEE_CLIENT_REGION_IN && TEEC_MEM_OUTPUT == TEE_CLIENT_REGION_OUT,
	       "flags of shared memory and of regions");
/* A type of memory is this and its directions. */
#define MEMORY 4

/* Memory that a parameter uses; absent if address is NULL. parent: what it is a part of. */
struct reference {
	const void *parent;
	char *address;
	size_t size;
	uint32_t directions;
};

/* Memory that the TA sees in one piece. */
struct region {
	const void *parent;
	char *start;
	char *end;
	uint32_t flags;
};

static TEEC_Result refer_temporary(const TEEC_TempMemoryReference *given, uint32_t type,
				   struct reference *out)
{
	if (given->buffer == NULL && given->size != 0) {
		return TEEC_ERROR_BAD_PARAMETERS;
	}
	out->parent = given; /* nothing else is */
	out->address = given->buffer;
	out->size = given->size;
	out->directions = type & DIRECTIONS;
	return TEEC_SUCCESS;
}

static TEEC_Result refer_whole(const TEEC_RegisteredMemoryReference *given, struct reference *out)
{
	const TEEC_SharedMemory *parent = given->parent;

	if (parent == NULL || parent->buffer == NULL || (parent->flags & DIRECTIONS) == 0) {
		return TEEC_ERROR_BAD_PARAMETERS;
	}
	out->parent = parent;
	out->address = parent->buffer;
	out->size = parent->size;
	out->directions = parent->flags & DIRECTIONS;
	return TEEC_SUCCESS;
}

static TEEC_Result refer_partial(const TEEC_RegisteredMemoryReference *given, uint32_t type,
				 struct reference *out)
{
	const TEEC_SharedMemory *parent = given->parent;
	uint32_t needed = type & DIRECTIONS;

	if (parent == NULL || parent->buffer == NULL || (parent->flags & needed) != needed) {
		return TEEC_ERROR_BAD_PARAMETERS;
	}
	if (given->offset > parent->size || given->size > parent->size - given->offset) {
		return TEEC_ERROR_BAD_PARAMETERS;
	}
	out->parent = parent;
	out->address = (char *)parent->buffer + given->offset;
	out->size = given->size;
	out->directions = needed;
	return TEEC_SUCCESS;
}

/* Put one parameter: its type on the wire, its values, and what memory it uses. */
static TEEC_Result pack_one(const TEEC_Parameter *given, uint32_t type, uint32_t *wire_type,
			    struct tee_client_param *out, struct reference *reference)
{
	TEEC_Result result = TEEC_SUCCESS;

	*wire_type = type;
	switch (type) {
	case TEEC_NONE:
	case TEEC_VALUE_OUTPUT:
		return TEEC_SUCCESS;
	case TEEC_VALUE_INPUT:
	case TEEC_VALUE_INOUT:
		out->a = given->value.a;
		out->b = given->value.b;
		return TEEC_SUCCESS;
	case TEEC_MEMREF_TEMP_INPUT:
	case TEEC_MEMREF_TEMP_OUTPUT:
	case TEEC_MEMREF_TEMP_INOUT:
		result = refer_temporary(&given->tmpref, type, reference);
		break;
	case TEEC_MEMREF_WHOLE:
		result = refer_whole(&given->memref, reference);
		break;
	case TEEC_MEMREF_PARTIAL_INPUT:
	case TEEC_MEMREF_PARTIAL_OUTPUT:
	case TEEC_MEMREF_PARTIAL_INOUT:
		result = refer_partial(&given->memref, type, reference);
		break;
	default:
		return TEEC_ERROR_BAD_PARAMETERS;
	}
	*wire_type = MEMORY | reference->directions;
	/* Checked before anything is added to the size. */
	return reference->size > TEE_CLIENT_DATA_MAX ? TEEC_ERROR_OUT_OF_MEMORY : result;
}

/* Whether two pieces of one shared memory overlap, or adjoin up to a page apart. */
static bool belong_together(const struct region *one, const struct region *other)
{
	if (one->parent != other->parent) {
		return false;
	}

	const struct region *first = one->start <= other->start ? one : other;
	const struct region *second = first == one ? other : one;

	return second->start <= first->end ||
	       (size_t)(second->start - first->end) < TEE_CLIENT_PAGE;
}

static void join(struct region *into, const struct region *from)
{
	into->start = from->start < into->start ? from->start : into->start;
	into->end = from->end > into->end ? from->end : into->end;
	into->flags |= from->flags;
}

/* Add a reference's memory; regions that it brings together become one. Returns their number. */
static unsigned int add_region(struct region *regions, unsigned int count,
			       const struct reference *reference)
{
	struct region added = { .parent = reference->parent,
				.start = reference->address,
				.end = reference->address + reference->size,
				.flags = reference->directions };
	unsigned int kept = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (belong_together(&regions[i], &added)) {
			join(&added, &regions[i]);
		} else {
			regions[kept++] = regions[i];
		}
	}
	regions[kept++] = added;
	return kept;
}

/* Say where in which region a reference's memory is. */
static void locate(const struct region *regions, unsigned int count,
		   const struct reference *reference, struct tee_client_param *out)
{
	for (unsigned int i = 0; i < count; i++) {
		if (regions[i].parent == reference->parent &&
		    reference->address >= regions[i].start &&
		    reference->address + reference->size <= regions[i].end) {
			out->a = (uint64_t)(reference->address - regions[i].start);
			out->b = reference->size;
			out->c = i;
			return;
		}
	}
}

static void append(struct call *call, const void *data, size_t size)
{
	struct iovec *head = &call->pieces[0];

	memcpy(call->head + head->iov_len, data, size);
	head->iov_len += size;
}

/* Returns the size of all regions. */
static uint64_t append_regions(struct call *call, const struct region *regions, unsigned int count)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct tee_client_region out = {
			.size = (uint64_t)(regions[i].end - regions[i].start),
			.flags = regions[i].flags,
			.shift = (uint32_t)((uintptr_t)regions[i].start % TEE_CLIENT_PAGE),
		};

		total += out.size;
		append(call, &out, sizeof(out));
		if ((out.flags & TEE_CLIENT_REGION_IN) != 0) {
			call->pieces[call->piece_count++] =
				(struct iovec){ .iov_base = regions[i].start, .iov_len = out.size };
		}
	}
	return total;
}

static void put_header(struct call *call)
{
	struct tee_client_header header = { .magic = TEE_CLIENT_MAGIC, .kind = call->kind };

	for (int i = 0; i < call->piece_count; i++) {
		header.length += (uint32_t)call->pieces[i].iov_len;
	}
	header.length -= (uint32_t)sizeof(header);
	memcpy(call->head, &header, sizeof(header));
}

/* Returns the size of what an answer may carry: what two references share, it carries twice. */
static uint64_t answer_size(const struct call *call)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < COUNT; i++) {
		if ((call->types >> (i * 4) & TEEC_MEM_OUTPUT) != 0) {
			total += call->outputs[i].capacity;
		}
	}
	return total;
}

TEEC_Result operation_pack(TEEC_Operation *operation, struct call *call, size_t size)
{
	static const TEEC_Operation nothing;
	const TEEC_Operation *given = operation != NULL ? operation : &nothing;
	struct tee_client_param params[COUNT] = { 0 };
	struct reference references[COUNT] = { 0 };
	struct region regions[COUNT];
	unsigned int count = 0;

	call->given_types = given->paramTypes;
	for (unsigned int i = 0; i < COUNT; i++) {
		uint32_t type = TEEC_PARAM_TYPE_GET(call->given_types, i);
		uint32_t wire_type = TEEC_NONE;
		TEEC_Result result =
			pack_one(&given->params[i], type, &wire_type, &params[i], &references[i]);

		if (result != TEEC_SUCCESS) {
			return result;
		}
		call->types |= wire_type << (i * 4);
		params[i].c = TEE_CLIENT_NO_REGION;
		if (references[i].address != NULL) {
			count = add_region(regions, count, &references[i]);
			call->outputs[i].data = references[i].address;
			call->outputs[i].capacity = references[i].size;
		}
	}

	if (answer_size(call) > TEE_CLIENT_DATA_MAX) {
		return TEEC_ERROR_OUT_OF_MEMORY;
	}

	struct tee_client_params head = { .types = call->types, .region_count = count };

	call->pieces[0] = (struct iovec){ .iov_base = call->head, .iov_len = size };
	call->piece_count = 1;
	append(call, &head, sizeof(head));
	if (append_regions(call, regions, count) > TEE_CLIENT_DATA_MAX) {
		return TEEC_ERROR_OUT_OF_MEMORY;
	}
	for (unsigned int i = 0; i < COUNT; i++) {
		if (references[i].address != NULL) {
			locate(regions, count, &references[i], &params[i]);
		}
		append(call, &params[i], sizeof(params[i]));
	}
	put_header(call);
	return TEEC_SUCCESS;
}

void operation_unpack(TEEC_Operation *operation, const struct call *call)
{
	if (operation == NULL || call->answer.head.types == 0) {
		return;
	}
	for (unsigned int i = 0; i < COUNT; i++) {
		uint32_t type = TEEC_PARAM_TYPE_GET(call->given_types, i);
		const struct tee_client_param *from = &call->answer.params[i];
		TEEC_Parameter *to = &operation->params[i];

		switch (type) {
		case TEEC_VALUE_OUTPUT:
		case TEEC_VALUE_INOUT:
			to->value.a = (uint32_t)from->a;
			to->value.b = (uint32_t)from->b;
			break;
		case TEEC_MEMREF_TEMP_OUTPUT:
		case TEEC_MEMREF_TEMP_INOUT:
			to->tmpref.size = from->b;
			break;
		case TEEC_MEMREF_PARTIAL_OUTPUT:
		case TEEC_MEMREF_PARTIAL_INOUT:
			to->memref.size = from->b;
			break;
		case TEEC_MEMREF_WHOLE:
			if ((call->types >> (i * 4) & TEEC_MEM_OUTPUT) != 0) {
				to->memref.size = from->b;
			}
			break;
		default:
			break;
		}
	}
}
