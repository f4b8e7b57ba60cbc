/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames between the TEE core and the runner: a length and a type, both u32, then the body. A
 * function that returns false has met the end of the stream, or a frame that is not what it says:
 * nothing more can be said or heard then.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define WIRE_PARTS   224
#define WIRE_SCRATCH 4096

/* A frame on its way out. Bytes given by reference stay where they are until it is sent. */
struct wire_out {
	size_t size;
	size_t part_count;
	size_t scratch_used;
	struct iovec parts[WIRE_PARTS];
	uint8_t scratch[WIRE_SCRATCH];
};

/* A frame being read: `left` bytes of it have not been. */
struct wire_in {
	int fd;
	uint32_t type;
	size_t left;
};

/*
 * Begin a frame. What is put into it must fit: callers know the most that their frame can have.
 */
void wire_begin(struct wire_out *out, uint32_t type);

void wire_put_u32(struct wire_out *out, uint32_t value);

void wire_put_u64(struct wire_out *out, uint64_t value);

/*
 * Put a copy of a few bytes.
 */
void wire_put_copy(struct wire_out *out, const void *bytes, size_t size);

/*
 * Put bytes by reference, without their length.
 */
void wire_put_bytes(struct wire_out *out, const void *bytes, size_t size);

/*
 * Whether the frame is as small as a frame must be.
 */
bool wire_fits(const struct wire_out *out);

bool wire_send(struct wire_out *out, int fd);

/*
 * Read the head of the next frame.
 */
bool wire_next(struct wire_in *in);

/*
 * Take the next bytes of the frame.
 */
bool wire_take(struct wire_in *in, void *to, size_t size);

bool wire_take_u64(struct wire_in *in, uint64_t *value);

/*
 * Pass over bytes of the frame.
 */
bool wire_skip(struct wire_in *in, size_t size);
