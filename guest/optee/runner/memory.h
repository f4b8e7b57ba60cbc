/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mappings of the TA, as the core orders them. Nothing is ever mapped over anything else, the
 * runner itself least of all, and nothing is mapped writable and executable. What can be executed
 * holds no SVC instruction: the loader has replaced those, and another's number would mean Linux's
 * calls. That is for TAs with errors; what holds a hostile one is the sandbox.
 */
#pragma once

#include <abi/tee_run.h>
#include <stdbool.h>
#include <stdint.h>

#include <sys/mman.h>

#include "frame.h"
#include "map.h"

/* How memory is mapped; MEMORY_PROT_BTI is arm64's PROT_BTI. */
#define MEMORY_MAP_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE)
#ifdef __aarch64__
#define MEMORY_PROT_BTI 0x10
#else
#define MEMORY_PROT_BTI 0
#endif

/*
 * Map what a MAP frame says, with the bytes that follow in the frame. *error is 0 or why not, as in
 * errno. Returns false if the frame is wrong.
 */
bool memory_map(struct map *map, struct frame_in *in, const struct tee_run_map *order, int *error);

/*
 * The same for a REGION frame, which need not be whole pages.
 */
bool memory_region(struct map *map, struct frame_in *in, const struct tee_run_map *order,
		   int *error);

/*
 * Unmap all regions.
 */
void memory_drop_regions(struct map *map);

/*
 * Unmap a range that is mapped. Returns 0 or an error as in errno.
 */
int memory_unmap(struct map *map, uint64_t addr, uint64_t size);
