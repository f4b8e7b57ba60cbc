/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/check.h>
#include <lib/string.h>

#include "measure.h"
#include "pe.h"

#define DESCRIPTOR_SIZE sizeof(struct rmm_measurement_data)

static void extend_rim(struct realm *realm, const void *descriptor)
{
	hash_bytes(realm->hash_algorithm, descriptor, DESCRIPTOR_SIZE,
		   &realm->measurement[MEASURE_RIM]);
}

void measure_realm(struct realm *realm, const struct rmi_realm_params *params)
{
	struct rmi_realm_params *measured = &pe_this()->measured.realm_params;

	memset(measured, 0, sizeof(*measured));
	measured->flags = params->flags;
	measured->s2sz = params->s2sz;
	measured->sve_vl = params->sve_vl;
	measured->num_bps = params->num_bps;
	measured->num_wps = params->num_wps;
	measured->pmu_num_ctrs = params->pmu_num_ctrs;
	measured->hash_algo = params->hash_algo;
	hash_bytes(realm->hash_algorithm, measured, sizeof(*measured),
		   &realm->measurement[MEASURE_RIM]);
}

void measure_data(struct realm *realm, uint64_t ipa, uint64_t flags, const void *content)
{
	_Alignas(16) struct rmm_measurement_data descriptor = {
		.type = RMM_MEASURE_DATA,
		.len = DESCRIPTOR_SIZE,
		.ipa = ipa,
		.flags = flags,
	};
	struct digest digest;

	memcpy(descriptor.rim, &realm->measurement[MEASURE_RIM], sizeof(descriptor.rim));
	if (flags == RMI_DATA_MEASURE) {
		hash_bytes(realm->hash_algorithm, content, GRANULE_SIZE, &digest);
		memcpy(descriptor.content, &digest, sizeof(descriptor.content));
	}
	extend_rim(realm, &descriptor);
}

void measure_rec(struct realm *realm, const struct rmi_rec_params *params)
{
	_Alignas(16) struct rmm_measurement_rec descriptor = {
		.type = RMM_MEASURE_REC,
		.len = DESCRIPTOR_SIZE,
	};
	struct rmi_rec_params *measured = &pe_this()->measured.rec_params;
	struct digest digest;

	memset(measured, 0, sizeof(*measured));
	measured->flags = params->flags;
	measured->pc = params->pc;
	memcpy(measured->gprs, params->gprs, sizeof(measured->gprs));
	hash_bytes(realm->hash_algorithm, measured, sizeof(*measured), &digest);

	memcpy(descriptor.rim, &realm->measurement[MEASURE_RIM], sizeof(descriptor.rim));
	memcpy(descriptor.content, &digest, sizeof(descriptor.content));
	extend_rim(realm, &descriptor);
}

void measure_ripas(struct realm *realm, uint64_t base, uint64_t top)
{
	_Alignas(16) struct rmm_measurement_ripas descriptor = {
		.type = RMM_MEASURE_RIPAS,
		.len = DESCRIPTOR_SIZE,
		.base = base,
		.top = top,
	};

	memcpy(descriptor.rim, &realm->measurement[MEASURE_RIM], sizeof(descriptor.rim));
	extend_rim(realm, &descriptor);
}

void measure_extend(struct realm *realm, uint32_t index, const void *value, size_t size)
{
	_Alignas(16) uint8_t input[2U * RMM_MEASUREMENT_SIZE];
	size_t old_size = hash_size(realm->hash_algorithm);

	CHECK(index != MEASURE_RIM && index < REALM_MEASUREMENTS && size <= RMM_MEASUREMENT_SIZE);
	memcpy(input, &realm->measurement[index], old_size);
	memcpy(input + old_size, value, size);
	hash_bytes(realm->hash_algorithm, input, old_size + size, &realm->measurement[index]);
}
