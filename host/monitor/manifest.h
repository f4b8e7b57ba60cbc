/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine manifest (ARCHITECTURE.md): what realms there are. Every property is checked. */
#pragma once

#include <abi/platform.h>
#include <abi/rmi.h>
#include <lib/types.h>

#define MANIFEST_MAX_REALMS QEMU_MAX_PES
#define MANIFEST_NAME_SIZE  32
#define MANIFEST_ERROR_SIZE 160

struct realm_config {
	char name[MANIFEST_NAME_SIZE];
	unsigned int vcpu_count;
	unsigned int first_pe;
	uint64_t ram_size;
	uint64_t window_base;
	unsigned int plan;
	uint8_t rpv[RMM_RPV_SIZE];
	unsigned int virtio_count;
	uint8_t virtio[REALM_VIRTIO_COUNT];
	bool trace;
};

struct manifest {
	unsigned int realm_count;
	/* Run the isolation probe, and let a realm ask for the loss of its own pages. */
	bool probe_isolation;
	struct realm_config realms[MANIFEST_MAX_REALMS];
};

/*
 * Reads the flattened device tree of at most `size` bytes at `fdt`, on a machine whose DRAM ends at
 * `dram_end`. On failure says in `error` (MANIFEST_ERROR_SIZE bytes) what is wrong.
 */
bool manifest_parse(const void *fdt, size_t size, uint64_t dram_end, struct manifest *manifest,
		    char *error);
