/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The heap that one signature is computed in: a fixed arena, in memory of its own, that moves
 * between PEs with the REC that it belongs to. mbedTLS knows of no heap but "the" heap, so a PE has
 * one in force at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The most that a signature was seen to need is 2176 bytes, whatever its key and message. */
#define HEAP_SIZE 2816U

struct heap {
	_Alignas(16) uint8_t bytes[HEAP_SIZE];
};

/* Makes the heap empty. */
void heap_init(struct heap *heap);

/* The heap in force on this PE from now on; NULL for none. */
void heap_use(struct heap *heap);

/* As C's calloc and free, in the heap in force. */
void *heap_calloc(size_t count, size_t size);
void heap_free(void *memory);
