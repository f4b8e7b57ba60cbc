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

#define FRAME_PARTS   224
#define FRAME_SCRATCH 4096

/* A frame on its way out. Bytes given by reference stay where they are until it is sent. */
struct frame_out {
	size_t size;
	size_t part_count;
	size_t scratch_used;
	struct iovec parts[FRAME_PARTS];
	uint8_t scratch[FRAME_SCRATCH];
};

/* A frame being read: `left` bytes of it have not been. */
struct frame_in {
	int fd;
	uint32_t type;
	size_t left;
};

/*
 * Begin a frame. What is put into it must fit: callers know the most that their frame can have.
 */
void frame_begin(struct frame_out *out, uint32_t type);

void frame_put_u32(struct frame_out *out, uint32_t value);

void frame_put_u64(struct frame_out *out, uint64_t value);

/*
 * Put a copy of a few bytes.
 */
void frame_put_copy(struct frame_out *out, const void *bytes, size_t size);

/*
 * Put bytes by reference, without their length.
 */
void frame_put_bytes(struct frame_out *out, const void *bytes, size_t size);

/*
 * Whether the frame is as small as a frame must be.
 */
bool frame_fits(const struct frame_out *out);

bool frame_send(struct frame_out *out, int fd);

/*
 * Read the head of the next frame.
 */
bool frame_next(struct frame_in *in);

/*
 * Take the next bytes of the frame.
 */
bool frame_take(struct frame_in *in, void *to, size_t size);

bool frame_take_u64(struct frame_in *in, uint64_t *value);

/*
 * Pass over bytes of the frame.
 */
bool frame_skip(struct frame_in *in, size_t size);
